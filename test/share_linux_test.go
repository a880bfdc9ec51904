package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// getsOfHost runs in namespaces of its own, so that its kernel keyring is not that of another host: $1 is the name
// of the host, $2 where its output goes, $3 how many gets it starts at once; then comes the program.
const getsOfHost = `
hostname "$1"
out=$2 many=$3
shift 3
for i in $(seq "$many"); do
	{ "$@" >"$out/$i.out" 2>"$out/$i.err"; echo $? >"$out/$i.code"; } &
done
wait`

// needNames skips the test where a process cannot have a host name of its own.
func needNames(t *testing.T) {
	t.Helper()
	needNamespaces(t, finish(t, exec.Command(need(t, "unshare", "apt-get install util-linux"), "-r", "--uts", "true")))
}

// namedHost has the host of that name start many gets at once.
func namedHost(t *testing.T, b *testbed.Bed, name string, many int, env ...string) (all []outcome) {
	t.Helper()
	dir := t.TempDir()
	got := run(t, b, env, "unshare", "-r", "--uts", "sh", "-c", getsOfHost, "sh", name, dir, strconv.Itoa(many), b.Binary, "get", "--profile", "work")
	if got.code != 0 || got.stderr != "" {
		t.Errorf("exit %d: %s", got.code, got.stderr)
	}
	for i := range many {
		name := filepath.Join(dir, strconv.Itoa(i+1))
		got := outcome{stdout: readFile(t, name+".out"), stderr: readFile(t, name+".err")}
		if _, err := fmt.Sscan(readFile(t, name+".code"), &got.code); err != nil {
			t.Error(err)
		}
		all = append(all, got)
	}
	return all
}

// TestSharedDirectory has two hosts keep everything in one directory, whose locks hold for both. Where the sealing
// key is derived from the secrets, they get one session with one code. Where it is in the kernel, each needs one of
// its own, and takes a time step of its own for it.
func TestSharedDirectory(t *testing.T) {
	t.Parallel()
	needNames(t)
	for store, sessions := range map[string]int{"env": 1, "age": 2} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			b := bed(t, testbed.Options{Bare: store != "env", Sandbox: sandbox.Options{Latency: latency}})
			if store != "env" {
				id := b.Identity()
				writeFile(t, b.Dir+"/key", id.AccessKeyID+" "+id.SecretAccessKey)
				writeFile(t, b.Dir+"/seed", id.Seed)
				if got := run(t, b, nil, b.Binary, "add", "--profile", "work", "--store", store, "--access-key-file", b.Dir+"/key", "--seed-file", b.Dir+"/seed", "--serial", id.Serial, "--yes"); got.code != 0 {
					t.Fatal(got.stderr)
				}
			}
			var ids sync.Map
			var group sync.WaitGroup
			for _, name := range []string{"one", "two"} {
				group.Go(func() {
					for _, got := range namedHost(t, b, name, 25) {
						if got.code != 0 {
							t.Errorf("exit %d: %s", got.code, got.stderr)
						}
						ids.Store(got.stdout, nil)
					}
				})
			}
			group.Wait()
			n := 0
			ids.Range(func(any, any) bool { n++; return true })
			if n != sessions {
				t.Errorf("%d sessions, want %d", n, sessions)
			}
			wantMints(t, b, sessions)
		})
	}
}

// TestRestoredCache has the cache directory of one host restored on another, as the caches of CI systems do: by tar or
// zip, with permissions and owners of their own.
func TestRestoredCache(t *testing.T) {
	t.Parallel()
	needNames(t)
	const lately, halfADay = 5 * time.Minute, 13 * time.Hour
	for name, test := range map[string]struct {
		age     time.Duration // of the archive
		restore string        // more commands in the directory above
		calls   int           // that a get needs then
		words   []string      // or its error, before mend
		mend    string
	}{
		"fresh":                     {0, "", 0, nil, ""},
		"expired":                   {halfADay, "", 1, nil, ""},
		"parent is open":            {0, "chmod 755 .", 0, nil, ""},
		"directory is open":         {0, "chmod 755 cache", 0, []string{"is open to other users (mode 0755)", "chmod 700 "}, "chmod 700 cache"},
		"files are open":            {lately, "chmod 644 cache/*", 1, nil, ""},
		"all is open, and mended":   {0, "chmod -R a+rwX cache; chmod -R go= cache", 0, nil, ""},
		"files of another user":     {lately, "chown 4242 cache/*", 1, nil, ""},
		"directory of another user": {0, "chown 4242 cache", 0, []string{"belongs to another user (uid 4242)"}, "chown 0 cache"},
		"half of it":                {0, "rm cache/*.device", 0, nil, ""},
		"damaged":                   {lately, "for f in cache/*; do head -c 40 $f >x; cat x >$f; done; rm x", 1, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if os.Geteuid() != 0 && (test.mend == "chown 0 cache" || test.restore == "chown 4242 cache/*") {
				t.Skip("SKIPPED: only root can give files away: run the tests as root")
			}
			b := bed(t, testbed.Options{})
			b.Server.SetClockOffset(-test.age)
			credentials(t, namedHost(t, b, "old", 1)[0])
			b.Server.SetClockOffset(0)
			before := b.Server.State().Count("GetSessionToken")
			here := filepath.Join(b.Dir, "restored")
			sh := func(script string) {
				t.Helper()
				if got := run(t, b, []string{"OWN=" + b.Own(), "HERE=" + here}, "sh", "-euc", script); got.code != 0 {
					t.Fatal(got.stderr)
				}
			}
			sh(`mkdir -m 700 "$HERE"; tar -cC "$OWN" cache | tar -xC "$HERE"; cd "$HERE"; ` + test.restore)
			get := func() outcome {
				t.Helper()
				return run(t, b, []string{"AWS_MFA_CREDS_HOME=" + here}, b.Binary, "get", "--profile", "work")
			}
			if test.words != nil {
				wantFailure(t, b, get(), 12, test.words...)
				sh(`cd "$HERE"; ` + test.mend)
			}
			for range 2 { // what was restored is no hindrance to the next one, either
				credentials(t, get())
				after := b.Server.State().Count("GetSessionToken")
				if n := after.Calls - before.Calls; n != test.calls || after.Accepted-before.Accepted != n {
					t.Errorf("%d calls, want %d: %+v", n, test.calls, after)
				}
			}
		})
	}
}

// needNamespaces skips the test if a command that did nothing in namespaces of its own has failed, as some kernels
// and containers have it, or fails it in CI.
func needNamespaces(t *testing.T, tried outcome) {
	t.Helper()
	if tried.code != 0 {
		missing(t, "the right to make namespaces", tried.stderr)
	}
}
