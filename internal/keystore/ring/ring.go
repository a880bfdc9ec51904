// Package ring stores secrets in the operating system's keyring, through the library 99designs/keyring.
// Even if a keyring hangs, panics, prints or prompts, a call ends within its time limit, with the secret
// or with a reason and a remedy: the library runs only in a worker, a child process of our own
// executable that serves one call (worker.go). The kernel's keyring needs neither library nor worker
// (keyctl_linux.go).
package ring

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/worker"
)

// WorkerArg is the first argument of a worker: main passes it on to Worker, before all else.
const WorkerArg = worker.Arg

// The kinds of stores that this package opens, as profiles.ini names them.
const (
	Keychain      = "keychain"       // macOS Keychain
	WinCred       = "wincred"        // Windows Credential Manager
	SecretService = "secret-service" // GNOME Keyring, KeePassXC and others, over D-Bus
	KWallet       = "kwallet"        // KDE Wallet
	Pass          = "pass"           // pass, the standard unix password manager
	Keyctl        = "keyctl"         // the keyring of the Linux kernel: in memory only
)

// MaxItem is the largest secret a keyring takes, in bytes: Windows Credential Manager has room for
// 2560 bytes.
const MaxItem = 2048

// maxName is the longest name of an item, in bytes.
const maxName = 512

// How long a call may take in all.
const (
	quietLimit   = 3 * time.Second  // when nobody may be asked, in a credential process
	patientLimit = 30 * time.Second // when nobody may be asked, but a person waits
	askLimit     = 60 * time.Second // when a person unlocks the keyring meanwhile

	// reserve is kept back from a limit for killing a worker whose pipes other programs hold.
	reserve = 250 * time.Millisecond
)

// Options say which keyring, and how it may be used.
type Options struct {
	Kind       string   // one of Kinds
	Executable string   // this program, as of os.Executable, to be run as worker
	Env        []string // of the worker, beside that of this process

	// Ask lets the keyring ask the person at this computer to unlock it, or for consent.
	// Without it a call never waits for anybody.
	Ask bool

	// Patient says that this is no credential process, whose consumer would not wait for long.
	Patient bool

	// Serialize, if not nil, waits for a lock that all processes of the user share, and
	// returns how to let go of it. It is used where a keyring refuses simultaneous calls.
	Serialize func(context.Context) (unlock func(), err error)
}

// Ring is one keyring. It is used by one goroutine or many.
type Ring struct {
	options Options
	limit   time.Duration

	// serial says that the keyring refuses simultaneous calls.
	serial bool
}

// Open returns the keyring of o.Kind, and never another one. It does not touch it yet. If the
// kind is not in this build the error is a *fault.Error of kind Store.
func Open(o Options) (*Ring, error) {
	if !slices.Contains(Kinds(), o.Kind) {
		return nil, trouble{state: notBuilt}.fault(o.Kind, "")
	}
	limit := quietLimit
	switch {
	case o.Ask:
		limit = askLimit
	case o.Patient:
		limit = patientLimit
	}
	// macOS refuses a read while another process reads.
	return &Ring{options: o, limit: limit, serial: o.Kind == Keychain}, nil
}

// Get returns the secret stored under name. The error is a *fault.Error of kind NoSecret (there is
// none, or it is damaged) or Store (the keyring cannot be used now).
func (r *Ring) Get(ctx context.Context, name string) (creds.Secret, error) {
	got, err := r.call(ctx, request{Op: opGet, Name: name})
	defer clear(got)
	return creds.NewSecret(string(got)), err
}

// Put stores value under name, in place of what was there, and reads it back. When it returns nil
// the value is durable; when it does not, the old or the new value is there. The error is a
// *fault.Error of kind Store, or Usage for a value that is empty or larger than MaxItem.
func (r *Ring) Put(ctx context.Context, name string, value creds.Secret) error {
	secret := []byte(value.Reveal())
	defer clear(secret)
	if len(secret) == 0 || len(secret) > MaxItem {
		return fault.New(fault.Usage, "the secret", "", "has %d bytes, and a keyring takes 1 to %d", len(secret), MaxItem)
	}
	_, err := r.call(ctx, request{Op: opPut, Name: name, Value: secret})
	return err
}

// Delete removes what is stored under name. That there is nothing is no error. The error is a
// *fault.Error of kind Store.
func (r *Ring) Delete(ctx context.Context, name string) error {
	_, err := r.call(ctx, request{Op: opDelete, Name: name})
	return err
}

// Probe reports why the keyring cannot be used now, or nil. It reads no secret, and asks nobody if the keyring
// was opened so. The error is a *fault.Error of kind Store; it wraps ErrNoAnswer if the keyring may yet be usable.
func (r *Ring) Probe(ctx context.Context) error {
	_, err := r.call(ctx, request{Op: opProbe, Name: "probe"})
	return err
}

// ErrNoAnswer is a keyring of which it is not known whether it can be used: a slow one, or a failed worker.
var ErrNoAnswer = errors.New("no answer")

// call has the request served within the limit, and returns the value of the answer.
func (r *Ring) call(ctx context.Context, req request) ([]byte, error) {
	if err := checkName(req.Name); err != nil {
		return nil, err
	}
	req.Kind, req.Ask = r.options.Kind, r.options.Ask
	limited, cancel := context.WithTimeout(ctx, r.limit-reserve)
	defer cancel()
	value, err := r.serve(limited, req)
	if err != nil {
		t := classify(err)
		failure := t.fault(req.Kind, req.Name)
		if slices.Contains([]state{silent, broken, busy, gone}, t.state) {
			failure.Err = ErrNoAnswer
		}
		if ctx.Err() != nil {
			failure.Err = ctx.Err() // so that a call that was interrupted can be told from a keyring that hangs
		}
		return nil, failure
	}
	return value, nil
}

// serve has the request served here, where that is safe, or by a worker. Errors are those of backend.
func (r *Ring) serve(ctx context.Context, req request) ([]byte, error) {
	if req.Kind == Keyctl {
		return serveKernel(req)
	}
	if r.serial && r.options.Serialize != nil {
		unlock, err := r.options.Serialize(ctx)
		if err != nil {
			return nil, trouble{state: busy}
		}
		defer unlock()
	}
	return r.work(ctx, req)
}

// work runs a worker for the request. It is killed, with all that it has started, when ctx ends.
func (r *Ring) work(ctx context.Context, req request) ([]byte, error) {
	var said child.Head
	var got answer
	err := child.Program{
		Argv:   []string{r.options.Executable, WorkerArg, r.limit.String()},
		Env:    r.options.Env,
		Limit:  maxMessage,
		Stderr: &said,
	}.Ask(ctx, req, &got)
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		return nil, trouble{silent, r.limit.String()}
	case err != nil:
		return nil, trouble{state: broken}
	case got.State == exited:
		return nil, ofGpg(said.String())
	}
	return got.result()
}

// checkName refuses a name that not every keyring can hold.
func checkName(name string) error {
	bad := strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == 0x7f })
	if name == "" || len(name) > maxName || bad || !utf8.ValidString(name) {
		return fault.New(fault.Usage, quoted(name), OtherStore, "is no name for an item in a keyring, which has 1 to %d bytes of printable UTF-8", maxName)
	}
	return nil
}

func quoted(name string) string { return "item " + strconv.Quote(name) }
