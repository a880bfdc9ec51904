//go:build !linux

package cache

import "errors"

// kernelKey is what this platform does not have.
type kernelKey string

func (kernelKey) read() ([]byte, error) { return nil, errors.ErrUnsupported }

func (kernelKey) create([]byte) error { return errors.ErrUnsupported }

func (kernelKey) renew() {}
