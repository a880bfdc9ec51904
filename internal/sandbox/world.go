package sandbox

import (
	"cmp"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// RootUser is the User.Name of the account's root user. No IAM user can have
// this name; AWS's credential report uses it too.
const RootUser = "<root_account>"

// Everyone in Role.Trusts stands for every principal of the account.
const Everyone = "*"

// World is what the account holds. Blank identifiers and secrets (Key.ID,
// Key.Secret, Device.Seed, the unique ids) are made up when the server starts,
// or after Update.
type World struct {
	Partition string // "aws" if empty
	Account   string // twelve digits; "123456789012" if empty
	Users     []User
	Devices   []Device
	Roles     []Role
}

// User is an IAM user or, with the name RootUser, the root user. An IAM user
// may call everything except what Deny and RequireMFA take away.
type User struct {
	Name    string
	ID      string // unique id, "AIDA..."
	Created time.Time
	Keys    []Key // at most two

	// Deny maps an action ("iam:CreateAccessKey", "sts:AssumeRole") to the kind
	// of policy that AWS's text names; empty means "an identity-based policy".
	Deny map[string]string

	// RequireMFA refuses, to a caller without MFA in its session, every IAM
	// action but those that AWS's self-service policy exempts for enrollment.
	RequireMFA bool

	// OwnDeviceName refuses to create, enable, resync, deactivate or delete an MFA
	// device that is not named like the user, as policies do whose resource is
	// arn:aws:iam::*:mfa/${aws:username}.
	OwnDeviceName bool
}

// Key is a long-term access key.
type Key struct {
	ID       string // "AKIA" and 16 characters of [A-Z2-7]
	Secret   string // 40 characters
	Inactive bool
	Created  time.Time
	LastUsed Use

	known time.Time // from when on AWS knows it
}

// Use is the last use of an access key, for GetAccessKeyLastUsed.
type Use struct {
	Time    time.Time // zero: never used
	Service string
	Region  string
}

// Device is an MFA device of the account. It is enabled when it has a User.
type Device struct {
	Serial  string // an ARN, or "GAHT12345678" for a hardware device
	Seed    string // base32; AWS's are 64 characters
	User    string // the User.Name it is enabled for; empty: unassigned
	Enabled time.Time
	Created time.Time

	Tags map[string]string // of CreateVirtualMFADevice

	// LastStep is the last time step whose code was accepted. No code of this
	// step or of an earlier one is accepted again (RFC 6238 section 5.2).
	LastStep int64

	// OutOfSync is set when a device is enabled with codes that arrive too late: it is
	// associated, and every later code is refused until a resync.
	OutOfSync bool

	known time.Time // from when on STS knows that it is enabled
}

// Role is an IAM role with its trust policy, reduced to what it can demand.
type Role struct {
	Name       string // with its path, if it has one: "team/deploy"
	ID         string // unique id, "AROA..."
	Trusts     []string
	RequireMFA bool
	ExternalID string        // empty: none demanded
	Demands    url.Values    // parameters that the trust policy wants in the call: SourceIdentity, tags
	MaxSession time.Duration // 1 h if zero, at most 12 h
}

// DefaultWorld is the account of a sandbox whose Options name none:
// the user alice with one access key and the device alice-laptop, and the roles
//
//	deploy    wants MFA, up to 12 h
//	audit     wants MFA and the external id audit-4711
//	readonly  up to 1 h
//	no-trust  trusts nobody
func DefaultWorld() World {
	return World{
		Partition: "aws",
		Account:   "123456789012",
		Users:     []User{{Name: "alice", Keys: []Key{{}}}},
		Devices:   []Device{{Serial: "arn:aws:iam::123456789012:mfa/alice-laptop", User: "alice"}},
		Roles: []Role{
			{Name: "deploy", Trusts: []string{Everyone}, RequireMFA: true, MaxSession: 12 * time.Hour},
			{Name: "audit", Trusts: []string{Everyone}, RequireMFA: true, ExternalID: "audit-4711"},
			{Name: "readonly", Trusts: []string{Everyone}},
			{Name: "no-trust"},
		},
	}
}

// User returns the user of that name, to read or to change, or nil.
func (w *World) User(name string) *User {
	return find(w.Users, func(u *User) bool { return u.Name == name })
}

// Device returns the device of that serial, to read or to change, or nil.
func (w *World) Device(serial string) *Device {
	return find(w.Devices, func(d *Device) bool { return d.Serial == serial })
}

// Role returns the role of that name, to read or to change, or nil.
func (w *World) Role(name string) *Role {
	return find(w.Roles, func(r *Role) bool { return r.Name == name })
}

// Key returns the access key of that id and its user, or nils.
func (w *World) Key(id string) (*User, *Key) {
	for i := range w.Users {
		if key := w.Users[i].key(id); key != nil {
			return &w.Users[i], key
		}
	}
	return nil, nil
}

// RoleARN returns the ARN of the role of that name.
func (w *World) RoleARN(name string) string { return w.arn("role/" + name) }

// DeviceARN returns the serial of the virtual device of that name, with its
// path if it has one.
func (w *World) DeviceARN(name string) string { return w.arn("mfa/" + name) }

// UserARN returns the ARN of the user of that name.
func (w *World) UserARN(name string) string {
	if name == RootUser {
		return w.arn("root")
	}
	return w.arn("user/" + name)
}

func (w *World) arn(resource string) string {
	return "arn:" + w.Partition + ":iam::" + w.Account + ":" + resource
}

func (u *User) key(id string) *Key {
	return find(u.Keys, func(k *Key) bool { return k.ID == id })
}

// devicesOf returns the devices that are enabled for the user of that name.
func (w *World) devicesOf(name string) []Device {
	return slices.DeleteFunc(slices.Clone(w.Devices), func(d Device) bool { return d.User != name })
}

func (d *Device) virtual() bool { return strings.Contains(d.Serial, ":mfa/") }

func find[T any](list []T, match func(*T) bool) *T {
	for i := range list {
		if match(&list[i]) {
			return &list[i]
		}
	}
	return nil
}

// clone returns a copy that shares nothing with w.
func (w *World) clone() World {
	c := *w
	c.Users = slices.Clone(w.Users)
	for i := range c.Users {
		c.Users[i].Keys = slices.Clone(c.Users[i].Keys)
		c.Users[i].Deny = maps.Clone(c.Users[i].Deny)
	}
	c.Devices = slices.Clone(w.Devices)
	for i := range c.Devices {
		c.Devices[i].Tags = maps.Clone(c.Devices[i].Tags)
	}
	c.Roles = slices.Clone(w.Roles)
	for i := range c.Roles {
		c.Roles[i].Trusts = slices.Clone(c.Roles[i].Trusts)
	}
	return c
}

// fill makes up what was left blank.
func (w *World) fill(r *random, now time.Time) {
	w.Partition = cmp.Or(w.Partition, "aws")
	w.Account = cmp.Or(w.Account, "123456789012")
	for i := range w.Users {
		w.Users[i].fill(r, now)
	}
	for i := range w.Devices {
		w.Devices[i].fill(r, now)
	}
	for i := range w.Roles {
		w.Roles[i].ID = cmp.Or(w.Roles[i].ID, "AROA"+r.base32(17))
		w.Roles[i].MaxSession = cmp.Or(w.Roles[i].MaxSession, time.Hour)
	}
}

func (u *User) fill(r *random, now time.Time) {
	u.ID = cmp.Or(u.ID, "AIDA"+r.base32(17))
	u.Created = cmp.Or(u.Created, second(now))
	for i := range u.Keys {
		u.Keys[i].ID = cmp.Or(u.Keys[i].ID, "AKIA"+r.base32(16))
		u.Keys[i].Secret = cmp.Or(u.Keys[i].Secret, r.base64(40))
		u.Keys[i].Created = cmp.Or(u.Keys[i].Created, second(now))
	}
}

func (d *Device) fill(r *random, now time.Time) {
	d.Seed = cmp.Or(d.Seed, r.base32(64))
	d.Created = cmp.Or(d.Created, second(now))
	if d.User != "" {
		d.Enabled = cmp.Or(d.Enabled, second(now))
	}
}

// second returns t as AWS keeps it.
func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// check finds what would make the world meaningless.
func (w *World) check() error {
	var errs []error
	for _, device := range w.Devices {
		if _, err := decodeSeed(device.Seed); err != nil {
			errs = append(errs, fmt.Errorf("sandbox: device %s: %w", device.Serial, err))
		}
		if device.User != "" && w.User(device.User) == nil {
			errs = append(errs, fmt.Errorf("sandbox: device %s: there is no user %q", device.Serial, device.User))
		}
	}
	return errors.Join(errs...)
}

// random makes identifiers and secrets. It is a ChaCha8 stream, seeded once, so
// that nothing can fail later and a fixed seed gives a fixed world.
type random struct {
	mu     sync.Mutex
	stream *rand.ChaCha8
}

func newRandom(source io.Reader) (*random, error) {
	var seed [32]byte
	if _, err := io.ReadFull(source, seed[:]); err != nil {
		return nil, fmt.Errorf("sandbox: reading 32 random bytes: %w", err)
	}
	return &random{stream: rand.NewChaCha8(seed)}, nil
}

// Read fills p; it never fails.
func (r *random) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stream.Read(p)
}

func (r *random) bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = r.Read(b) // never fails
	return b
}

// base32 returns n characters of [A-Z2-7].
func (r *random) base32(n int) string {
	return base32.StdEncoding.EncodeToString(r.bytes(n))[:n]
}

// base64 returns n characters of base64; n is a multiple of 4.
func (r *random) base64(n int) string {
	return base64.StdEncoding.EncodeToString(r.bytes(n / 4 * 3))
}

// requestID returns a UUID (RFC 9562 version 4), as AWS's request ids are.
func (r *random) requestID() string {
	b := r.bytes(16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
