package sandbox

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxDevices is how many MFA devices a user can have.
const maxDevices = 8

// maxTags is how many tags a device can have.
const maxTags = 50

// classDeviceName is the class of VirtualMFADeviceName in the IAM service model.
const classDeviceName = className

type wireDevice struct {
	UserName     string    `xml:"UserName"`
	SerialNumber string    `xml:"SerialNumber"`
	EnableDate   timestamp `xml:"EnableDate"`
}

type wireUser struct {
	Path       string    `xml:"Path"`
	UserName   string    `xml:"UserName,omitempty"`
	UserID     string    `xml:"UserId"`
	Arn        string    `xml:"Arn"`
	CreateDate timestamp `xml:"CreateDate"`
}

type wireVirtualDevice struct {
	SerialNumber     string     `xml:"SerialNumber"`
	Base32StringSeed string     `xml:"Base32StringSeed,omitempty"`
	QRCodePNG        string     `xml:"QRCodePNG,omitempty"`
	User             *wireUser  `xml:"User,omitempty"`
	EnableDate       *timestamp `xml:"EnableDate,omitempty"`
}

// createVirtualMFADevice makes a device that is not enabled yet. On the wire
// its seed is the base64 of the base32 text.
//
// QRCodePNG is a placeholder: a valid PNG, but not a QR code, because the
// standard library has no encoder for one.
func (c *call) createVirtualMFADevice() (any, *refusal) {
	check := constraints{params: c.params}
	name := check.required("VirtualMFADeviceName", 1, 226, classDeviceName)
	path := check.text("Path", 1, 512, "")
	if refused := check.refused(); refused != nil {
		return nil, refused
	}
	tags, refused := c.tags()
	if refused != nil {
		return nil, refused
	}
	serial := c.world.DeviceARN(strings.TrimPrefix(path, "/") + name)
	if refused := c.authorizeDevice(serial); refused != nil {
		return nil, refused
	}
	if c.world.Device(serial) != nil {
		return nil, conflict("EntityAlreadyExists", "MFADevice entity at the same path and name already exists.")
	}
	device := Device{Serial: serial, Tags: tags}
	device.fill(c.random, c.now)
	c.world.Devices = append(c.world.Devices, device)
	return struct{ VirtualMFADevice wireVirtualDevice }{wireVirtualDevice{
		SerialNumber:     serial,
		Base32StringSeed: base64.StdEncoding.EncodeToString([]byte(device.Seed)),
		QRCodePNG:        base64.StdEncoding.EncodeToString(placeholderPNG()),
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

// placeholderPNG returns a chequered PNG.
func placeholderPNG() []byte {
	const side = 64
	picture := image.NewGray(image.Rect(0, 0, side, side))
	for i := range side * side {
		if (i/8+i/side/8)%2 == 0 {
			picture.SetGray(i%side, i/side, color.Gray{Y: 0xff})
		}
	}
	var buf bytes.Buffer
	_ = png.Encode(&buf, picture) // a buffer never fails to write
	return buf.Bytes()
}

// enableMFADevice associates a device with a user by two consecutive codes.
func (c *call) enableMFADevice() (any, *refusal) {
	user, refused := c.userAndCodes()
	if refused != nil {
		return nil, refused
	}
	device := c.world.Device(c.params.Get("SerialNumber"))
	devices := c.world.devicesOf(user.Name)
	switch {
	case device == nil:
		return nil, c.noDevice()
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
	device.User, device.Enabled, device.OutOfSync = user.Name, c.now.UTC().Truncate(time.Second), !inTime
	device.known = c.now.Add(c.options.DeviceDelay)
	return nil, nil
}

// resyncMFADevice makes an enabled device accepted again.
func (c *call) resyncMFADevice() (any, *refusal) {
	user, refused := c.userAndCodes()
	if refused != nil {
		return nil, refused
	}
	device := c.world.Device(c.params.Get("SerialNumber"))
	if device == nil || device.User != user.Name {
		return nil, c.noDevice()
	}
	inTime, refused := c.usePair(device)
	if refused != nil {
		return nil, refused
	}
	device.OutOfSync = !inTime
	return nil, nil
}

// userAndCodes checks what EnableMFADevice and ResyncMFADevice have in common.
func (c *call) userAndCodes() (*User, *refusal) {
	check := constraints{params: c.params}
	check.required("UserName", 1, 128, className)
	check.required("SerialNumber", 9, 256, classSerial)
	check.required("AuthenticationCode1", 6, 6, classCode)
	check.required("AuthenticationCode2", 6, 6, classCode)
	if refused := check.refused(); refused != nil {
		return nil, refused
	}
	return c.targetDevice()
}

// targetDevice returns the user that the call names, once the caller may do this to
// the device that it names.
func (c *call) targetDevice() (*User, *refusal) {
	user, refused := c.targetUser()
	if refused != nil {
		return nil, refused
	}
	return user, c.authorizeDevice(c.params.Get("SerialNumber"))
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
func (c *call) deactivateMFADevice() (any, *refusal) {
	check := constraints{params: c.params}
	check.required("SerialNumber", 9, 256, classSerial)
	if refused := check.refused(); refused != nil {
		return nil, refused
	}
	user, refused := c.targetDevice()
	if refused != nil {
		return nil, refused
	}
	device := c.world.Device(c.params.Get("SerialNumber"))
	if device == nil || device.User != user.Name {
		return nil, c.noDevice()
	}
	device.User, device.Enabled, device.OutOfSync = "", time.Time{}, false
	return nil, nil
}

// deleteVirtualMFADevice removes a device that no user has.
func (c *call) deleteVirtualMFADevice() (any, *refusal) {
	check := constraints{params: c.params}
	serial := check.required("SerialNumber", 9, 256, classSerial)
	if refused := check.refused(); refused != nil {
		return nil, refused
	}
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
func (c *call) listMFADevices() (any, *refusal) {
	user, refused := c.targetUser()
	if refused != nil {
		return nil, refused
	}
	var devices []wireDevice
	for _, device := range c.world.devicesOf(user.Name) {
		devices = append(devices, wireDevice{user.Name, device.Serial, timestamp(device.Enabled)})
	}
	return listed(c, "MFADevices", devices)
}

// listVirtualMFADevices lists the virtual devices of the account.
func (c *call) listVirtualMFADevices() (any, *refusal) {
	status := firstOf(c.params.Get("AssignmentStatus"), "Any")
	if !slices.Contains([]string{"Any", "Assigned", "Unassigned"}, status) {
		return nil, invalid("1 validation error detected: Value '" + status + "' at 'assignmentStatus' failed to satisfy constraint: Member must satisfy enum value set: [Any, Unassigned, Assigned]")
	}
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
