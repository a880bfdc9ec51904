package redis

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fleet"
)

// TestConnectionThatWasDropped has a server drop the last step of a connection and what follows, as the kernel of one
// does whose backlog is full. That ends long before the time that there is, and the next connection is of use.
func TestConnectionThatWasDropped(t *testing.T) {
	t.Parallel()
	var plain net.ListenConfig
	plain.SetMultipathTCP(false) // it has no filters
	l, err := plain.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	onListener := func(do func(fd int) error) {
		if err := errors.Join(raw.Control(func(fd uintptr) { failed = do(int(fd)) }), failed); errors.Is(err, unix.EPERM) && os.Geteuid() != 0 {
			t.Skip("SKIPPED: needs root, to filter packets: ", err)
		} else if err != nil {
			t.Fatal(err)
		}
	}
	const flags, ack = 13, 0x10 // where they are in the header of TCP, and the one that every packet but the first has
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: flags},
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: ack, Jt: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 1 << 16},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	}
	onListener(func(fd int) error {
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
	})
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			_, _ = io.WriteString(conn, "*2\r\n$2\r\n-2\r\n$5\r\nvalue\r\n")
		}
	}()

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	e, err := New(Settings{Hosts: []string{l.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, _, err := e.Get(ctx, "key"); !errors.Is(err, fleet.ErrSilent) || ctx.Err() != nil {
		t.Fatalf("got %v, %v", err, ctx.Err())
	}
	onListener(func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0) })
	if values, _, err := e.Get(ctx, "key"); err != nil || values[0] != "value" {
		t.Fatalf("got %q, %v", values, err)
	}
}
