package test

import (
	bytes8 "encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// atTime runs the program while the machine's clock shows a time: without the vDSO, each look at the clock is a
// system call, of which the tracer changes the result.
func (n *newcomer) atTime(shows time.Time, args ...string) (code int, printed string) {
	n.t.Helper()
	if os.Geteuid() != 0 {
		n.t.Skip("needs root, to change the memory of the program, which is closed to others")
	}
	shift := shows.Unix() - time.Now().Unix()
	k := killer{begun: hideVDSO, left: func(thread int) error {
		var regs unix.PtraceRegs
		if err := unix.PtraceGetRegs(thread, &regs); err != nil || regs.Orig_rax != unix.SYS_CLOCK_GETTIME || regs.Rdi != unix.CLOCK_REALTIME {
			return err
		}
		var word [8]byte
		if _, err := unix.PtracePeekData(thread, uintptr(regs.Rsi), word[:]); err != nil {
			return err
		}
		bytes8.LittleEndian.PutUint64(word[:], bytes8.LittleEndian.Uint64(word[:])+uint64(shift))
		_, err := unix.PtracePokeData(thread, uintptr(regs.Rsi), word[:])
		return err
	}}
	out := filepath.Join(n.Dir, "printed")
	_ = os.Remove(out)
	n.check(k.run(n, args...))
	text, err := os.ReadFile(out)
	n.check(err)
	return k.code, string(text)
}

// hideVDSO takes AT_SYSINFO_EHDR out of the auxiliary vector of a program that has just been started.
func hideVDSO(pid int) error {
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(pid, &regs); err != nil {
		return err
	}
	at, word := uintptr(regs.Rsp)+8, make([]byte, 8)
	read := func() uint64 {
		_, _ = unix.PtracePeekData(pid, at, word)
		at += 8
		return bytes8.LittleEndian.Uint64(word)
	}
	for ends := 0; ends < 2; { // behind the arguments and the environment
		if read() == 0 {
			ends++
		}
	}
	const vdso, ignore = 33, 1
	for {
		switch kind := read(); kind {
		case 0:
			return nil
		case vdso:
			_, err := unix.PtracePokeData(pid, at-8, []byte{ignore, 0, 0, 0, 0, 0, 0, 0})
			return err
		}
		read()
	}
}

// TestMachineClock has the machine's clock show a time that cannot be: what AWS's answer corrects works, the rest is
// an error, and nothing of it stays when the clock is right again.
func TestMachineClock(t *testing.T) {
	t.Parallel()
	for _, year := range []struct{ shows, code int }{{1900, 10}, {1969, 10}, {1970, 0}, {2101, 0}, {2400, 10}} {
		t.Run(fmt.Sprint(year.shows), func(t *testing.T) {
			t.Parallel()
			b, key, seed := bare(t)
			addWork(t, b, key, seed, "--store", "age")
			n := &newcomer{Bed: b, t: t}
			for _, command := range []string{"get", "get", "code", "list", "doctor"} {
				args := append([]string{command}, "--profile", "work")
				code, printed := n.atTime(time.Date(year.shows, 12, 31, 0, 0, 0, 0, time.UTC), args...)
				want := map[string]int{"list": 0, "doctor": 10}
				if _, ok := want[command]; !ok {
					want[command] = year.code
				}
				if code != want[command] || strings.Contains(printed, "goroutine ") || code != 0 && !strings.Contains(printed, "error: clock: ") {
					t.Errorf("%s: exit %d: %s", command, code, printed)
				}
			}
			credentials(t, get(t, b, "--refresh"))
			if year.code == 0 { // else AWS has not looked at them
				wantNoCodeTwice(t, b)
			}
		})
	}
}

// TestFleetWithClocksApart has hosts of a fleet whose own clocks are off, each by another time. Whichever of them gets
// the session, the others take it over.
func TestFleetWithClocksApart(t *testing.T) {
	t.Parallel()
	e := startEngine(t)
	all := []time.Duration{-3 * time.Hour, -40 * time.Second, 40 * time.Second, 3 * time.Hour}
	for _, first := range all {
		t.Run(first.String(), func(t *testing.T) {
			t.Parallel()
			b := bed(t, testbed.Options{})
			ids, before := make(map[string]bool), 0
			for i, off := range append([]time.Duration{first}, all...) {
				n := &newcomer{Bed: b, t: t, env: host(t, b, i, e.url())}
				code, printed := n.atTime(time.Now().Add(off), "get", "--profile", "work")
				ids[credentials(t, outcome{stdout: printed, code: code}).AccessKeyID] = true
				if i == 0 {
					before = calls(b, "GetSessionToken")
				}
			}
			if n := calls(b, "GetSessionToken"); len(ids) != 1 || before > 2 || n != before {
				t.Errorf("%d sessions, %d calls of the first host, %d in all", len(ids), before, n)
			}
			wantNoCodeTwice(t, b)
		})
	}
}
