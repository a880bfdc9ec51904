package keystore

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/agefile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/ring"
)

// Person is somebody at the terminal, whom a store may ask for a passphrase or a PIN.
type Person = agefile.Person

// Options say what stores work with. All but Person are required.
type Options struct {
	Dir        string   // of the age store; made by the first write
	Executable string   // this program, as of os.Executable
	Environ    []string // the environment, as of busguard.Environ
	Now        func() time.Time
	Rand       io.Reader // crypto/rand.Reader in earnest

	// Serialize waits for a lock that all processes of the user share, for keyrings that refuse
	// simultaneous calls, and returns how to let go of it.
	Serialize func(context.Context) (unlock func(), err error)

	// Calm says that this is no credential process, so that a busy store may take its time.
	Calm bool

	// Person may be asked to unlock a store. Nil: nobody is asked, and every call ends
	// within three seconds, or if Calm within half a minute.
	Person Person
}

// Kinds returns the stores of this build that secrets can be put into, the platform's own
// first.
func Kinds() []string { return append(ring.Kinds(), KindAge) }

// Open returns the store of a kind, and never another one. It is not touched before it is used. The
// error is a *fault.Error of kind Config for a kind that does not exist, and Store for one that this
// build does not have.
func Open(kind string, o Options) (Store, error) {
	switch kind {
	case KindAge:
		return Age(o), nil
	case KindKeychain, KindWinCred, KindSecretService, KindKWallet, KindPass, KindKeyctl:
		return openRing(kind, o)
	case KindEnv:
		return nil, fault.New(fault.Config, "the env store", "name another: "+strings.Join(Kinds(), ", "), "is the environment, and nothing can be stored there")
	}
	return nil, fault.New(fault.Config, "store "+fault.Printable(kind), "use one of "+strings.Join(Kinds(), ", "), "there is no store of this name")
}

// Age returns the age store, which has a life of its own: see package agefile.
func Age(o Options) *agefile.Store {
	return agefile.Open(agefile.Options{Dir: o.Dir, Now: o.Now, Rand: o.Rand, Env: o.Environ, Person: o.Person})
}

func openRing(kind string, o Options) (*ring.Ring, error) {
	return ring.Open(ring.Options{Kind: kind, Executable: o.Executable, Env: o.Environ, Ask: o.Person != nil, Calm: o.Calm, Serialize: o.Serialize})
}

// Probe reports why the store of a kind cannot be used now, or nil. It asks nobody and ends within
// two seconds. The error is a *fault.Error.
func Probe(ctx context.Context, kind string, o Options) error {
	if kind == KindAge {
		return nil
	}
	r, err := openRing(kind, o)
	if err != nil {
		return err
	}
	return r.Probe(ctx)
}

// Default returns the store to use where nothing is said: the platform's keyring if it can be
// used, else age. why says so in words when it is not the platform's first choice.
//
// The kernel's keyring forgets, pass is for those who have chosen it, and KDE's is for KDE: they
// are used when they are asked for.
func Default(ctx context.Context, o Options) (kind, why string) {
	for _, candidate := range []string{KindKeychain, KindWinCred, KindSecretService} {
		if !slices.Contains(Kinds(), candidate) {
			continue
		}
		err := Probe(ctx, candidate, o)
		if err == nil {
			return candidate, ""
		}
		why = causeOf(err)
	}
	return KindAge, why
}

// causeOf is err without what it is about.
func causeOf(err error) string {
	if told, ok := errors.AsType[*fault.Error](err); ok {
		return fault.Printable(told.Cause)
	}
	return fault.Text(err)
}
