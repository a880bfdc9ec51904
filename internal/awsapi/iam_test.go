package awsapi

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// TestLifeOfADevice makes, enables, resyncs, lists, deactivates and deletes one, with
// codes of the seed that AWS gave.
func TestLifeOfADevice(t *testing.T) {
	t.Parallel()
	s := newAccountStage(t)
	device, err := s.alice.CreateVirtualMFADevice(t.Context(), "laptop")
	if err != nil {
		t.Fatal(err)
	}
	s.hide(device.Seed.Base32())
	if want := "arn:aws:iam::123456789012:mfa/laptop"; device.Serial != want || device.Seed.Bits() != 320 {
		t.Fatalf("serial %q, %d bits", device.Serial, device.Seed.Bits())
	}
	now := totp.StepAt(s.Now())
	pair := Pair{User: "alice", Serial: device.Serial, First: device.Seed.Code(now - 1), Second: device.Seed.Code(now)}
	s.hide(pair.First, pair.Second)
	if err := s.alice.EnableMFADevice(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	mine, err := s.alice.ListMFADevices(t.Context(), "")
	if err != nil || len(mine) != 1 || mine[0].Serial != device.Serial || mine[0].User != "alice" || mine[0].Name() != "laptop" {
		t.Errorf("%+v, %v", mine, err)
	}
	if all, err := s.alice.ListVirtualMFADevices(t.Context()); err != nil || !slices.Equal(all, []Device{{Serial: spare}, mine[0]}) {
		t.Errorf("%+v, %v; want %s and %+v", all, err, spare, mine)
	}
	s.clock.advance(2 * totp.Period)
	if err := s.alice.ResyncMFADevice(t.Context(), s.pair(device.Serial, -1)); err != nil {
		t.Error(err)
	}
	if err := s.alice.DeactivateMFADevice(t.Context(), "alice", device.Serial); err != nil {
		t.Error(err)
	}
	if err := s.alice.DeleteVirtualMFADevice(t.Context(), device.Serial); err != nil {
		t.Error(err)
	}
	if got := s.list(); !slices.Equal(got, []string{spare}) {
		t.Errorf("devices: %v", got)
	}
	if repeated := s.State().Repeated(); len(repeated) != 0 {
		t.Errorf("codes sent twice: %+v", repeated)
	}
}

func (s *accountStage) list() []string {
	s.t.Helper()
	devices, err := s.alice.ListVirtualMFADevices(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	var serials []string
	for _, d := range devices {
		serials = append(serials, d.Serial)
	}
	return serials
}

func TestLifeOfAKey(t *testing.T) {
	t.Parallel()
	s := newAccountStage(t)
	old := s.key()
	key, err := s.alice.CreateAccessKey(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if !creds.IsAccessKeyID(key.ID) || len(key.Secret.Reveal()) != 40 {
		t.Errorf("%+v", key)
	}
	use, err := s.alice.GetAccessKeyLastUsed(t.Context(), key.ID)
	if err != nil || use != (KeyUse{User: "alice"}) {
		t.Errorf("before its use: %+v, %v", use, err)
	}
	next := s.client(key, creds.Secret{})
	if err := next.UpdateAccessKey(t.Context(), "alice", old.ID, false); err != nil {
		t.Fatal(err)
	}
	keys, err := next.ListAccessKeys(t.Context(), "alice")
	if err != nil || len(keys) != 2 || keys[0].ID != old.ID || keys[0].Active || !keys[1].Active || keys[1].Created.IsZero() {
		t.Errorf("%+v, %v", keys, err)
	}
	use, err = next.GetAccessKeyLastUsed(t.Context(), key.ID)
	if err != nil || use.Service != "iam" || use.Region != "us-east-1" || s.Now().Sub(use.Time).Abs() > 2*time.Second {
		t.Errorf("after its use: %+v, %v", use, err)
	}
	_, err = s.alice.ListAccessKeys(t.Context(), "")
	s.check(t, err, want{KeyUnknown, fault.Refused, Answered, []string{"access key " + old.ID, "inactive"}})
	if err := next.UpdateAccessKey(t.Context(), "", old.ID, true); err != nil {
		t.Error(err)
	}
	if _, err := s.alice.ListAccessKeys(t.Context(), ""); err != nil {
		t.Errorf("active again: %v", err)
	}
	if err := next.DeleteAccessKey(t.Context(), "", old.ID); err != nil {
		t.Error(err)
	}
	if keys, err = next.ListAccessKeys(t.Context(), ""); err != nil || len(keys) != 1 || keys[0].ID != key.ID {
		t.Errorf("%+v, %v", keys, err)
	}
}

// TestPages reads lists that come an entry at a time, in the order that AWS has.
func TestPages(t *testing.T) {
	t.Parallel()
	s := newAccountStage(t, func(o *sandbox.Options) {
		o.PageSize = 1
		o.World.Devices = append(o.World.Devices, sandbox.Device{Serial: laptop, User: "alice"}, sandbox.Device{Serial: "GAHT12345678", User: "alice"})
		o.World.Users[0].Keys = append(o.World.Users[0].Keys, sandbox.Key{})
	})
	if got := s.list(); !slices.Equal(got, []string{spare, laptop}) {
		t.Errorf("virtual devices: %v", got)
	}
	mine, err := s.alice.ListMFADevices(t.Context(), "alice")
	if err != nil || len(mine) != 2 || mine[1].Serial != "GAHT12345678" || mine[1].Name() != "" {
		t.Errorf("devices: %+v, %v", mine, err)
	}
	keys, err := s.alice.ListAccessKeys(t.Context(), "")
	if err != nil || len(keys) != 2 {
		t.Errorf("keys: %+v, %v", keys, err)
	}
	if n := s.State().Count("ListAccessKeys").Calls; n != 2 {
		t.Errorf("%d requests for two pages", n)
	}
}

// TestEndlessList: a list that repeats its marker, or has none, must not pass for whole.
func TestEndlessList(t *testing.T) {
	t.Parallel()
	for _, marker := range []string{"0", ""} {
		s := newAccountStage(t)
		s.inject(sandbox.Fault{Kind: sandbox.Rewrite, Times: -1, Rewrite: func(body []byte) []byte {
			tail := "<IsTruncated>true</IsTruncated><Marker>" + marker + "</Marker>"
			return []byte(strings.Replace(string(body), "<IsTruncated>false</IsTruncated>", tail, 1))
		}})
		_, err := s.alice.ListMFADevices(t.Context(), "")
		s.check(t, err, want{ServerError, fault.Refused, Answered, []string{"does not end"}})
	}
}

// TestMarkerLostMidway: a page without marker must not start the list again.
func TestMarkerLostMidway(t *testing.T) {
	t.Parallel()
	s := newAccountStage(t, func(o *sandbox.Options) {
		o.PageSize = 1
		o.World.Devices = append(o.World.Devices, sandbox.Device{Serial: laptop}, sandbox.Device{Serial: laptop + "2"})
	})
	s.inject(sandbox.Fault{Kind: sandbox.Rewrite, Skip: 1, Rewrite: func(body []byte) []byte {
		return []byte(strings.Replace(string(body), "<Marker>2</Marker>", "", 1))
	}})
	_, err := s.alice.ListVirtualMFADevices(t.Context())
	s.check(t, err, want{ServerError, fault.Refused, Answered, []string{"does not end"}})
}

// TestAnswersAreForgotten: the bytes that held a new secret are overwritten.
func TestAnswersAreForgotten(t *testing.T) {
	t.Parallel()
	const secret, seed = "CANARYsecretACCESSkeyCANARYsecretACCESSk", "R0VaREdOQlZHWTNUUU9KUUdFWkRHTkJWR1kzVFFPSlE="
	got := &answer{status: 200, header: http.Header{}}
	s := newAccountStage(t)
	s.alice.client.fetch = func(*http.Request) (*answer, error) { return got, nil }
	got.body = []byte("<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><AccessKeyId>AKIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>" +
		secret + "</SecretAccessKey></AccessKey></CreateAccessKeyResult></CreateAccessKeyResponse>")
	key, err := s.alice.CreateAccessKey(t.Context(), "")
	if err != nil || key.Secret.Reveal() != secret || bytes.Contains(got.body, []byte("CANARY")) {
		t.Errorf("%v; %d bytes left", err, len(bytes.Trim(got.body, "\x00")))
	}
	got.body = []byte("<CreateVirtualMFADeviceResponse><CreateVirtualMFADeviceResult><VirtualMFADevice><SerialNumber>" + spare +
		"</SerialNumber><Base32StringSeed>" + seed + "</Base32StringSeed></VirtualMFADevice></CreateVirtualMFADeviceResult></CreateVirtualMFADeviceResponse>")
	device, err := s.alice.CreateVirtualMFADevice(t.Context(), "spare")
	if err != nil || device.Seed.IsZero() || bytes.Contains(got.body, []byte(seed)) {
		t.Errorf("%v; %d bytes left", err, len(bytes.Trim(got.body, "\x00")))
	}
}

// TestUselessAnswers: AWS answers, and what was asked for is not in it.
func TestUselessAnswers(t *testing.T) {
	t.Parallel()
	cut := func(from, to string) func([]byte) []byte {
		return func(body []byte) []byte {
			head, rest, _ := strings.Cut(string(body), from)
			_, tail, _ := strings.Cut(rest, to)
			return []byte(head + tail)
		}
	}
	for name, test := range map[string]struct {
		rewrite func([]byte) []byte
		call    func(*accountStage) error
		cause   string
	}{
		"no seed": {cut("<Base32StringSeed>", "</Base32StringSeed>"), func(s *accountStage) error {
			d, err := s.alice.CreateVirtualMFADevice(s.t.Context(), "new")
			if d.Serial != "arn:aws:iam::123456789012:mfa/new" {
				s.t.Errorf("the serial is lost: %q", d.Serial)
			}
			return err
		}, "no usable seed"},
		"no serial": {cut("<SerialNumber>", "</SerialNumber>"), func(s *accountStage) error {
			_, err := s.alice.CreateVirtualMFADevice(s.t.Context(), "new")
			return err
		}, "names no device"},
		"no secret": {cut("<SecretAccessKey>", "</SecretAccessKey>"), func(s *accountStage) error {
			_, err := s.alice.CreateAccessKey(s.t.Context(), "")
			return err
		}, "no access key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newAccountStage(t)
			s.inject(sandbox.Fault{Kind: sandbox.Rewrite, Rewrite: test.rewrite})
			s.check(t, test.call(s), want{ServerError, fault.Refused, Answered, []string{test.cause}})
		})
	}
}
