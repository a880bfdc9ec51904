package redis

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// hurry has the kernel give up a connection whose other side acknowledges nothing for a second. A server whose backlog
// is full also drops the last step of connections that it has begun to accept: here they count as made, and what is
// sent is repeated ever more rarely. Connecting anew is faster. A server that is only slow acknowledges all the same.
func hurry(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 1000)
	})
}
