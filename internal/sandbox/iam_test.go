package sandbox

import (
	"encoding/base64"
	"image/png"
	"strconv"
	"strings"
	"testing"
	"time"

	goqr "github.com/piglig/go-qr"
)

const spare = "arn:aws:iam::123456789012:mfa/spare"

// newIAM is an account whose user has no device yet.
func newIAM(t *testing.T, options Options) (*Server, *user, *testClock) {
	t.Helper()
	if len(options.World.Users) == 0 {
		options.World = DefaultWorld()
		options.World.Devices = []Device{{Serial: spare}}
	}
	return newSTS(t, options)
}

func (u *user) pair(action, serial string, first, second int) reply {
	u.t.Helper()
	return u.do(action, "UserName", "alice", "SerialNumber", serial, "AuthenticationCode1", u.code(serial, first), "AuthenticationCode2", u.code(serial, second))
}

func TestEnrolment(t *testing.T) {
	t.Parallel()
	_, alice, clock := newIAM(t, Options{})
	created := alice.do("CreateVirtualMFADevice", "VirtualMFADeviceName", "new", "Path", "/team/").wantOK(t).Device
	const serial = "arn:aws:iam::123456789012:mfa/team/new"
	if created.SerialNumber != serial {
		t.Errorf("serial %q", created.SerialNumber)
	}
	seed, err := base64.StdEncoding.DecodeString(created.Base32StringSeed)
	if err != nil || len(seed) != 64 {
		t.Fatalf("the seed is %d characters, %v", len(seed), err)
	}
	if _, err := decodeSeed(string(seed)); err != nil {
		t.Error(err)
	}
	picture, err := png.Decode(base64.NewDecoder(base64.StdEncoding, strings.NewReader(created.QRCodePNG)))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := goqr.Decode(picture); err != nil || text != "otpauth://totp/new@123456789012?secret="+string(seed) {
		t.Errorf("the QR code says %q, %v", text, err)
	}
	alice.pair("EnableMFADevice", serial, -1, 0).wantOK(t)
	get := func(step int) reply {
		return alice.do("GetSessionToken", "SerialNumber", serial, "TokenCode", alice.code(serial, step))
	}
	get(0).want(t, 403, "AccessDenied", textInvalidCode) // spent by EnableMFADevice
	clock.advance(stepLength)
	session := alice.as(get(0))

	// IAM with MFA in the session; STS accepts the code after the device has gone.
	if got := session.do("ListMFADevices").wantOK(t).Devices; len(got) != 1 || got[0] != serial {
		t.Errorf("devices %v", got)
	}
	session.do("DeleteVirtualMFADevice", "SerialNumber", serial).want(t, 409, "DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.")
	session.do("DeactivateMFADevice", "UserName", "alice", "SerialNumber", serial).wantOK(t)
	get(1).want(t, 403, "AccessDenied", textNoDevice)
	session.do("GetCallerIdentity").wantOK(t)
	session.do("DeleteVirtualMFADevice", "SerialNumber", serial).wantOK(t)
	session.do("DeleteVirtualMFADevice", "SerialNumber", serial).want(t, 404, "NoSuchEntity", "")
}

func TestPairs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		first, second int
		refusePast    bool
		ok, inSync    bool
	}{
		"past and current":          {-1, 0, false, true, true},
		"current and next":          {0, 1, false, true, true},
		"past, refused":             {-1, 0, true, false, false},
		"current and next, refused": {0, 1, true, true, true},
		"too late":                  {-3, -2, false, true, false},
		"much too late":             {-12, -11, false, false, false},
		"too early":                 {1, 2, false, false, false},
		"same code twice":           {0, 0, false, false, false},
		"wrong order":               {1, 0, false, false, false},
		"a gap":                     {-1, 1, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, alice, _ := newIAM(t, Options{RefusePastStep: test.refusePast})
			got := alice.pair("EnableMFADevice", spare, test.first, test.second)
			world := server.World()
			device := world.Device(spare)
			if !test.ok {
				got.want(t, 403, "InvalidAuthenticationCode", "Authentication code for device is not valid.")
			}
			if enabled := device.User == "alice"; enabled != test.ok || got.status == 200 != test.ok {
				t.Fatalf("%d %s, enabled for %q", got.status, got.Error.Message, device.User)
			}
			if test.ok && device.OutOfSync == test.inSync {
				t.Errorf("out of sync: %t", device.OutOfSync)
			}
			if n := len(server.State().Attempts); n != 2 {
				t.Errorf("%d attempts recorded, want 2", n)
			}
		})
	}
}

// TestOutOfSync: enabled too late, refused until resynchronised.
func TestOutOfSync(t *testing.T) {
	t.Parallel()
	_, alice, clock := newIAM(t, Options{})
	alice.pair("EnableMFADevice", spare, -4, -3).wantOK(t)
	get := func() reply {
		return alice.do("GetSessionToken", "SerialNumber", spare, "TokenCode", alice.code(spare, 0))
	}
	get().want(t, 403, "AccessDenied", textInvalidCode)
	alice.pair("ResyncMFADevice", spare, -1, 0).wantOK(t)
	alice.pair("ResyncMFADevice", spare, -1, 0).want(t, 403, "InvalidAuthenticationCode", "")
	get().want(t, 403, "AccessDenied", textInvalidCode)
	clock.advance(stepLength)
	get().wantOK(t)
}

func TestDeviceRefusals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		action  string
		pairs   []string
		status  int
		code    string
		message string
	}{
		"name taken":        {"CreateVirtualMFADevice", []string{"VirtualMFADeviceName", "spare"}, 409, "EntityAlreadyExists", "MFADevice entity at the same path and name already exists."},
		"name missing":      {"CreateVirtualMFADevice", nil, 400, "ValidationError", "Value null at 'virtualMFADeviceName' failed to satisfy constraint: Member must not be null"},
		"name's characters": {"CreateVirtualMFADevice", []string{"VirtualMFADeviceName", "a/b"}, 400, "ValidationError", "regular expression pattern"},
		"enable nothing":    {"EnableMFADevice", nil, 400, "ValidationError", "4 validation errors detected"},
		"enable no device":  {"EnableMFADevice", []string{"UserName", "alice", "SerialNumber", spare + "x", "AuthenticationCode1", "000000", "AuthenticationCode2", "000001"}, 404, "NoSuchEntity", ""},
		"enable no user":    {"EnableMFADevice", []string{"UserName", "bob", "SerialNumber", spare, "AuthenticationCode1", "000000", "AuthenticationCode2", "000001"}, 404, "NoSuchEntity", "The user with name bob cannot be found."},
		"resync unassigned": {"ResyncMFADevice", []string{"UserName", "alice", "SerialNumber", spare, "AuthenticationCode1", "000000", "AuthenticationCode2", "000001"}, 404, "NoSuchEntity", ""},
		"deactivate other":  {"DeactivateMFADevice", []string{"UserName", "alice", "SerialNumber", spare}, 404, "NoSuchEntity", ""},
		"status":            {"ListVirtualMFADevices", []string{"AssignmentStatus", "None"}, 400, "ValidationError", "assignmentStatus"},
		"marker":            {"ListVirtualMFADevices", []string{"Marker", "99"}, 400, "ValidationError", "Marker"},
		"page size":         {"ListVirtualMFADevices", []string{"MaxItems", "1001"}, 400, "ValidationError", "maxItems"},
		"user":              {"GetUser", []string{"UserName", "bob"}, 404, "NoSuchEntity", "The user with name bob cannot be found."},
		"key":               {"DeleteAccessKey", []string{"AccessKeyId", "AKIAAAAAAAAAAAAAAAAA"}, 404, "NoSuchEntity", "The Access Key with id AKIAAAAAAAAAAAAAAAAA cannot be found."},
		"key missing":       {"UpdateAccessKey", []string{"Status", "Active"}, 400, "ValidationError", "accessKeyId"},
		"key status":        {"UpdateAccessKey", []string{"Status", "On", "AccessKeyId", "AKIAAAAAAAAAAAAAAAAA"}, 400, "ValidationError", "status"},
		"key last used":     {"GetAccessKeyLastUsed", []string{"AccessKeyId", "AKIAAAAAAAAAAAAAAAAA"}, 403, "AccessDenied", "iam:GetAccessKeyLastUsed on resource: access key AKIAAAAAAAAAAAAAAAAA"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, alice, _ := newIAM(t, Options{})
			alice.do(test.action, test.pairs...).want(t, test.status, test.code, test.message)
		})
	}
}

func TestDeviceLimit(t *testing.T) {
	t.Parallel()
	world := DefaultWorld()
	for n := range maxDevices {
		world.Devices = append(world.Devices, Device{Serial: "arn:aws:iam::123456789012:mfa/extra" + strconv.Itoa(n)})
	}
	server, alice, _ := newSTS(t, Options{World: world})
	second := world.Devices[1].Serial
	alice.pair("EnableMFADevice", second, -1, 0).want(t, 403, "AccessDenied", "not authorized to perform: iam:EnableMFADevice on resource: user alice")
	session := alice.session()
	for n := range maxDevices - 1 {
		session.pair("EnableMFADevice", world.Devices[n+1].Serial, -1, 0).wantOK(t)
	}
	last := world.Devices[maxDevices].Serial
	session.pair("EnableMFADevice", last, -1, 0).want(t, 409, "LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 8")
	session.pair("EnableMFADevice", second, -1, 0).want(t, 409, "EntityAlreadyExists", "")
	if got := server.State().Count("EnableMFADevice"); got.Accepted != 7 || got.Refused != 3 {
		t.Errorf("count %+v", got)
	}
}

func TestAllowSecondDevice(t *testing.T) {
	t.Parallel()
	world := DefaultWorld()
	world.Devices = append(world.Devices, Device{Serial: spare})
	_, alice, _ := newSTS(t, Options{World: world, AllowSecondDevice: true})
	alice.pair("EnableMFADevice", spare, -1, 0).wantOK(t)
}

func TestListVirtualPages(t *testing.T) {
	t.Parallel()
	world := DefaultWorld()
	world.Devices = append(world.Devices, Device{Serial: spare}, Device{Serial: "GAHT12345678", User: "alice"})
	_, alice, _ := newSTS(t, Options{World: world})
	first := alice.do("ListVirtualMFADevices", "MaxItems", "1").wantOK(t)
	if !first.IsTruncated || len(first.Virtual) != 1 || first.Virtual[0] != laptop {
		t.Errorf("first page %v", first.Virtual)
	}
	second := alice.do("ListVirtualMFADevices", "MaxItems", "1", "Marker", first.Marker).wantOK(t)
	if second.IsTruncated || len(second.Virtual) != 1 || second.Virtual[0] != spare {
		t.Errorf("second page %v", second.Virtual)
	}
	for status, want := range map[string]string{"Assigned": laptop, "Unassigned": spare} {
		if got := alice.do("ListVirtualMFADevices", "AssignmentStatus", status).Virtual; len(got) != 1 || got[0] != want {
			t.Errorf("%s: %v", status, got)
		}
	}
	if got := alice.do("ListMFADevices", "UserName", "alice").Devices; len(got) != 2 {
		t.Errorf("with the hardware device: %v", got)
	}
}

func TestAccessKeys(t *testing.T) {
	t.Parallel()
	_, alice, _ := newIAM(t, Options{})
	key := alice.do("CreateAccessKey").wantOK(t).Key
	alice.do("CreateAccessKey").want(t, 409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
	if got := alice.do("GetAccessKeyLastUsed", "AccessKeyId", key.AccessKeyID).LastUsed; got.ServiceName != "N/A" || got.LastUsedDate != "" {
		t.Errorf("never used: %+v", got)
	}
	second := *alice
	second.id, second.secret = key.AccessKeyID, key.SecretAccessKey
	second.do("GetCallerIdentity").wantOK(t)
	if got := alice.do("GetAccessKeyLastUsed", "AccessKeyId", key.AccessKeyID).LastUsed; got.ServiceName != "sts" || got.LastUsedDate != "2026-11-23T19:55:10Z" {
		t.Errorf("last use: %+v", got)
	}
	alice.do("UpdateAccessKey", "AccessKeyId", key.AccessKeyID, "Status", "Inactive").wantOK(t)
	second.do("GetCallerIdentity").want(t, 403, "InvalidClientTokenId", "")
	alice.do("UpdateAccessKey", "AccessKeyId", key.AccessKeyID, "Status", "Active").wantOK(t)
	second.do("DeleteAccessKey", "AccessKeyId", alice.id).wantOK(t)
	alice.do("GetCallerIdentity").want(t, 403, "InvalidClientTokenId", "")
	if got := second.do("ListAccessKeys").wantOK(t).Keys; len(got) != 1 || got[0] != second.id {
		t.Errorf("keys %v", got)
	}
}

// TestIAMWithoutMFA: a session without MFA cannot call IAM, a key can.
func TestIAMWithoutMFA(t *testing.T) {
	t.Parallel()
	_, alice, _ := newSTS(t, Options{})
	if got := alice.do("GetUser").wantOK(t); got.Arn != "arn:aws:iam::123456789012:user/alice" {
		t.Errorf("user %q", got.Arn)
	}
	alice.as(alice.do("GetSessionToken")).do("GetUser").want(t, 403, "InvalidClientTokenId", "")
	session := alice.session()
	session.do("GetUser").wantOK(t)
	role := session.as(session.do("AssumeRole", "RoleArn", roleDeploy, "RoleSessionName", "work"))
	role.do("GetUser").want(t, 400, "ValidationError", "Must specify userName when calling with non-User credentials")
	role.do("GetUser", "UserName", "alice").wantOK(t)
}

func TestRequireMFA(t *testing.T) {
	t.Parallel()
	server, alice, _ := newSTS(t, Options{})
	update(t, server, func(w *World) { w.User("alice").RequireMFA = true })
	alice.do("CreateAccessKey").want(t, 403, "AccessDenied",
		"User: arn:aws:iam::123456789012:user/alice is not authorized to perform: iam:CreateAccessKey on resource: user alice with an explicit deny in an identity-based policy")
	alice.do("DeleteVirtualMFADevice", "SerialNumber", laptop).want(t, 403, "AccessDenied", "iam:DeleteVirtualMFADevice on resource: "+laptop)
	for _, action := range []string{"GetUser", "ListMFADevices", "ListVirtualMFADevices"} {
		alice.do(action).wantOK(t)
	}
	alice.do("CreateVirtualMFADevice", "VirtualMFADeviceName", "alice").wantOK(t)
	alice.session().do("CreateAccessKey").wantOK(t)
}

func TestIAMRegion(t *testing.T) {
	t.Parallel()
	for _, any := range []bool{false, true} {
		_, alice, _ := newSTS(t, Options{AnyIAMRegion: any})
		alice.region = "eu-central-1"
		if got := alice.do("GetUser"); (got.status == 200) != any {
			t.Errorf("AnyIAMRegion %t: %d %s", any, got.status, got.Error.Message)
		}
	}
}

// TestSnapshotReuse: a machine restored from a snapshot sends a step again.
func TestSnapshotReuse(t *testing.T) {
	t.Parallel()
	server, alice, clock := newSTS(t, Options{})
	update(t, server, func(w *World) { w.Device(laptop).LastStep = stepAt(clock.Now()) })
	get := func() reply {
		return alice.do("GetSessionToken", "SerialNumber", laptop, "TokenCode", alice.code(laptop, 0))
	}
	get().want(t, 403, "AccessDenied", textInvalidCode)
	clock.advance(stepLength - 10*time.Second)
	get().wantOK(t)
}

// TestOwnDeviceName: a policy for mfa/${aws:username} leaves one name.
func TestOwnDeviceName(t *testing.T) {
	t.Parallel()
	world := DefaultWorld()
	world.Users[0].OwnDeviceName = true
	world.Devices = []Device{{Serial: spare}}
	_, alice, _ := newIAM(t, Options{World: world})
	const because = " because no identity-based policy allows the iam:"
	alice.do("CreateVirtualMFADevice", "VirtualMFADeviceName", "laptop").want(t, 403, "AccessDenied", "on resource: arn:aws:iam::123456789012:mfa/laptop"+because)
	alice.pair("EnableMFADevice", spare, -1, 0).want(t, 403, "AccessDenied", "on resource: "+spare+because)
	alice.do("DeactivateMFADevice", "SerialNumber", spare).want(t, 403, "AccessDenied", because)
	alice.do("DeleteVirtualMFADevice", "SerialNumber", spare).want(t, 403, "AccessDenied", because)
	alice.do("CreateVirtualMFADevice", "VirtualMFADeviceName", "alice").wantOK(t)
	own := "arn:aws:iam::123456789012:mfa/alice"
	alice.pair("EnableMFADevice", own, -1, 0).wantOK(t)
	alice.do("DeactivateMFADevice", "SerialNumber", own).wantOK(t)
	alice.do("DeleteVirtualMFADevice", "SerialNumber", own).wantOK(t)
}

// TestDelays: what IAM has done takes a while to be known.
func TestDelays(t *testing.T) {
	t.Parallel()
	_, alice, clock := newIAM(t, Options{DeviceDelay: 10 * time.Second, KeyDelay: 8 * time.Second})
	alice.pair("EnableMFADevice", spare, -1, 0).wantOK(t)
	get := func() reply {
		return alice.do("GetSessionToken", "SerialNumber", spare, "TokenCode", alice.code(spare, 0))
	}
	get().want(t, 403, "AccessDenied", textNoDevice)
	key := alice.do("CreateAccessKey").wantOK(t).Key
	second := *alice
	second.id, second.secret = key.AccessKeyID, key.SecretAccessKey
	second.do("GetCallerIdentity").want(t, 403, "InvalidClientTokenId", "")
	clock.advance(8 * time.Second)
	second.do("GetCallerIdentity").wantOK(t)
	get().want(t, 403, "AccessDenied", textNoDevice)
	clock.advance(2 * time.Second)
	get().want(t, 403, "AccessDenied", textInvalidCode) // known now, and the code was spent by EnableMFADevice
	clock.advance(stepLength)
	get().wantOK(t)
}

func TestPageSize(t *testing.T) {
	t.Parallel()
	world := DefaultWorld()
	world.Devices = append(world.Devices, Device{Serial: spare})
	_, alice, _ := newSTS(t, Options{World: world, PageSize: 1})
	first := alice.do("ListVirtualMFADevices", "MaxItems", "50").wantOK(t)
	if !first.IsTruncated || len(first.Virtual) != 1 {
		t.Errorf("first page %v", first.Virtual)
	}
	second := alice.do("ListVirtualMFADevices", "Marker", first.Marker).wantOK(t)
	if second.IsTruncated || len(second.Virtual) != 1 || second.Virtual[0] == first.Virtual[0] {
		t.Errorf("second page %v", second.Virtual)
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	server, alice, _ := newIAM(t, Options{})
	alice.do("CreateVirtualMFADevice", "VirtualMFADeviceName", "a", "Tags.member.1.Key", "by", "Tags.member.1.Value", "me", "Tags.member.2.Key", "at", "Tags.member.2.Value", "").wantOK(t)
	world := server.World()
	if got := world.Device("arn:aws:iam::123456789012:mfa/a").Tags; len(got) != 2 || got["by"] != "me" {
		t.Errorf("tags %v", got)
	}
	alice.do("CreateVirtualMFADevice", "VirtualMFADeviceName", "b", "Tags.member.1.Key", "", "Tags.member.1.Value", "me").want(t, 400, "ValidationError", "tags.1")
	alice.do("CreateVirtualMFADevice", "VirtualMFADeviceName", "b", "Tags.member.1.Key", "by").want(t, 400, "ValidationError", "tags.1")
	many := []string{"VirtualMFADeviceName", "b"}
	for n := range maxTags + 1 {
		prefix := "Tags.member." + strconv.Itoa(n+1)
		many = append(many, prefix+".Key", strconv.Itoa(n), prefix+".Value", "x")
	}
	alice.do("CreateVirtualMFADevice", many...).want(t, 409, "LimitExceeded", "TagsPerMFADevice: 50")
}
