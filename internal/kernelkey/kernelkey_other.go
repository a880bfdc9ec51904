//go:build !linux

package kernelkey

import "errors"

// Read reports that there is no such keyring.
func (Key) Read(int) ([]byte, error) { return nil, errors.ErrUnsupported }

// Create reports that there is no such keyring.
func (Key) Create([]byte) error { return errors.ErrUnsupported }

// Claim reports that there is no such keyring.
func (Key) Claim() error { return errors.ErrUnsupported }

// Remove has nothing to remove.
func (Key) Remove() error { return nil }

// Renew has nothing to renew.
func (Key) Renew() {}
