package awsapi

import (
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// TestBlackHole connects to a socket whose queue is full: Linux then drops
// what asks for a connection, as a firewall does.
func TestBlackHole(t *testing.T) {
	t.Parallel()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(name.(*syscall.SockaddrInet4).Port))
	for filled := false; !filled; {
		conn, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err == nil {
			t.Cleanup(func() { _ = conn.Close() })
		}
		filled = err != nil
	}
	client := newTestClient(t, "https://"+address)
	client.connectLimit = 200 * time.Millisecond
	got := client.Call(t.Context(), sessionRequest())
	want{Unreachable, fault.Network, Unsent, []string{address, "timed out while connecting"}}.check(t, got)
}
