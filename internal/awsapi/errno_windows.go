package awsapi

import (
	"errors"
	"syscall"
)

// Winsock error numbers that package syscall does not name (winsock2.h).
const (
	errAddrNotAvail syscall.Errno = 10049
	errNetUnreach   syscall.Errno = 10051
	errConnRefused  syscall.Errno = 10061
	errHostUnreach  syscall.Errno = 10065
)

func isRefused(err error) bool { return errors.Is(err, errConnRefused) }

func isReset(err error) bool {
	return errors.Is(err, syscall.WSAECONNRESET) || errors.Is(err, syscall.WSAECONNABORTED)
}

func isNoRoute(err error) bool {
	return errors.Is(err, errNetUnreach) || errors.Is(err, errHostUnreach) || errors.Is(err, errAddrNotAvail)
}
