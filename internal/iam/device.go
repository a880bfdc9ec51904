package iam

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/account"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// CreateVirtualMFADevice makes a virtual device that is not enabled yet. Name has
// 1 to 226 characters of [\w+=,.@-] and is unique in the account with its path
// ("/team/", "" for "/"); tags are at most 50. The picture of the QR code is dropped.
// When the call is account.Lost the device may exist, and its seed is gone: find
// it with ListVirtualMFADevices and delete it.
func (c *Client) CreateVirtualMFADevice(ctx context.Context, name, path string, tags map[string]string) (account.NewDevice, error) {
	about := subject{action: "CreateVirtualMFADevice", name: name}
	out, t, err := do(ctx, c, about, func(api *awsiam.Client) (*awsiam.CreateVirtualMFADeviceOutput, error) {
		return api.CreateVirtualMFADevice(ctx, &awsiam.CreateVirtualMFADeviceInput{
			VirtualMFADeviceName: aws.String(name), Path: optional(path), Tags: wireTags(tags),
		})
	})
	if err != nil {
		return account.NewDevice{}, err
	}
	defer t.Forget()
	device := out.VirtualMFADevice
	if device == nil || aws.ToString(device.SerialNumber) == "" {
		return account.NewDevice{}, t.useless("its answer names no device")
	}
	defer clear(device.Base32StringSeed)
	defer clear(device.QRCodePNG)
	seed, err := totp.ParseSeed(string(device.Base32StringSeed), totp.Policy{})
	if err != nil {
		// The serial is kept, so that the device can be deleted. The reason is not:
		// it may quote the seed.
		return account.NewDevice{Serial: *device.SerialNumber}, t.useless("its answer has no usable seed for the new device")
	}
	return account.NewDevice{Serial: *device.SerialNumber, Seed: seed}, nil
}

// EnableMFADevice enables a device for a user with two consecutive token codes.
// Whatever AWS answers, both time steps count as spent.
func (c *Client) EnableMFADevice(ctx context.Context, p account.Pair) error {
	about := subject{action: "EnableMFADevice", user: p.User, serial: p.Serial, pair: p}
	_, _, err := do(ctx, c, about, func(api *awsiam.Client) (*awsiam.EnableMFADeviceOutput, error) {
		return api.EnableMFADevice(ctx, &awsiam.EnableMFADeviceInput{
			UserName: aws.String(p.User), SerialNumber: aws.String(p.Serial), AuthenticationCode1: code(p.First), AuthenticationCode2: code(p.Second),
		})
	})
	return err
}

// ResyncMFADevice makes AWS follow a device whose codes it refuses, with two
// consecutive token codes. Whatever AWS answers, both time steps count as spent.
func (c *Client) ResyncMFADevice(ctx context.Context, p account.Pair) error {
	about := subject{action: "ResyncMFADevice", user: p.User, serial: p.Serial, pair: p}
	_, _, err := do(ctx, c, about, func(api *awsiam.Client) (*awsiam.ResyncMFADeviceOutput, error) {
		return api.ResyncMFADevice(ctx, &awsiam.ResyncMFADeviceInput{
			UserName: aws.String(p.User), SerialNumber: aws.String(p.Serial), AuthenticationCode1: code(p.First), AuthenticationCode2: code(p.Second),
		})
	})
	return err
}

// DeactivateMFADevice takes a device from a user; "" is the caller. Sessions that
// were made with it live on.
func (c *Client) DeactivateMFADevice(ctx context.Context, user, serial string) error {
	about := subject{action: "DeactivateMFADevice", user: user, serial: serial}
	_, _, err := do(ctx, c, about, func(api *awsiam.Client) (*awsiam.DeactivateMFADeviceOutput, error) {
		return api.DeactivateMFADevice(ctx, &awsiam.DeactivateMFADeviceInput{UserName: optional(user), SerialNumber: aws.String(serial)})
	})
	return err
}

// DeleteVirtualMFADevice removes a virtual device that is not enabled.
func (c *Client) DeleteVirtualMFADevice(ctx context.Context, serial string) error {
	about := subject{action: "DeleteVirtualMFADevice", serial: serial}
	_, _, err := do(ctx, c, about, func(api *awsiam.Client) (*awsiam.DeleteVirtualMFADeviceOutput, error) {
		return api.DeleteVirtualMFADevice(ctx, &awsiam.DeleteVirtualMFADeviceInput{SerialNumber: aws.String(serial)})
	})
	return err
}

// ListMFADevices returns the devices that are enabled for a user, of every kind;
// "" is the caller. It takes one request for each page.
func (c *Client) ListMFADevices(ctx context.Context, user string) ([]account.Device, error) {
	about := subject{action: "ListMFADevices", user: user}
	return pages(func(marker *string) (page[account.Device], *try, error) {
		out, t, err := do(ctx, c, about, func(api *awsiam.Client) (*awsiam.ListMFADevicesOutput, error) {
			return api.ListMFADevices(ctx, &awsiam.ListMFADevicesInput{UserName: optional(user), Marker: marker})
		})
		if err != nil {
			return page[account.Device]{}, t, err
		}
		got := page[account.Device]{marker: aws.ToString(out.Marker), more: out.IsTruncated}
		for _, d := range out.MFADevices {
			got.items = append(got.items, account.Device{
				Serial: aws.ToString(d.SerialNumber), User: aws.ToString(d.UserName), Enabled: aws.ToTime(d.EnableDate),
			})
		}
		return got, t, nil
	})
}

// ListVirtualMFADevices returns the virtual devices of the account, those of other
// users too. It takes one request for each page.
func (c *Client) ListVirtualMFADevices(ctx context.Context, which account.Assignment) ([]account.Device, error) {
	about := subject{action: "ListVirtualMFADevices"}
	return pages(func(marker *string) (page[account.Device], *try, error) {
		out, t, err := do(ctx, c, about, func(api *awsiam.Client) (*awsiam.ListVirtualMFADevicesOutput, error) {
			return api.ListVirtualMFADevices(ctx, &awsiam.ListVirtualMFADevicesInput{
				AssignmentStatus: types.AssignmentStatusType(which), Marker: marker,
			})
		})
		if err != nil {
			return page[account.Device]{}, t, err
		}
		got := page[account.Device]{marker: aws.ToString(out.Marker), more: out.IsTruncated}
		for _, d := range out.VirtualMFADevices {
			got.items = append(got.items, virtual(d))
		}
		return got, t, nil
	})
}

func virtual(d types.VirtualMFADevice) account.Device {
	device := account.Device{Serial: aws.ToString(d.SerialNumber), Enabled: aws.ToTime(d.EnableDate)}
	if d.User != nil {
		device.User = aws.ToString(d.User.UserName)
	}
	return device
}

func code(c creds.Secret) *string { return aws.String(c.Reveal()) }

func wireTags(tags map[string]string) []types.Tag {
	var wire []types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		wire = append(wire, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return wire
}

// optional returns nil for "", which the SDK does not send.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
