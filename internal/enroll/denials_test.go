package enroll

import (
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
)

// flow is a flow, and the actions that it cannot do without. maybe are those that it uses if it may.
type flow struct {
	run            func(*testing.T, *Manager) error
	actions, maybe string
}

func flows() map[string]flow {
	return map[string]flow{
		"enroll": {func(t *testing.T, m *Manager) error {
			_, err := m.Enroll(t.Context(), DeviceOptions{Name: "alice"})
			return err
		}, "CreateVirtualMFADevice EnableMFADevice", "ListMFADevices ListVirtualMFADevices"},
		"rotate device": {func(t *testing.T, m *Manager) error {
			_, err := m.RotateDevice(t.Context(), DeviceOptions{Name: "alice"})
			return err
		}, "CreateVirtualMFADevice EnableMFADevice DeactivateMFADevice DeleteVirtualMFADevice", "ListMFADevices ListVirtualMFADevices"},
		"remove": {func(t *testing.T, m *Manager) error {
			_, err := m.RemoveDevice(t.Context(), "")
			return err
		}, "DeactivateMFADevice DeleteVirtualMFADevice", "ListMFADevices"},
		"resync": {func(t *testing.T, m *Manager) error { return m.Resync(t.Context(), "") }, "ResyncMFADevice", ""},
		"rotate key": {func(t *testing.T, m *Manager) error {
			_, err := m.RotateKey(t.Context(), KeyOptions{Delete: true})
			return err
		}, "ListAccessKeys CreateAccessKey UpdateAccessKey DeleteAccessKey", "GetAccessKeyLastUsed"},
	}
}

// TestRefusals has IAM refuse each action of each flow: the error names the cause, and for a permission the action
// that is missing, and once that is mended, the same command ends what it began.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const user = "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: iam:ACTION on resource: x "
	for name, refusal := range map[string]struct {
		fault sandbox.Fault
		kind  fault.Kind
		words []string
	}{
		"no policy":      {sandbox.Fault{Status: 403, Code: "AccessDenied", Message: user + "because no identity-based policy allows the iam:ACTION action"}, fault.Refused, []string{"alice may not call iam:ACTION (no identity-based policy allows the iam:ACTION action)", "ask an administrator to allow iam:ACTION"}},
		"a boundary":     {sandbox.Fault{Status: 403, Code: "AccessDenied", Message: user + "because no permissions boundary allows the iam:ACTION action"}, fault.Refused, []string{"(no permissions boundary allows the iam:ACTION action)", "ask an administrator to allow iam:ACTION"}},
		"explicit deny":  {sandbox.Fault{Status: 403, Code: "AccessDenied", Message: user + "with an explicit deny in a service control policy"}, fault.Refused, []string{"alice may not call iam:ACTION (explicit deny in a service control policy)", "ask an administrator to allow iam:ACTION"}},
		"other words":    {sandbox.Fault{Status: 403, Code: "AccessDenied", Message: "No."}, fault.Refused, []string{"AWS denied ACTION: No.", "ask an administrator to allow iam:ACTION"}},
		"throttling":     {sandbox.Fault{Status: 400, Code: "Throttling", Message: "Rate exceeded"}, fault.Unavailable, []string{"AWS limits the rate of calls", "try again later"}},
		"unmodifiable":   {sandbox.Fault{Status: 409, Code: "EntityTemporarilyUnmodifiable", Message: "x"}, fault.Unavailable, []string{"does not accept another change yet", "try again in a minute"}},
		"service fails":  {sandbox.Fault{Status: 500, Code: "ServiceFailure", Message: "x"}, fault.Unavailable, []string{"AWS failed on its side", "try again later"}},
		"something else": {sandbox.Fault{Status: 400, Code: "Xyzzy", Message: "Plugh."}, fault.Refused, []string{"AWS answered Xyzzy: Plugh."}},
	} {
		for of, flow := range flows() {
			for _, action := range strings.Fields(flow.actions + " " + flow.maybe) {
				t.Run(name+"/"+of+"/"+action, func(t *testing.T) {
					t.Parallel()
					s := flowStage(t, of)
					f := refusal.fault
					f.Kind, f.Action, f.Times, f.Message = sandbox.Refuse, action, -1, strings.ReplaceAll(f.Message, "ACTION", action)
					s.inject(f)
					err := flow.run(t, s.manager())
					if err == nil && strings.Contains(flow.maybe, action) {
						return
					}
					var words []string
					for _, word := range refusal.words {
						words = append(words, strings.ReplaceAll(word, "ACTION", action))
					}
					fails(t, err, refusal.kind, words...)
					s.ClearFaults()
					s.must(flow.run(t, s.manager()))
				})
			}
		}
	}
}

// flowStage is a stage for a flow.
func flowStage(t *testing.T, flow string) *stage {
	t.Helper()
	if flow == "enroll" {
		return newStage(t)
	}
	s := enrolled(t)
	s.confirm = func(LastDevice) error { return nil }
	return s
}
