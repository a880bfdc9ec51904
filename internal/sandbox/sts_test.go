package sandbox

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func newSTS(t *testing.T, options Options) (*Server, *user, *testClock) {
	t.Helper()
	clock := newClock()
	options.Now = clock.Now
	server := startServer(t, options)
	return server, newUser(t, server, "alice"), clock
}

// session is a base session with MFA.
func (u *user) session() *user {
	u.t.Helper()
	return u.as(u.do("GetSessionToken", "SerialNumber", laptop, "TokenCode", u.code(laptop, 0)))
}

func TestGetSessionToken(t *testing.T) {
	t.Parallel()
	server, alice, clock := newSTS(t, Options{})
	got := alice.do("GetSessionToken", "SerialNumber", laptop, "TokenCode", alice.code(laptop, 0)).wantOK(t)
	if want := clock.Now().Add(12 * time.Hour).UTC(); !got.Credentials.Expiration.Equal(want) {
		t.Errorf("expires %s, want %s", got.Credentials.Expiration, want)
	}
	if !strings.Contains(got.body, "<Expiration>2026-11-24T07:55:10Z</Expiration>") {
		t.Errorf("the form of the expiration: %s", got.body)
	}
	if !strings.HasPrefix(got.Credentials.AccessKeyID, "ASIA") || len(got.Credentials.AccessKeyID) != 20 || len(got.Credentials.SecretAccessKey) != 40 || len(got.Credentials.SessionToken) != presetToken {
		t.Errorf("the form of the credentials: %d %d", len(got.Credentials.SecretAccessKey), len(got.Credentials.SessionToken))
	}
	if got.RequestID == "" || got.header.Get("x-amzn-RequestId") != got.RequestID {
		t.Errorf("request id %q, header %q", got.RequestID, got.header.Get("x-amzn-RequestId"))
	}
	if date := got.header.Get("Date"); date != "Mon, 23 Nov 2026 19:55:10 GMT" {
		t.Errorf("Date %q", date)
	}
	who := alice.as(got).do("GetCallerIdentity").wantOK(t)
	if who.Arn != "arn:aws:iam::123456789012:user/alice" || who.Account != "123456789012" || !strings.HasPrefix(who.UserID, "AIDA") {
		t.Errorf("caller %+v", who)
	}
	if server.State().Sessions != 1 {
		t.Error("the session is not counted")
	}
}

func TestGetSessionTokenRefusals(t *testing.T) {
	t.Parallel()
	const class = ` failed to satisfy constraint: Member must `
	for name, test := range map[string]struct {
		pairs   []string
		status  int
		code    string
		message string
	}{
		"too short":   {[]string{"DurationSeconds", "899"}, 400, "ValidationError", "1 validation error detected: Value '899' at 'durationSeconds'" + class + "have value greater than or equal to 900"},
		"too long":    {[]string{"DurationSeconds", "129601"}, 400, "ValidationError", "have value less than or equal to 129600"},
		"no number":   {[]string{"DurationSeconds", "12h"}, 400, "ValidationError", "at 'durationSeconds'"},
		"short code":  {[]string{"SerialNumber", laptop, "TokenCode", "12345"}, 400, "ValidationError", "at 'tokenCode'" + class + "have length greater than or equal to 6"},
		"no digits":   {[]string{"SerialNumber", laptop, "TokenCode", "12345a"}, 400, "ValidationError", "at 'tokenCode'" + class + `satisfy regular expression pattern: [\d]*`},
		"bad serial":  {[]string{"SerialNumber", "arn aws iam", "TokenCode", "123456"}, 400, "ValidationError", "at 'serialNumber'"},
		"two errors":  {[]string{"DurationSeconds", "1", "SerialNumber", "x", "TokenCode", "123456"}, 400, "ValidationError", "2 validation errors detected: "},
		"no code":     {[]string{"SerialNumber", laptop}, 403, "AccessDenied", textBothNeeded},
		"no serial":   {[]string{"TokenCode", "123456"}, 403, "AccessDenied", textBothNeeded},
		"user ARN":    {[]string{"SerialNumber", "arn:aws:iam::123456789012:user/alice", "TokenCode", "123456"}, 403, "AccessDenied", textNoDevice},
		"unassigned":  {[]string{"SerialNumber", "arn:aws:iam::123456789012:mfa/spare", "TokenCode", "123456"}, 403, "AccessDenied", textNoDevice},
		"of somebody": {[]string{"SerialNumber", "arn:aws:iam::123456789012:mfa/bob", "TokenCode", "123456"}, 403, "AccessDenied", textNoDevice},
		"wrong code":  {[]string{"SerialNumber", laptop, "TokenCode", "WRONG"}, 403, "AccessDenied", textInvalidCode},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world := DefaultWorld()
			world.Users = append(world.Users, User{Name: "bob"})
			world.Devices = append(world.Devices, Device{Serial: "arn:aws:iam::123456789012:mfa/spare"}, Device{Serial: "arn:aws:iam::123456789012:mfa/bob", User: "bob"})
			_, alice, _ := newSTS(t, Options{World: world})
			for i, value := range test.pairs {
				if value == "WRONG" {
					test.pairs[i] = wrongCode(alice)
				}
			}
			alice.do("GetSessionToken", test.pairs...).want(t, test.status, test.code, test.message)
		})
	}
}

// wrongCode is a code of no step around now.
func wrongCode(u *user) string {
	taken := map[string]bool{}
	for step := -reach; step <= reach; step++ {
		taken[u.code(laptop, step)] = true
	}
	for n := 0; ; n++ {
		if code := strconv.Itoa(100_000 + n); !taken[code] {
			return code
		}
	}
}

// TestCodeOnce is the heart of it: a code is accepted once, and never one of an
// earlier step than the last.
func TestCodeOnce(t *testing.T) {
	t.Parallel()
	server, alice, clock := newSTS(t, Options{})
	try := func(code string) reply {
		return alice.do("GetSessionToken", "SerialNumber", laptop, "TokenCode", code)
	}
	refused := func(code string) {
		t.Helper()
		try(code).want(t, 403, "AccessDenied", textInvalidCode)
	}
	refused(alice.code(laptop, -2))
	refused(alice.code(laptop, 2))
	past, now, future := alice.code(laptop, -1), alice.code(laptop, 0), alice.code(laptop, 1)
	try(now).wantOK(t)
	refused(now)
	refused(past)
	try(future).wantOK(t)
	refused(future)
	clock.advance(stepLength)
	refused(alice.code(laptop, 0)) // the former future
	clock.advance(stepLength)
	try(alice.code(laptop, 0)).wantOK(t)

	var outcomes []Outcome
	for _, attempt := range server.State().Attempts {
		outcomes = append(outcomes, attempt.Outcome)
	}
	want := []Outcome{CodeOutsideWindow, CodeOutsideWindow, CodeAccepted, CodeSpent, CodeSpent, CodeAccepted, CodeSpent, CodeSpent, CodeAccepted}
	if len(outcomes) != len(want) {
		t.Fatalf("got %v", outcomes)
	}
	for i := range want {
		if outcomes[i] != want[i] {
			t.Errorf("attempt %d: %s, want %s", i, outcomes[i], want[i])
		}
	}
	if got := server.State().Repeated(); len(got) != 4 { // the spent ones but past, and the step first sent too early
		t.Errorf("repeated: %+v", got)
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ window, step, status int }{
		{CurrentOnly, -1, 403},
		{CurrentOnly, 1, 403},
		{CurrentOnly, 0, 200},
		{0, -1, 200},
		{0, 1, 200},
		{0, 2, 403},
		{3, 3, 200},
		{3, -3, 200},
		{3, 4, 403},
	} {
		_, alice, _ := newSTS(t, Options{Window: test.window})
		got := alice.do("GetSessionToken", "SerialNumber", laptop, "TokenCode", alice.code(laptop, test.step))
		if got.status != test.status {
			t.Errorf("window %d, step %+d: %d %s", test.window, test.step, got.status, got.Error.Message)
		}
	}
}

func TestRepeated(t *testing.T) {
	t.Parallel()
	server, alice, _ := newSTS(t, Options{})
	wrong := wrongCode(alice)
	alice.do("GetSessionToken", "SerialNumber", laptop, "TokenCode", wrong)
	alice.do("GetSessionToken", "SerialNumber", laptop, "TokenCode", alice.code(laptop, 0))
	if got := server.State().Repeated(); got != nil {
		t.Errorf("nothing was repeated: %+v", got)
	}
	alice.do("GetSessionToken", "SerialNumber", laptop, "TokenCode", wrong)
	if err := server.Inject(Fault{Kind: Throttle}); err != nil {
		t.Fatal(err)
	}
	alice.do("GetSessionToken", "SerialNumber", laptop, "TokenCode", alice.code(laptop, 0)).want(t, 400, "Throttling", "Rate exceeded")
	got := server.State().Repeated()
	if len(got) != 2 || got[0].Outcome != CodeWrong || got[1].Outcome != CodeNotJudged || got[1].Step == 0 {
		t.Errorf("got %+v", got)
	}
}

func TestRoot(t *testing.T) {
	t.Parallel()
	const device = "arn:aws:iam::123456789012:mfa/root-account-mfa-device"
	world := World{Users: []User{{Name: RootUser, Keys: []Key{{}}}}, Devices: []Device{{Serial: device, User: RootUser}}, Roles: DefaultWorld().Roles}
	clock := newClock()
	server := startServer(t, Options{World: world, Now: clock.Now})
	root := newUser(t, server, RootUser)
	got := root.do("GetSessionToken", "DurationSeconds", "43200", "SerialNumber", device, "TokenCode", root.code(device, 0)).wantOK(t)
	if want := clock.Now().Add(time.Hour); !got.Credentials.Expiration.Equal(want) {
		t.Errorf("a root session expires %s, want %s", got.Credentials.Expiration, want)
	}
	who := root.do("GetCallerIdentity").wantOK(t)
	if who.Arn != "arn:aws:iam::123456789012:root" || who.UserID != "123456789012" {
		t.Errorf("caller %+v", who)
	}
	root.do("AssumeRole", "RoleArn", roleDeploy, "RoleSessionName", "work").want(t, 403, "AccessDenied", "Roles may not be assumed by root accounts.")
}

func TestSessionExpires(t *testing.T) {
	t.Parallel()
	_, alice, clock := newSTS(t, Options{})
	session := alice.as(alice.do("GetSessionToken", "DurationSeconds", "900"))
	clock.advance(900*time.Second - time.Nanosecond)
	session.do("GetCallerIdentity").wantOK(t)
	clock.advance(time.Nanosecond)
	session.do("GetCallerIdentity").want(t, 403, "ExpiredToken", "The security token included in the request is expired")
}

func TestAssumeRole(t *testing.T) {
	t.Parallel()
	const account = "arn:aws:iam::123456789012:"
	withCode := []string{"SerialNumber", laptop, "TokenCode", "CODE"}
	unauthorized := "User: " + account + "user/alice is not authorized to perform: sts:AssumeRole on resource: " + account + "role/"
	for name, test := range map[string]struct {
		role    string
		base    string // "key", "plain" (session without MFA), "mfa"
		pairs   []string
		status  int
		code    string
		message string
	}{
		"key, no MFA":         {"deploy", "key", nil, 403, "AccessDenied", unauthorized + "deploy"},
		"plain session":       {"deploy", "plain", nil, 403, "AccessDenied", unauthorized + "deploy"},
		"MFA session":         {"deploy", "mfa", nil, 200, "", ""},
		"key with code":       {"deploy", "key", withCode, 200, "", ""},
		"key, 12 h":           {"deploy", "key", append([]string{"DurationSeconds", "43200"}, withCode...), 200, "", ""},
		"above the API's":     {"deploy", "key", append([]string{"DurationSeconds", "43201"}, withCode...), 400, "ValidationError", "less than or equal to 43200"},
		"chained, 1 h":        {"deploy", "mfa", []string{"DurationSeconds", "3600"}, 200, "", ""},
		"chained, more":       {"deploy", "mfa", []string{"DurationSeconds", "3601"}, 400, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."},
		"role's maximum":      {"readonly", "key", []string{"DurationSeconds", "3601"}, 400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
		"readonly":            {"readonly", "key", nil, 200, "", ""},
		"external id missing": {"audit", "mfa", nil, 403, "AccessDenied", unauthorized + "audit"},
		"external id wrong":   {"audit", "mfa", []string{"ExternalId", "audit-4712"}, 403, "AccessDenied", unauthorized + "audit"},
		"external id":         {"audit", "mfa", []string{"ExternalId", "audit-4711"}, 200, "", ""},
		"external id, no MFA": {"audit", "key", []string{"ExternalId", "audit-4711"}, 403, "AccessDenied", unauthorized + "audit"},
		"no trust":            {"no-trust", "mfa", nil, 403, "AccessDenied", unauthorized + "no-trust"},
		"no such role":        {"nothing", "mfa", nil, 403, "AccessDenied", unauthorized + "nothing"},
		"serial only":         {"deploy", "key", []string{"SerialNumber", laptop}, 403, "AccessDenied", textBothNeeded},
		"session name":        {"readonly", "key", []string{"RoleSessionName", "a b"}, 400, "ValidationError", `at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`},
		"role ARN":            {"readonly", "key", []string{"RoleArn", "role/readonly-but-long-enough"}, 400, "ValidationError", "is invalid"},
		"policy":              {"readonly", "key", []string{"Policy", "{"}, 400, "MalformedPolicyDocument", "JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, who, _ := newSTS(t, Options{})
			pairs := append([]string{"RoleArn", account + "role/" + test.role, "RoleSessionName", "work"}, test.pairs...)
			if n := len(pairs); pairs[n-1] == "CODE" {
				pairs[n-1] = who.code(laptop, 0)
			}
			switch test.base {
			case "plain":
				who = who.as(who.do("GetSessionToken"))
			case "mfa":
				who = who.session()
			}
			got := who.do("AssumeRole", pairs...)
			if test.status != http.StatusOK {
				got.want(t, test.status, test.code, test.message)
				return
			}
			if want := "arn:aws:sts::123456789012:assumed-role/" + test.role + "/work"; got.wantOK(t).Arn != want || who.as(got).do("GetCallerIdentity").wantOK(t).Arn != want {
				t.Errorf("got %q, want %q", got.Arn, want)
			}
		})
	}
}

func TestRoleChaining(t *testing.T) {
	t.Parallel()
	world := DefaultWorld()
	world.Roles = append(world.Roles, Role{Name: "team/inner", Trusts: []string{"role/deploy"}}, Role{Name: "mfa-inner", Trusts: []string{"role/deploy"}, RequireMFA: true})
	_, alice, _ := newSTS(t, Options{World: world})
	session := alice.session()
	deploy := session.as(session.do("AssumeRole", "RoleArn", roleDeploy, "RoleSessionName", "one"))
	inner := deploy.do("AssumeRole", "RoleArn", "arn:aws:iam::123456789012:role/team/inner", "RoleSessionName", "two").wantOK(t)
	if inner.Arn != "arn:aws:sts::123456789012:assumed-role/inner/two" {
		t.Errorf("role session %q", inner.Arn)
	}
	deploy.do("AssumeRole", "RoleArn", "arn:aws:iam::123456789012:role/mfa-inner", "RoleSessionName", "two").
		want(t, 403, "AccessDenied", "User: arn:aws:sts::123456789012:assumed-role/deploy/one is not authorized to perform: sts:AssumeRole")
	alice.do("AssumeRole", "RoleArn", "arn:aws:iam::123456789012:role/team/inner", "RoleSessionName", "two").want(t, 403, "AccessDenied", "not authorized")
	deploy.do("GetSessionToken").want(t, 403, "AccessDenied", "Cannot call GetSessionToken with session credentials")
	session.do("GetSessionToken").want(t, 403, "AccessDenied", "Cannot call GetSessionToken with session credentials")
}

func TestDeny(t *testing.T) {
	t.Parallel()
	server, alice, clock := newSTS(t, Options{})
	update(t, server, func(w *World) {
		w.User("alice").Deny = map[string]string{"sts:AssumeRole": "", "sts:GetSessionToken": "a service control policy", "sts:GetCallerIdentity": ""}
	})
	alice.do("AssumeRole", "RoleArn", roleDeploy, "RoleSessionName", "work", "SerialNumber", laptop, "TokenCode", alice.code(laptop, 0)).
		want(t, 403, "AccessDenied", "is not authorized to perform: sts:AssumeRole on resource: "+roleDeploy+" with an explicit deny in an identity-based policy")
	alice.do("GetCallerIdentity").wantOK(t) // cannot be denied
	get := []string{"SerialNumber", laptop, "TokenCode", alice.code(laptop, 0)}
	alice.do("GetSessionToken", get...).want(t, 403, "AccessDenied", textInvalidCode) // the refusal has cost the code
	clock.advance(stepLength)
	get[3] = alice.code(laptop, 0)
	alice.do("GetSessionToken", get...).want(t, 403, "AccessDenied", "with an explicit deny in a service control policy")
}

func update(t *testing.T, server *Server, change func(*World)) {
	t.Helper()
	if err := server.Update(change); err != nil {
		t.Fatal(err)
	}
}

func TestInactiveKey(t *testing.T) {
	t.Parallel()
	server, alice, _ := newSTS(t, Options{})
	session := alice.session()
	update(t, server, func(w *World) { w.User("alice").Keys[0].Inactive = true })
	alice.do("GetCallerIdentity").want(t, 403, "InvalidClientTokenId", "The security token included in the request is invalid.")
	session.do("GetCallerIdentity").wantOK(t)
	update(t, server, func(w *World) { w.User("alice").Keys = nil })
	alice.do("GetCallerIdentity").want(t, 403, "InvalidClientTokenId", "")
}

func TestUpdateRefusesNonsense(t *testing.T) {
	t.Parallel()
	server, alice, _ := newSTS(t, Options{})
	if server.Update(func(w *World) { w.Device(laptop).Seed = "1!" }) == nil {
		t.Error("a seed that is no base32 was taken")
	}
	if server.Update(func(w *World) { w.Users = nil }) == nil {
		t.Error("a device of nobody was taken")
	}
	alice.session() // nothing has changed
}

func TestClockOffset(t *testing.T) {
	t.Parallel()
	server, alice, clock := newSTS(t, Options{})
	server.SetClockOffset(-3 * time.Hour)
	got := alice.do("GetCallerIdentity")
	got.want(t, 403, "SignatureDoesNotMatch", "Signature not yet current: 20261123T195510Z is still later than 20261123T170010Z (20261123T165510Z + 5 min.)")
	if date := got.header.Get("Date"); date != "Mon, 23 Nov 2026 16:55:10 GMT" {
		t.Errorf("Date %q", date)
	}
	server.SetClockOffset(3 * time.Hour)
	alice.do("GetCallerIdentity").want(t, 403, "SignatureDoesNotMatch", "Signature expired: 20261123T195510Z is now earlier than 20261123T225010Z (20261123T225510Z - 5 min.)")
	alice.clock = func() time.Time { return clock.Now().Add(3 * time.Hour) }
	alice.do("GetCallerIdentity").wantOK(t)
}

func TestPartition(t *testing.T) {
	t.Parallel()
	world := DefaultWorld()
	world.Partition = "aws-cn"
	_, alice, _ := newSTS(t, Options{World: world})
	alice.do("GetCallerIdentity").want(t, 403, "InvalidClientTokenId", "")
	alice.region = "cn-northwest-1"
	if got := alice.do("GetCallerIdentity").wantOK(t); got.Arn != "arn:aws-cn:iam::123456789012:user/alice" {
		t.Errorf("caller %q", got.Arn)
	}
}
