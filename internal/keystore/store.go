// Package keystore reads the long-lived secrets, access keys and seeds, from the
// stores they rest in.
package keystore

import (
	"context"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// Store holds access keys by profile and seeds by the serial of their MFA device:
// as separate items, so that they can live in different stores. Errors are
// *fault.Error of kind NoSecret (nothing or nothing usable is stored), Store (locked or
// unavailable) or Config.
type Store interface {
	AccessKey(ctx context.Context, profile string) (creds.AccessKey, error)
	Seed(ctx context.Context, serial string) (totp.Seed, error)
}
