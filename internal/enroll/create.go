package enroll

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// create is the phase Creating: the device comes into being, and its seed into the store.
func (r *run) create(ctx context.Context, o DeviceOptions) error {
	if r.resumed {
		devices, err := r.devices(ctx)
		if err == nil {
			err = r.withMFABeside(ctx, devices)
		}
		if err != nil && !is(err, awsapi.Denied) {
			return err
		}
	}
	r.progress("Creating MFA device %s in IAM", r.entry.Name)
	device, err := r.makeDevice(ctx, o)
	if err != nil {
		return r.notMade(ctx, err)
	}
	r.entry.Serial = device.Serial
	r.progress("Storing the seed of %s", device.Serial)
	err = r.forgetSteps(ctx, device.Serial)
	if err == nil {
		err = r.seeds.PutSeed(ctx, device.Serial, device.Seed)
	}
	if err != nil {
		return r.undo(ctx, err)
	}
	return r.enter(Stored)
}

// makeDevice creates the device. One of its name that an earlier try may have made, whose seed
// is lost, is deleted first.
func (r *run) makeDevice(ctx context.Context, o DeviceOptions) (awsapi.NewDevice, error) {
	ours := r.resumed && r.entry.Free || o.ReplaceUnassigned
	for try := 1; ; try++ {
		device, err := ask(ctx, r, passing, func(api IAM) (awsapi.NewDevice, error) { return api.CreateVirtualMFADevice(ctx, r.entry.Name) })
		switch {
		case err == nil || try == maxTries:
			return device, err
		case uncertain(err):
			ours = ours || r.entry.Free
		case is(err, awsapi.AlreadyExists) && ours:
			renamed, err := r.discard(ctx)
			if err != nil {
				return awsapi.NewDevice{}, err
			}
			ours = o.ReplaceUnassigned || !renamed
			if err := r.pause(ctx, firstPause); err != nil { // or IAM may not have noticed
				return awsapi.NewDevice{}, err
			}
		case is(err, awsapi.Denied) && r.mayBeCalledLikeUser(o, err):
			r.rename(ctx, r.who.User())
			if err := r.enter(Creating); err != nil {
				return awsapi.NewDevice{}, err
			}
			ours = o.ReplaceUnassigned
		default:
			return awsapi.NewDevice{}, err
		}
	}
}

// mayBeCalledLikeUser reports whether a self-service policy may be why AWS denied a name that
// was not asked for: many allow only a device that is named like its user.
func (r *run) mayBeCalledLikeUser(o DeviceOptions, err error) bool {
	_, needsMFA := errors.AsType[*MFAError](err)
	return !needsMFA && r.entry.Flow == FlowEnroll && o.Name == "" && r.entry.Name != r.who.User() && !r.hasNamesake()
}

// hasNamesake reports whether a device of the pool is named like the user already.
func (r *run) hasNamesake() bool {
	ours, err := r.ours()
	return err == nil && r.entry.Pool > 0 && slices.Contains(ours, r.serialOf(r.who.User()))
}

// rename takes the name for the new device, and finds out whether the account has such a device.
func (r *run) rename(ctx context.Context, name string) {
	r.entry.Name, r.entry.Serial = name, r.serialOf(name)
	r.entry.Free = r.free(ctx)
}

// free reports whether AWS lists no device of the name. Where it does not say, there may be
// one. This call is not worth asking a person for a token code.
func (r *run) free(ctx context.Context) bool {
	var devices []awsapi.Device
	err := r.patiently(ctx, repeatable, func() (err error) {
		devices, err = r.iam.ListVirtualMFADevices(ctx)
		return err
	})
	if err != nil {
		r.Log.Debug("names not known", "error", err)
	}
	return err == nil && !has(devices, r.entry.Serial)
}

// discard deletes the device of the wanted name, unless it is enabled for a user. If only a
// session with MFA may do that, and there is none yet, it is done at the end, and the new
// device gets another name.
func (r *run) discard(ctx context.Context) (renamed bool, err error) {
	err = r.deleteDevice(ctx, r.entry.Serial)
	switch {
	case err == nil:
		return false, r.seeds.DeleteSeed(ctx, r.entry.Serial)
	case is(err, awsapi.StillAssigned):
		return false, err
	case is(err, awsapi.Denied):
		return true, r.leave(ctx, "")
	}
	return false, err
}

// leave switches to another name; "" is one with the next number. What this flow may have made
// under the present name is removed at the end.
func (r *run) leave(ctx context.Context, name string) error {
	if r.entry.Free || name == "" {
		r.entry.Orphans = append(r.entry.Orphans, r.entry.Serial)
	}
	if name == "" {
		first := awsapi.Device{Serial: r.entry.Orphans[0]}
		name = numbered(first.Name(), len(r.entry.Orphans)+1)
	}
	r.rename(ctx, name)
	return r.enter(Creating)
}

// notMade ends the flow if there is certainly no new device. One of this name that is the user's
// and whose seed is stored is as good as a new one.
func (r *run) notMade(ctx context.Context, err error) error {
	if !definite(err) {
		return err
	}
	if is(err, awsapi.AlreadyExists) || is(err, awsapi.StillAssigned) {
		whose := r.whose(ctx)
		if r.isOurs(ctx, whose) {
			if err = r.adopt(ctx); err == nil {
				return nil
			}
			return errors.Join(err, r.giveUp())
		}
		err = r.taken(err, whose)
	}
	return errors.Join(r.denied(r.withList(ctx, err)), r.giveUp())
}

func (r *run) isOurs(ctx context.Context, d *awsapi.Device) bool {
	if r.entry.Flow != FlowEnroll || d != nil && d.User != r.who.User() {
		return false
	}
	if had, err := r.serial(); d == nil && (err != nil || had != r.entry.Serial) {
		return false
	}
	_, err := r.seeds.Seed(ctx, r.entry.Serial)
	return err == nil
}

// whose finds the device of the name that is wanted, or returns nil if AWS does not say.
func (r *run) whose(ctx context.Context) *awsapi.Device {
	devices, err := r.virtual(ctx)
	if err != nil {
		r.Log.Debug("owner not known", "error", err)
	}
	for _, d := range devices {
		if d.Serial == r.entry.Serial {
			return &d
		}
	}
	return nil
}

const (
	// maxName caps the names that are made here; IAM takes 226 characters.
	maxName = 64

	// maxHost leaves room for the user.
	maxHost = 24

	secondSuffix = "-2"

	// suffixRoom is what numbered may add.
	suffixRoom = 4

	// nameCharacters are those that IAM takes (CreateVirtualMFADevice, VirtualMFADeviceName).
	nameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-"
)

// DefaultName returns the name of a device for user on this computer, so that it can be
// recognized and revoked alone: USER-HOST, of at most 64 characters of
// [a-zA-Z0-9_+=,.@-], as IAM wants them.
func DefaultName(user, host string) string {
	host, _, _ = strings.Cut(host, ".")
	host = clean(host, maxHost)
	if host == "" {
		return clean(user, maxName)
	}
	return clean(user, maxName-1-len(host)) + "-" + host
}

// CheckName refuses a name that IAM does not take for a virtual device. The error is a *fault.Error of kind
// Usage.
func CheckName(name string) error {
	if name != "" && len(name) <= 226 && strings.Trim(name, nameCharacters) == "" { // with its ARN, IAM takes 256
		return nil
	}
	return fault.New(fault.Usage, "--device-name", "give another name, such as "+cmp.Or(clean(name, maxName), "alice-laptop"),
		"IAM takes letters (a-z, A-Z), digits and _ + = , . @ - only, at most 226 of them, and not %s", strconv.Quote(fault.Printable(name)))
}

// clean returns s with what IAM does not take as dashes, cut to length.
func clean(s string, length int) string {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(nameCharacters, r) {
			return r
		}
		return '-'
	}, s)
	s = strings.Trim(s, "-")
	return strings.Trim(s[:min(len(s), length)], "-")
}

// otherName returns the name that takes turns with name when a device is rotated.
func otherName(name string) string {
	if first, ok := strings.CutSuffix(name, secondSuffix); ok && first != "" {
		return first
	}
	return numbered(name, 2)
}

// numbered returns the name of the nth device in the place of name.
func numbered(name string, n int) string {
	return clean(name, maxName-suffixRoom) + "-" + strconv.Itoa(n)
}

// serialOf returns the ARN of the virtual device of that name, without a path.
func (r *run) serialOf(name string) string {
	return "arn:" + r.who.Partition() + ":iam::" + r.who.Account + ":mfa/" + name
}
