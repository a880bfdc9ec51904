// Package keystore keeps the long-lived secrets, access keys and seeds, in the stores
// they rest in, and reads them from there.
package keystore

import (
	"context"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// Store holds small secrets by name. Whatever the store is, a call ends in a few
// seconds and never prompts, unless the Store was opened for a person who may be asked.
// Errors are *fault.Error of kind NoSecret (nothing is stored under the name, or what is
// there is damaged), Store (locked, absent, not answering), Filesystem or Permissions.
type Store interface {
	// Get returns the secret stored under name.
	Get(ctx context.Context, name string) (creds.Secret, error)

	// Put stores value under name, in place of what was there. When it returns nil the
	// value is durable.
	Put(ctx context.Context, name string, value creds.Secret) error

	// Delete removes what is stored under name. That there is nothing is no error.
	Delete(ctx context.Context, name string) error
}

// MaxItem is the largest secret a store takes, in bytes: Windows Credential Manager has
// room for 2560 bytes, and what we store is far below that everywhere.
const MaxItem = 2048
