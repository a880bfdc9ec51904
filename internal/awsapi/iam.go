package awsapi

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// change makes a call to IAM of whose answer only the error matters.
func change[In, Out any](
	ctx context.Context, a *Account, t task, operation func(*awsiam.Client, context.Context, *In, ...func(*awsiam.Options)) (*Out, error), in *In,
) error {
	_, err := ask(ctx, a, iam, t, func(k *call) (*Out, error) { return operation(k.iamAPI(), ctx, in) })
	return err
}

// CreateVirtualMFADevice makes a virtual device that is not enabled yet. Name has 1 to 226 characters of
// [\w+=,.@-] and is unique in the account. When the call is Lost the device may exist, and its seed is
// gone: find it with ListVirtualMFADevices and delete it.
func (a *Account) CreateVirtualMFADevice(ctx context.Context, name string) (NewDevice, error) {
	var device NewDevice
	_, err := ask(ctx, a, iam, task{action: "CreateVirtualMFADevice", name: name}, func(k *call) (*awsiam.CreateVirtualMFADeviceOutput, error) {
		out, err := k.iamAPI().CreateVirtualMFADevice(ctx, &awsiam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: &name})
		if err == nil {
			device, err = newDevice(out.VirtualMFADevice)
		}
		return out, err
	})
	return device, err
}

// newDevice reads a new device. Without a usable seed the serial is kept, so that the device can be
// deleted. Why the seed is unusable is not: it may quote the seed.
func newDevice(d *types.VirtualMFADevice) (NewDevice, error) {
	if d == nil || aws.ToString(d.SerialNumber) == "" {
		return NewDevice{}, useless("the response names no device")
	}
	defer clear(d.Base32StringSeed)
	defer clear(d.QRCodePNG)
	seed, err := totp.ParseSeed(string(d.Base32StringSeed), totp.Policy{})
	if err != nil {
		return NewDevice{Serial: *d.SerialNumber}, useless("the response has no usable seed for the new device")
	}
	return NewDevice{Serial: *d.SerialNumber, Seed: seed}, nil
}

// EnableMFADevice enables a device for a user with two consecutive token codes. Whatever AWS answers,
// both time steps count as spent.
func (a *Account) EnableMFADevice(ctx context.Context, p Pair) error {
	return change(ctx, a, p.task("EnableMFADevice"), (*awsiam.Client).EnableMFADevice, &awsiam.EnableMFADeviceInput{
		UserName: &p.User, SerialNumber: &p.Serial, AuthenticationCode1: optional(p.First.Reveal()), AuthenticationCode2: optional(p.Second.Reveal()),
	})
}

// ResyncMFADevice makes AWS follow a device whose codes it refuses, with two consecutive token codes.
// Whatever AWS answers, both time steps count as spent.
func (a *Account) ResyncMFADevice(ctx context.Context, p Pair) error {
	return change(ctx, a, p.task("ResyncMFADevice"), (*awsiam.Client).ResyncMFADevice, &awsiam.ResyncMFADeviceInput{
		UserName: &p.User, SerialNumber: &p.Serial, AuthenticationCode1: optional(p.First.Reveal()), AuthenticationCode2: optional(p.Second.Reveal()),
	})
}

func (p Pair) task(action string) task {
	return task{action: action, user: p.User, second: p.Second, Request: Request{Serial: p.Serial, Code: p.First, CodeExpires: p.Expires}}
}

// DeactivateMFADevice takes a device from a user; "" is the caller. Sessions that were made with it live
// on.
func (a *Account) DeactivateMFADevice(ctx context.Context, user, serial string) error {
	return change(ctx, a, task{action: "DeactivateMFADevice", user: user, Request: Request{Serial: serial}}, (*awsiam.Client).DeactivateMFADevice, &awsiam.DeactivateMFADeviceInput{
		UserName: optional(user), SerialNumber: &serial,
	})
}

// DeleteVirtualMFADevice removes a virtual device that is not enabled.
func (a *Account) DeleteVirtualMFADevice(ctx context.Context, serial string) error {
	return change(ctx, a, task{action: "DeleteVirtualMFADevice", Request: Request{Serial: serial}}, (*awsiam.Client).DeleteVirtualMFADevice, &awsiam.DeleteVirtualMFADeviceInput{
		SerialNumber: &serial,
	})
}

// ListMFADevices returns the devices that are enabled for a user, of every kind; "" is the caller.
func (a *Account) ListMFADevices(ctx context.Context, user string) ([]Device, error) {
	return list(ctx, a, task{action: "ListMFADevices", user: user}, func(k *call, marker *string) (page[Device], error) {
		out, err := k.iamAPI().ListMFADevices(ctx, &awsiam.ListMFADevicesInput{UserName: optional(user), Marker: marker})
		if err != nil {
			return page[Device]{}, err
		}
		got := page[Device]{marker: out.Marker, more: out.IsTruncated}
		for _, d := range out.MFADevices {
			got.items = append(got.items, Device{Serial: aws.ToString(d.SerialNumber), User: aws.ToString(d.UserName)})
		}
		return got, nil
	})
}

// ListVirtualMFADevices returns the virtual devices of the account, those of other users too.
func (a *Account) ListVirtualMFADevices(ctx context.Context) ([]Device, error) {
	return list(ctx, a, task{action: "ListVirtualMFADevices"}, func(k *call, marker *string) (page[Device], error) {
		out, err := k.iamAPI().ListVirtualMFADevices(ctx, &awsiam.ListVirtualMFADevicesInput{Marker: marker})
		if err != nil {
			return page[Device]{}, err
		}
		got := page[Device]{marker: out.Marker, more: out.IsTruncated}
		for _, d := range out.VirtualMFADevices {
			device := Device{Serial: aws.ToString(d.SerialNumber)}
			if d.User != nil {
				device.User = aws.ToString(d.User.UserName)
			}
			got.items = append(got.items, device)
		}
		return got, nil
	})
}

// CreateAccessKey makes an access key for a user; "" is the caller. A user can have two. Other endpoints
// may take seconds to know the key. When the call is Lost the key may exist, and its secret is gone: find
// it with ListAccessKeys and delete it.
func (a *Account) CreateAccessKey(ctx context.Context, user string) (creds.AccessKey, error) {
	out, err := ask(ctx, a, iam, task{action: "CreateAccessKey", user: user}, func(k *call) (*awsiam.CreateAccessKeyOutput, error) {
		out, err := k.iamAPI().CreateAccessKey(ctx, &awsiam.CreateAccessKeyInput{UserName: optional(user)})
		if err == nil && (out.AccessKey == nil || aws.ToString(out.AccessKey.AccessKeyId) == "" || aws.ToString(out.AccessKey.SecretAccessKey) == "") {
			err = useless("the response has no access key")
		}
		return out, err
	})
	if err != nil {
		return creds.AccessKey{}, err
	}
	return creds.AccessKey{ID: *out.AccessKey.AccessKeyId, Secret: creds.NewSecret(*out.AccessKey.SecretAccessKey)}, nil
}

// UpdateAccessKey makes an access key of a user active or inactive; "" is the caller.
func (a *Account) UpdateAccessKey(ctx context.Context, user, id string, active bool) error {
	status := types.StatusTypeInactive
	if active {
		status = types.StatusTypeActive
	}
	return change(ctx, a, task{action: "UpdateAccessKey", user: user, keyID: id}, (*awsiam.Client).UpdateAccessKey, &awsiam.UpdateAccessKeyInput{
		UserName: optional(user), AccessKeyId: &id, Status: status,
	})
}

// DeleteAccessKey deletes an access key of a user for good; "" is the caller.
func (a *Account) DeleteAccessKey(ctx context.Context, user, id string) error {
	return change(ctx, a, task{action: "DeleteAccessKey", user: user, keyID: id}, (*awsiam.Client).DeleteAccessKey, &awsiam.DeleteAccessKeyInput{
		UserName: optional(user), AccessKeyId: &id,
	})
}

// ListAccessKeys returns the access keys of a user; "" is the caller.
func (a *Account) ListAccessKeys(ctx context.Context, user string) ([]Key, error) {
	return list(ctx, a, task{action: "ListAccessKeys", user: user}, func(k *call, marker *string) (page[Key], error) {
		out, err := k.iamAPI().ListAccessKeys(ctx, &awsiam.ListAccessKeysInput{UserName: optional(user), Marker: marker})
		if err != nil {
			return page[Key]{}, err
		}
		got := page[Key]{marker: out.Marker, more: out.IsTruncated}
		for _, key := range out.AccessKeyMetadata {
			got.items = append(got.items, Key{aws.ToString(key.AccessKeyId), key.Status == types.StatusTypeActive, aws.ToTime(key.CreateDate)})
		}
		return got, nil
	})
}

// GetAccessKeyLastUsed returns when an access key of the account was last used. AWS answers an id that
// does not exist as one that the caller may not see: Denied.
func (a *Account) GetAccessKeyLastUsed(ctx context.Context, id string) (KeyUse, error) {
	out, err := ask(ctx, a, iam, task{action: "GetAccessKeyLastUsed", keyID: id}, func(k *call) (*awsiam.GetAccessKeyLastUsedOutput, error) {
		return k.iamAPI().GetAccessKeyLastUsed(ctx, &awsiam.GetAccessKeyLastUsedInput{AccessKeyId: &id})
	})
	if err != nil {
		return KeyUse{}, err
	}
	use := KeyUse{User: aws.ToString(out.UserName)}
	if last := out.AccessKeyLastUsed; last != nil && last.LastUsedDate != nil {
		use.Time, use.Service, use.Region = *last.LastUsedDate, aws.ToString(last.ServiceName), aws.ToString(last.Region)
	}
	return use, nil
}

// maxPages bounds a list: 100 entries a page are IAM's default, and an account has 5 000 users with
// eight devices each.
const maxPages = 500

// page is one page of a list.
type page[T any] struct {
	items  []T
	more   bool
	marker *string // of the next page
}

// list collects a list, one request a page. What an incomplete list lacks could be taken for gone, so
// it is an error.
func list[T any](ctx context.Context, a *Account, t task, read func(k *call, marker *string) (page[T], error)) ([]T, error) {
	var all []T
	var marker *string
	for n := 1; ; n++ {
		got, err := ask(ctx, a, iam, t, func(k *call) (*page[T], error) {
			got, err := read(k, marker)
			if next := aws.ToString(got.marker); err == nil && got.more && (next == "" || next == aws.ToString(marker) || n == maxPages) {
				err = useless("the list in the response does not end")
			}
			return &got, err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, got.items...)
		if !got.more {
			return all, nil
		}
		marker = got.marker
	}
}

// refusedByIAM explains an error of IAM. Codes that its service model names are certain; the texts
// behind them are only shown.
func (c *call) refusedByIAM(r refusal) meaning {
	if m, ok := c.ofKey(r); ok {
		return m
	}
	switch strings.TrimSuffix(r.code, "Exception") {
	case "AccessDenied":
		return c.denied(r)
	case "EntityAlreadyExists":
		return meaning{kind: AlreadyExists, thing: c.thing(), cause: "it exists already, or is enabled for a user"}
	case "LimitExceeded":
		return c.limitExceeded(r)
	case "NoSuchEntity":
		return c.notFound(r)
	case "DeleteConflict":
		return meaning{kind: StillAssigned, thing: c.thing(), cause: "it is still enabled for a user, and cannot be deleted", remedy: "try again in a minute"}
	case "InvalidAuthenticationCode":
		return meaning{
			kind: CodeRefused, thing: c.thing(), remedy: "wait for the next code, then run the command again",
			cause: "AWS refused the two token codes: they are not of consecutive time steps, used already, too old, or from another seed" + c.offClock(),
		}
	case "EntityTemporarilyUnmodifiable", "ConcurrentModification":
		return meaning{
			kind: Busy, thing: c.thing(), remedy: "try again in a minute",
			cause: "it was changed a moment ago, and AWS does not accept another change yet",
		}
	}
	return r.unknown(Refused, c.thing())
}

// offClock adds how wrong the clock is that the codes are from, once it matters: half a time step.
func (c *call) offClock() string {
	off, known := c.offset()
	if !known || off.Abs() < totp.Period/2 {
		return ""
	}
	return fmt.Sprintf("; the clock that made them is %s off", fault.About(off.Abs()))
}

// thing names what the call is about.
func (c *call) thing() string {
	switch {
	case c.Serial != "":
		return "MFA device " + c.Serial
	case c.name != "":
		return "MFA device " + c.name
	case c.keyID != "":
		return "access key " + c.keyID
	case c.user != "":
		return "user " + c.user
	}
	return c.signer()
}

// owner names the user whose device or key it is. Without a name it is whoever signs.
func (c *call) owner() string {
	if c.user == "" {
		return "the user of " + c.signer()
	}
	return "user " + c.user
}

// FreeDevice and FreeKey are how to get below the quota of a user.
func FreeDevice(user string) (remedy string) {
	return "remove one: aws iam deactivate-mfa-device --user-name " + user + " --serial-number SERIAL"
}

// FreeKey is FreeDevice for access keys.
func FreeKey(user string) (remedy string) {
	return "delete the one that is not used: aws iam delete-access-key --user-name " + user + " --access-key-id ID"
}

// limitExceeded is for the quotas of one user, which no request raises ("IAM and AWS STS quotas"), and
// for those of the account.
func (c *call) limitExceeded(r refusal) meaning {
	m := meaning{kind: LimitExceeded, thing: c.owner()}
	switch c.action {
	case "EnableMFADevice":
		m.cause = "it already has eight MFA devices, the most that IAM allows"
		m.remedy = FreeDevice(c.user)
	case "CreateAccessKey":
		m.cause = "it already has two access keys, the most that IAM allows"
		m.remedy = FreeKey(c.user)
	default:
		m.thing, m.cause = c.thing(), "the account has reached a quota of IAM: "+r.message
	}
	return m
}

func (c *call) notFound(r refusal) meaning {
	if c.Serial == "" || r.says("user with name") {
		return r.unknown(NotFound, c.thing())
	}
	return meaning{
		kind: NotFound, thing: c.thing(), cause: "there is no such device, or it is not one of " + c.owner(),
		remedy: "aws-mfa-creds enroll --profile NAME",
	}
}

// denied is for a missing permission. Self-service policies deny nearly everything to a call without
// MFA. IAM itself wants MFA before a user gets another device.
func (c *call) denied(r refusal) meaning {
	m := meaning{kind: Denied, thing: c.thing()}
	m.remedy = "ask an administrator to allow iam:" + c.action
	d, ok := r.denial()
	if !ok {
		m.cause = "AWS denied " + c.action + ": " + r.message
		return m
	}
	m.wantsMFA = c.Token.IsZero() && (d.explicit() || c.action == "EnableMFADevice")
	m.cause = d.String()
	return m
}
