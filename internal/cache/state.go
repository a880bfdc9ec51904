package cache

import (
	"encoding/json"
	"errors"
	"io/fs"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/atomicfile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

const (
	stateVersion = 1

	// maxState is many times what full books need, in bytes.
	maxState = 1 << 20
)

// state is the form of the small files that are not secret.
type state[T any] struct {
	Version int `json:"version"`
	Value   T   `json:"value"`
}

// load returns what the file name holds. Damage, another version, no file: the zero
// value.
func load[T any](c *Cache, name string) T {
	var s, none state[T]
	data, err := c.read(name, maxState)
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err == nil && s.Version == stateVersion {
		return s.Value
	}
	if !errors.Is(err, fs.ErrNotExist) {
		c.log.Debug("state ignored", "file", name, "version", s.Version, "error", err)
	}
	return none.Value
}

// save stores value in the file name, whole or not at all, but without waiting for the
// disk. Other processes see it at once; only power loss can lose it, and by the time
// a machine is up again the time steps in it are over. Waiting would cost every
// mint several flushes.
func save[T any](c *Cache, name string, value T) error {
	data, err := json.Marshal(state[T]{stateVersion, value})
	if err != nil || len(data) > maxState {
		return &fault.Error{Kind: fault.Internal, Thing: "cache", Cause: "the state cannot be stored", Err: err}
	}
	return c.write(name, append(data, '\n'), atomicfile.Options{})
}
