package keystore

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// itemVersion is the version of the form of an access key in a store.
const itemVersion = 1

// item is an access key as it rests in a store.
type item struct {
	Version         int    `json:"version"`
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
}

// Items are the access keys and seeds in a store: separate items, so that they can rest in
// different stores. Errors are the store's, or *fault.Error of kind NoSecret for an item
// that is damaged.
type Items struct {
	Store Store
}

// KeyName is the name of the item with a profile's access key.
func KeyName(profile string) string { return "key:" + profile }

// NewKeyName is the name of the item with the access key that is to replace a profile's.
func NewKeyName(profile string) string { return "newkey:" + profile }

// SeedName is the name of the item with the seed of the MFA device serial.
func SeedName(serial string) string { return "seed:" + serial }

// AccessKey returns the access key of a profile.
func (i Items) AccessKey(ctx context.Context, profile string) (creds.AccessKey, error) {
	return i.accessKey(ctx, KeyName(profile), profile)
}

// NewKey returns the access key that is to replace a profile's.
func (i Items) NewKey(ctx context.Context, profile string) (creds.AccessKey, error) {
	return i.accessKey(ctx, NewKeyName(profile), profile)
}

func (i Items) accessKey(ctx context.Context, name, profile string) (creds.AccessKey, error) {
	stored, err := i.Store.Get(ctx, name)
	if err != nil {
		return creds.AccessKey{}, err
	}
	thing, remedy := "the access key of profile "+strconv.Quote(profile), addAgain
	var it item
	if err := json.Unmarshal([]byte(creds.Text([]byte(stored.Reveal()))), &it); err != nil {
		return creds.AccessKey{}, fault.New(fault.NoSecret, thing, remedy, "what is stored is damaged") // err might quote the secret
	}
	if it.Version != itemVersion {
		return creds.AccessKey{}, fault.New(fault.NoSecret, thing, "use a newer aws-mfa-creds", "what is stored has version %d, and this program knows version %d", it.Version, itemVersion)
	}
	key := creds.AccessKey{ID: it.AccessKeyID, Secret: creds.NewSecret(it.SecretAccessKey)}
	if err := key.Check(thing, false); err != nil {
		return creds.AccessKey{}, fault.New(fault.NoSecret, thing, remedy, "what is stored is damaged")
	}
	return key, nil
}

// PutAccessKey stores the access key of a profile.
func (i Items) PutAccessKey(ctx context.Context, profile string, key creds.AccessKey) error {
	return i.putAccessKey(ctx, KeyName(profile), key)
}

// PutNewKey stores the access key that is to replace a profile's.
func (i Items) PutNewKey(ctx context.Context, profile string, key creds.AccessKey) error {
	return i.putAccessKey(ctx, NewKeyName(profile), key)
}

func (i Items) putAccessKey(ctx context.Context, name string, key creds.AccessKey) error {
	text, err := json.Marshal(item{itemVersion, key.ID, key.Secret.Reveal()})
	if err != nil {
		return err
	}
	defer clear(text)
	return i.put(ctx, name, creds.NewSecret(string(text)))
}

// Seed returns the seed of the MFA device serial.
func (i Items) Seed(ctx context.Context, serial string) (totp.Seed, error) {
	stored, err := i.Store.Get(ctx, SeedName(serial))
	if failure, ok := errors.AsType[*fault.Error](err); ok && failure.Kind == fault.NoSecret {
		lost := *failure
		lost.Remedy = failure.Remedy + ", or if nobody has the seed any more: aws-mfa-creds enroll --profile NAME"
		return totp.Seed{}, &lost
	}
	if err != nil {
		return totp.Seed{}, err
	}
	// Whether it is strong enough was decided when it was stored.
	seed, err := totp.ParseSeed(creds.Text([]byte(stored.Reveal())), totp.Policy{AllowWeak: true})
	if err != nil {
		return totp.Seed{}, fault.New(fault.NoSecret, "the seed of "+serial, addAgain, "what is stored is damaged")
	}
	return seed, nil
}

// PutSeed stores the seed of the MFA device serial, as an otpauth URI: whoever opens the store
// without this program can use it in any authenticator app.
func (i Items) PutSeed(ctx context.Context, serial string, seed totp.Seed) error {
	return i.put(ctx, SeedName(serial), seed.URI(Label(serial), Issuer))
}

// put stores value and reads it back: what cannot be read was never stored. Another process may have
// stored something else meanwhile.
func (i Items) put(ctx context.Context, name string, value creds.Secret) error {
	if err := i.Store.Put(ctx, name, value); err != nil {
		return err
	}
	_, err := i.Store.Get(ctx, name)
	return err
}

// Copy stores the item of a name in another store, too, as it is.
func (i Items) Copy(ctx context.Context, name string, target Items) error {
	value, err := i.Store.Get(ctx, name)
	if err != nil {
		return err
	}
	return target.put(ctx, name, value)
}

// DeleteSeed removes the seed of the MFA device serial.
func (i Items) DeleteSeed(ctx context.Context, serial string) error {
	return i.Store.Delete(ctx, SeedName(serial))
}

const addAgain = "run: aws-mfa-creds add --profile NAME"

// Issuer is how authenticator apps name AWS.
const Issuer = "Amazon Web Services"

// Label is how authenticator apps name a device: NAME@ACCOUNT, as AWS's own QR codes do,
// or the serial itself of a device that is no ARN.
func Label(serial string) string {
	arn, ok := creds.ParseARN(serial)
	if !ok {
		return serial
	}
	return strings.TrimPrefix(arn.Resource, "mfa/") + "@" + arn.Account
}
