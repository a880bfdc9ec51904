package sts

import (
	"errors"
	"syscall"
)

// Winsock error numbers that package syscall does not name (winsock2.h).
const (
	wsaEAddrNotAvail syscall.Errno = 10049
	wsaENetUnreach   syscall.Errno = 10051
	wsaEConnRefused  syscall.Errno = 10061
	wsaEHostUnreach  syscall.Errno = 10065
)

func isRefused(err error) bool { return errors.Is(err, wsaEConnRefused) }

func isReset(err error) bool {
	return errors.Is(err, syscall.WSAECONNRESET) || errors.Is(err, syscall.WSAECONNABORTED)
}

func isNoRoute(err error) bool {
	return errors.Is(err, wsaENetUnreach) || errors.Is(err, wsaEHostUnreach) || errors.Is(err, wsaEAddrNotAvail)
}
