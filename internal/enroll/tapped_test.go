package enroll

import (
	"context"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// tapped is a client of IAM whose calls pass the stage's tap.
type tapped struct {
	s   *stage
	api IAM
}

func (x tapped) CreateVirtualMFADevice(ctx context.Context, name string) (d awsapi.NewDevice, err error) {
	err = x.s.tap("CreateVirtualMFADevice", func() error {
		d, err = x.api.CreateVirtualMFADevice(ctx, name)
		return err
	})
	return d, err
}

func (x tapped) EnableMFADevice(ctx context.Context, p awsapi.Pair) error {
	return x.s.tap("EnableMFADevice", func() error { return x.api.EnableMFADevice(ctx, p) })
}

func (x tapped) ResyncMFADevice(ctx context.Context, p awsapi.Pair) error {
	return x.s.tap("ResyncMFADevice", func() error { return x.api.ResyncMFADevice(ctx, p) })
}

func (x tapped) DeactivateMFADevice(ctx context.Context, user, serial string) error {
	return x.s.tap("DeactivateMFADevice", func() error { return x.api.DeactivateMFADevice(ctx, user, serial) })
}

func (x tapped) DeleteVirtualMFADevice(ctx context.Context, serial string) error {
	return x.s.tap("DeleteVirtualMFADevice", func() error { return x.api.DeleteVirtualMFADevice(ctx, serial) })
}

func (x tapped) ListMFADevices(ctx context.Context, user string) (all []awsapi.Device, err error) {
	err = x.s.tap("ListMFADevices", func() error {
		all, err = x.api.ListMFADevices(ctx, user)
		return err
	})
	return all, err
}

func (x tapped) ListVirtualMFADevices(ctx context.Context) (all []awsapi.Device, err error) {
	err = x.s.tap("ListVirtualMFADevices", func() error {
		all, err = x.api.ListVirtualMFADevices(ctx)
		return err
	})
	return all, err
}

func (x tapped) CreateAccessKey(ctx context.Context, user string) (k creds.AccessKey, err error) {
	err = x.s.tap("CreateAccessKey", func() error {
		k, err = x.api.CreateAccessKey(ctx, user)
		return err
	})
	return k, err
}

func (x tapped) UpdateAccessKey(ctx context.Context, user, id string, active bool) error {
	return x.s.tap("UpdateAccessKey", func() error { return x.api.UpdateAccessKey(ctx, user, id, active) })
}

func (x tapped) DeleteAccessKey(ctx context.Context, user, id string) error {
	return x.s.tap("DeleteAccessKey", func() error { return x.api.DeleteAccessKey(ctx, user, id) })
}

func (x tapped) ListAccessKeys(ctx context.Context, user string) (all []awsapi.Key, err error) {
	err = x.s.tap("ListAccessKeys", func() error {
		all, err = x.api.ListAccessKeys(ctx, user)
		return err
	})
	return all, err
}

func (x tapped) GetAccessKeyLastUsed(ctx context.Context, id string) (use awsapi.KeyUse, err error) {
	err = x.s.tap("GetAccessKeyLastUsed", func() error {
		use, err = x.api.GetAccessKeyLastUsed(ctx, id)
		return err
	})
	return use, err
}
