package sandbox

import (
	"cmp"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	goqr "github.com/piglig/go-qr"
)

// maxDevices is how many MFA devices a user can have.
const maxDevices = 8

// maxTags is how many tags a device can have.
const maxTags = 50

type wireDevice struct {
	UserName     string
	SerialNumber string
	EnableDate   timestamp
}

type wireUser struct {
	Path       string
	UserName   string `xml:"UserName,omitempty"`
	UserID     string `xml:"UserId"`
	Arn        string
	CreateDate timestamp
}

type wireVirtualDevice struct {
	SerialNumber     string
	Base32StringSeed string     `xml:"Base32StringSeed,omitempty"`
	QRCodePNG        string     `xml:"QRCodePNG,omitempty"`
	User             *wireUser  `xml:"User,omitempty"`
	EnableDate       *timestamp `xml:"EnableDate,omitempty"`
}

func createDeviceParams() []param {
	return []param{must(param{name: "VirtualMFADeviceName", low: 1, high: 226, class: className}), {name: "Path", low: 1, high: 512}}
}

// createVirtualMFADevice makes a device that is not enabled yet. On the wire
// its seed is the base64 of the base32 text.
func (c *call) createVirtualMFADevice() (any, *refusal) {
	name := c.params.Get("VirtualMFADeviceName")
	tags, refused := c.tags()
	if refused != nil {
		return nil, refused
	}
	serial := c.world.DeviceARN(strings.TrimPrefix(c.params.Get("Path"), "/") + name)
	if refused := c.authorizeDevice(serial); refused != nil {
		return nil, refused
	}
	if c.world.Device(serial) != nil {
		return nil, conflict("EntityAlreadyExists", "MFADevice entity at the same path and name already exists.")
	}
	device := Device{Serial: serial, Tags: tags}
	device.fill(c.random, c.now)
	picture, err := c.world.picture(name, &device)
	if err != nil {
		return nil, refuse(http.StatusInternalServerError, "ServiceFailure", err.Error())
	}
	c.world.Devices = append(c.world.Devices, device)
	return struct{ VirtualMFADevice wireVirtualDevice }{wireVirtualDevice{
		SerialNumber:     serial,
		Base32StringSeed: base64.StdEncoding.EncodeToString([]byte(device.Seed)),
		QRCodePNG:        base64.StdEncoding.EncodeToString(picture),
	}}, nil
}

// tags reads Tags.member.1.Key, Tags.member.1.Value and so on.
func (c *call) tags() (map[string]string, *refusal) {
	var tags map[string]string
	for n := 1; ; n++ {
		prefix := "Tags.member." + strconv.Itoa(n) + "."
		key := c.params.Get(prefix + "Key")
		switch {
		case !c.params.Has(prefix + "Key"):
			return tags, nil
		case n > maxTags:
			return nil, conflict("LimitExceeded", "Cannot exceed quota for TagsPerMFADevice: "+strconv.Itoa(maxTags))
		case key == "" || len(key) > 128 || len(c.params.Get(prefix+"Value")) > 256 || !c.params.Has(prefix+"Value"):
			return nil, invalid("1 validation error detected: Value at 'tags." + strconv.Itoa(n) + "' failed to satisfy constraint")
		case tags == nil:
			tags = map[string]string{}
		}
		tags[key] = c.params.Get(prefix + "Value")
	}
}

// picture returns the QR code that the IAM API describes for QRCodePNG.
func (w *World) picture(name string, device *Device) ([]byte, error) {
	code, err := goqr.EncodeText("otpauth://totp/"+name+"@"+w.Account+"?secret="+device.Seed, goqr.Medium)
	if err != nil {
		return nil, err
	}
	return code.ToPNGBytes(goqr.NewQrCodeImgConfig(4, 4)) // pixels of a module, modules of the border
}

// enableMFADevice associates a device with a user by two consecutive codes.
func (c *call) enableMFADevice(user *User, device *Device) (any, *refusal) {
	devices := c.world.devicesOf(user.Name)
	switch {
	case device.User != "":
		return nil, conflict("EntityAlreadyExists", "MFA Device is already in use.")
	case len(devices) >= maxDevices:
		return nil, conflict("LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 8")
	case len(devices) > 0 && !c.caller.mfa() && !c.options.AllowSecondDevice:
		return nil, c.unauthorized("user "+user.Name, " because a further MFA device needs a session with MFA")
	}
	inTime, refused := c.usePair(device)
	if refused != nil {
		return nil, refused
	}
	device.User, device.Enabled, device.OutOfSync = user.Name, second(c.now), !inTime
	device.known = c.now.Add(c.options.DeviceDelay)
	return nil, nil
}

// resyncMFADevice makes an enabled device accepted again.
func (c *call) resyncMFADevice(user *User, device *Device) (any, *refusal) {
	if device.User != user.Name {
		return nil, c.noDevice()
	}
	inTime, refused := c.usePair(device)
	if refused != nil {
		return nil, refused
	}
	device.OutOfSync = !inTime
	return nil, nil
}

// onDevice returns a handler that finds the user and the device that the call names, once the
// caller may do this to them.
func onDevice(handle func(*call, *User, *Device) (any, *refusal)) handler {
	return onUser(func(c *call, user *User) (any, *refusal) {
		serial := c.params.Get("SerialNumber")
		if refused := c.authorizeDevice(serial); refused != nil {
			return nil, refused
		}
		device := c.world.Device(serial)
		if device == nil {
			return nil, c.noDevice()
		}
		return handle(c, user, device)
	})
}

// usePair spends two codes. They must belong to consecutive steps, neither of
// them spent. A pair that is too late for the window, but recognised, is taken
// all the same and leaves the device out of sync, as the IAM API warns.
func (c *call) usePair(device *Device) (inTime bool, refused *refusal) {
	c.judged = true
	first, second := c.params.Get("AuthenticationCode1"), c.params.Get("AuthenticationCode2")
	now := stepAt(c.now)
	step, found1 := findStep(device.key(), first, now)
	next, found2 := findStep(device.key(), second, now)
	width := max(c.options.Window, 1) // two codes cannot both be the current one
	inTime = inWindow(step, now, width) && inWindow(next, now, width)
	outcome := CodeAccepted
	switch {
	case !found1 || !found2:
		outcome = CodeWrong
	case next != step+1:
		outcome = CodeNotPair
	case step <= device.LastStep:
		outcome = CodeSpent
	case next > now && !inTime, c.options.RefusePastStep && step < now:
		outcome = CodeOutsideWindow
	}
	c.record(c.request, device.Serial, first, outcome)
	c.record(c.request, device.Serial, second, outcome)
	if outcome != CodeAccepted {
		return false, refuse(http.StatusForbidden, "InvalidAuthenticationCode", "Authentication code for device is not valid.")
	}
	device.LastStep = next
	return inTime, nil
}

// deactivateMFADevice takes a device from its user. A session that was made
// with it lives on.
func (c *call) deactivateMFADevice(user *User, device *Device) (any, *refusal) {
	if device.User != user.Name {
		return nil, c.noDevice()
	}
	device.User, device.Enabled, device.OutOfSync = "", time.Time{}, false
	return nil, nil
}

// deleteVirtualMFADevice removes a device that no user has.
func (c *call) deleteVirtualMFADevice() (any, *refusal) {
	serial := c.params.Get("SerialNumber")
	if refused := c.authorizeDevice(serial); refused != nil {
		return nil, refused
	}
	device := c.world.Device(serial)
	if device == nil || !device.virtual() {
		return nil, c.noDevice()
	}
	if device.User != "" {
		return nil, conflict("DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.")
	}
	c.world.Devices = slices.DeleteFunc(c.world.Devices, func(d Device) bool { return d.Serial == serial })
	return nil, nil
}

// listMFADevices lists the enabled devices of a user.
func (c *call) listMFADevices(user *User) (any, *refusal) {
	var devices []wireDevice
	for _, device := range c.world.devicesOf(user.Name) {
		devices = append(devices, wireDevice{user.Name, device.Serial, timestamp(device.Enabled)})
	}
	return listed(c, "MFADevices", devices)
}

// listVirtualMFADevices lists the virtual devices of the account.
func (c *call) listVirtualMFADevices() (any, *refusal) {
	status := cmp.Or(c.params.Get("AssignmentStatus"), "Any")
	if refused := c.authorize(c.world.DeviceARN("")); refused != nil {
		return nil, refused
	}
	var devices []wireVirtualDevice
	for i := range c.world.Devices {
		device := &c.world.Devices[i]
		if device.virtual() && (status == "Any" || (status == "Assigned") == (device.User != "")) {
			devices = append(devices, c.wireVirtual(device))
		}
	}
	return listed(c, "VirtualMFADevices", devices)
}

func (c *call) wireVirtual(device *Device) wireVirtualDevice {
	wire := wireVirtualDevice{SerialNumber: device.Serial}
	if user := c.world.User(device.User); user != nil {
		owner, enabled := c.wireUser(user), timestamp(device.Enabled)
		wire.User, wire.EnableDate = &owner, &enabled
	}
	return wire
}

func (c *call) noDevice() *refusal {
	return noEntity("MFA Device with serial number " + c.params.Get("SerialNumber") + " does not exist or is not associated with this user.")
}

// maxKeys is how many access keys a user can have.
const maxKeys = 2

type wireKey struct {
	UserName        string
	AccessKeyID     string `xml:"AccessKeyId"`
	Status          string
	SecretAccessKey string     `xml:"SecretAccessKey,omitempty"`
	CreateDate      *timestamp `xml:"CreateDate,omitempty"`
}

func conflict(code, message string) *refusal { return refuse(http.StatusConflict, code, message) }

func noEntity(message string) *refusal {
	return refuse(http.StatusNotFound, "NoSuchEntity", message)
}

// targetUser returns the user that UserName names, or else the caller, once the
// caller may do this to them.
func (c *call) targetUser() (*User, *refusal) {
	name := c.params.Get("UserName")
	if name == "" && c.caller.user == nil {
		return nil, invalid("Must specify userName when calling with non-User credentials")
	}
	if name == "" {
		name = c.caller.user.Name
	}
	if refused := c.authorize("user " + name); refused != nil {
		return nil, refused
	}
	user := c.world.User(name)
	if user == nil {
		return nil, noEntity("The user with name " + name + " cannot be found.")
	}
	return user, nil
}

// onUser returns a handler that finds the user that the call names before handle runs.
func onUser(handle func(*call, *User) (any, *refusal)) handler {
	return func(c *call) (any, *refusal) {
		user, refused := c.targetUser()
		if refused != nil {
			return nil, refused
		}
		return handle(c, user)
	}
}

func (c *call) wireUser(user *User) wireUser {
	who := c.userCaller(user)
	wire := wireUser{Path: "/", UserName: user.Name, UserID: who.id, Arn: who.arn, CreateDate: timestamp(user.Created)}
	if user.Name == RootUser {
		wire.UserName = ""
	}
	return wire
}

func (c *call) getUser(user *User) (any, *refusal) {
	return struct{ User wireUser }{c.wireUser(user)}, nil
}

func (c *call) createAccessKey(user *User) (any, *refusal) {
	if len(user.Keys) >= maxKeys {
		return nil, conflict("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: "+strconv.Itoa(maxKeys))
	}
	user.Keys = append(user.Keys, Key{})
	user.fill(c.random, c.now)
	key := &user.Keys[len(user.Keys)-1]
	key.known = c.now.Add(c.options.KeyDelay)
	wire := wireOf(user, key)
	wire.SecretAccessKey = key.Secret
	return struct{ AccessKey wireKey }{wire}, nil
}

func wireOf(user *User, key *Key) wireKey {
	status, created := "Active", timestamp(key.Created)
	if key.Inactive {
		status = "Inactive"
	}
	return wireKey{UserName: user.Name, AccessKeyID: key.ID, Status: status, CreateDate: &created}
}

// onKey returns a handler that finds the access key that the call names, of the user it names.
func onKey(handle func(*call, *User, *Key) (any, *refusal)) handler {
	return onUser(func(c *call, user *User) (any, *refusal) {
		id := c.params.Get("AccessKeyId")
		key := user.key(id)
		if key == nil {
			return nil, noEntity("The Access Key with id " + id + " cannot be found.")
		}
		return handle(c, user, key)
	})
}

func (c *call) updateAccessKey(_ *User, key *Key) (any, *refusal) {
	status := c.params.Get("Status")
	if status == "Expired" { // keys show it, but no call sets it
		return nil, invalid("Value 'Expired' at 'status' cannot be set")
	}
	key.Inactive = status == "Inactive"
	return nil, nil
}

func (*call) deleteAccessKey(user *User, key *Key) (any, *refusal) {
	id := key.ID
	user.Keys = slices.DeleteFunc(user.Keys, func(k Key) bool { return k.ID == id })
	return nil, nil
}

func (c *call) listAccessKeys(user *User) (any, *refusal) {
	var keys []wireKey
	for i := range user.Keys {
		keys = append(keys, wireOf(user, &user.Keys[i]))
	}
	return listed(c, "AccessKeyMetadata", keys)
}

// getAccessKeyLastUsed answers a key that does not exist as AWS does: as one
// that the caller may not see.
func (c *call) getAccessKeyLastUsed() (any, *refusal) {
	id := c.params.Get("AccessKeyId")
	if refused := c.authorize("access key " + id); refused != nil {
		return nil, refused
	}
	user, key := c.world.Key(id)
	if key == nil {
		return nil, c.unauthorized("access key "+id, "")
	}
	type lastUsed struct {
		LastUsedDate *timestamp `xml:",omitempty"`
		ServiceName  string
		Region       string
	}
	used := lastUsed{nil, "N/A", "N/A"}
	if at := timestamp(key.LastUsed.Time); !key.LastUsed.Time.IsZero() {
		used = lastUsed{&at, key.LastUsed.Service, key.LastUsed.Region}
	}
	return struct {
		UserName          string
		AccessKeyLastUsed lastUsed
	}{user.Name, used}, nil
}

// page is one page of a list.
type page[T any] struct {
	List        members[T]
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

// members is a list under its own name, each entry called member.
type members[T any] struct {
	XMLName xml.Name
	Member  []T `xml:"member"`
}

// listed returns the page of all that MaxItems and Marker ask for. The marker
// is the index of the next entry.
func listed[T any](c *call, name string, all []T) (any, *refusal) {
	size := c.number("MaxItems", 100)
	start := 0
	if marker := c.params.Get("Marker"); marker != "" {
		index, err := strconv.Atoi(marker)
		if err != nil || index < 0 || index > len(all) {
			return nil, invalid("Invalid Marker: '" + marker + "'")
		}
		start = index
	}
	if limit := c.options.PageSize; limit > 0 {
		size = min(size, limit)
	}
	end := min(start+size, len(all))
	result := page[T]{List: members[T]{XMLName: xml.Name{Local: name}, Member: all[start:end]}}
	if end < len(all) {
		result.IsTruncated, result.Marker = true, strconv.Itoa(end)
	}
	return result, nil
}
