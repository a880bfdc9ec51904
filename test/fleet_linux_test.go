package test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// network is a bridge with an engine at its address, and hosts that are network namespaces.
type network struct {
	t     *testing.T
	name  string
	b     *testbed.Bed
	names []string // of the namespaces; the end of each cable has the same name
}

// newNetwork makes the hosts. AWS can be reached from each of them, also when its cable is pulled.
func newNetwork(t *testing.T, b *testbed.Bed, hosts int) (n *network, address string) {
	t.Helper()
	n = &network{t: t, name: fmt.Sprintf("mfa%d", os.Getpid()), b: b}
	subnet := fmt.Sprintf("10.213.%d", os.Getpid()%256)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", n.name).Run() })
	try := strings.ReplaceAll("ip link add NAME type bridge && ip netns add NAME && ip netns exec NAME true && ip netns del NAME", "NAME", n.name)
	if out, err := exec.Command("sh", "-c", try).CombinedOutput(); err != nil {
		missing(t, "the right to make network namespaces, or iproute2", string(out))
	}
	n.ip("addr add %s.1/24 dev %s", subnet, n.name)
	n.ip("link set %s up", n.name)
	for i := range hosts {
		name := fmt.Sprintf("%s-%d", n.name, i)
		n.names = append(n.names, name)
		n.ip("netns add %s", name)
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
		n.ip("link add %s type veth peer name eth0 netns %s", name, name)
		n.ip("link set %s master %s up", name, n.name)
		n.ip("-n %s link set lo up", name)
		n.ip("-n %s addr add %s.%d/24 dev eth0", name, subnet, i+2)
		n.ip("-n %s link set eth0 up", name)
		n.forward(name)
	}
	return n, subnet + ".1"
}

func (n *network) ip(format string, args ...any) {
	n.t.Helper()
	if out, err := exec.Command("ip", strings.Fields(fmt.Sprintf(format, args...))...).CombinedOutput(); err != nil {
		n.t.Fatalf("ip "+format+": %v: %s", append(args, err, out)...)
	}
}

// forward has the sandbox listen in a namespace, too.
func (n *network) forward(name string) {
	n.t.Helper()
	_, address, _ := strings.Cut(n.b.Server.URL(), "://")
	type result struct {
		net.Listener
		err error
	}
	results := make(chan result)
	go func() { // its thread ends with it: it stays in the namespace
		runtime.LockOSThread()
		space, err := os.Open("/run/netns/" + name)
		if err == nil {
			defer space.Close()
			err = unix.Setns(int(space.Fd()), unix.CLONE_NEWNET)
		}
		var r result
		if r.err = err; err == nil {
			r.Listener, r.err = net.Listen("tcp", address)
		}
		results <- r
	}()
	l := <-results
	if l.err != nil {
		n.t.Fatal(l.err)
	}
	n.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				server, err := net.Dial("tcp", address)
				if err == nil {
					go func() { _, _ = io.Copy(conn, server); conn.Close() }()
					_, err = io.Copy(server, conn)
				}
				_ = errors.Join(err, conn.Close())
			}()
		}
	}()
}

// TestFleetWithAHostCutOff pulls the cable of one of four hosts, each of which has five homes, for nine seconds, while
// another one gets the session: that is all that the others need.
func TestFleetWithAHostCutOff(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: 6 * time.Second}})
	n, address := newNetwork(t, b, 4)
	e := startEngine(t, "--bind", address+" 127.0.0.1", "--protected-mode", "no")
	url := fmt.Sprintf("redis://%s:%d", address, e.port)
	const homes = 5
	results := make(map[string]chan outcome)
	for i, name := range n.names {
		ended := make(chan outcome, homes)
		results[name] = ended
		for home := range homes {
			env := host(t, b, i*homes+home, url)
			go func() {
				ended <- run(t, b, env, "ip", "netns", "exec", name, b.Binary, "get", "--profile", "work")
			}()
		}
		if i == 0 { // it gets the session
			eventually(t, "the call", func() bool { return calls(b, "GetSessionToken") == 1 })
		}
	}
	eventually(t, "all homes", func() bool { return strings.Count(e.cli("CLIENT", "LIST"), " addr=") == len(n.names)*homes+1 })
	last := n.names[len(n.names)-1]
	n.ip("link set %s down", last)
	time.AfterFunc(9*time.Second, func() { _ = exec.Command("ip", "link", "set", last, "up").Run() })
	var others []outcome
	for _, name := range n.names[:len(n.names)-1] {
		for range homes {
			others = append(others, <-results[name])
		}
	}
	wantSameSession(t, others)
	served := 0
	for range homes {
		got := <-results[last]
		if got.code == 0 {
			credentials(t, got)
			served++
		} else if got.code != 6 && got.code != 9 {
			t.Errorf("exit %d: %s", got.code, got.stderr)
		}
		if got.took > time.Minute {
			t.Errorf("a home that was cut off took %v", got.took)
		}
	}
	t.Logf("%d of %d homes that were cut off were served; %d calls in all", served, homes, calls(b, "GetSessionToken"))
}

// TestFleetResynchronizes has one host resynchronize the device, and another one get a session at once: no command
// sends a code that another one has sent.
func TestFleetResynchronizes(t *testing.T) {
	t.Parallel()
	e := startEngine(t)
	b, key, seed := bare(t)
	addWork(t, b, key, seed, "--store", "age")
	if out, err := exec.Command("cp", "-a", b.Own(), filepath.Join(b.Dir, "host0")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	roomInStep()
	if got := run(t, b, []string{"AWS_MFA_CREDS_SHARED_CACHE=" + e.url()}, b.Binary, "resync", "--profile", "work"); got.code != 0 {
		t.Fatalf("exit %d: %s", got.code, got.stderr)
	}
	mustHost(t, b, 0, e.url())
	wantNoCodeTwice(t, b)
	if refused := b.Server.State().Refusals; len(refused) != 0 {
		t.Errorf("refused: %v", refused)
	}
}
