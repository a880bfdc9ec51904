package awsapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
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
