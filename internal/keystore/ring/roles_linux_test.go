package ring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// playRole does what a process of a test is there for.
func playRole(role string) error {
	fields := append(strings.Fields(role), "", "")
	switch fields[0] {
	case "nothing":
		return nil
	case "noise":
		defer fmt.Print("noise of a library") // to what is then os.Stdout
		Worker(os.Stdin, os.Stdout)
		return nil
	case "prompter":
		return prompter()
	case "hang":
		r := roleRing(SecretService)
		r.limit = 4 * time.Second
		_, err := r.Get(ctx(), "key:x")
		return err
	case "hanging":
		value, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		r := roleRing(SecretService)
		r.limit = 2 * time.Second
		return r.Put(ctx(), "key:x", creds.NewSecret(string(value)))
	case "foreign":
		return foreignSession()
	case "quota":
		return quotaFull()
	case "blocked":
		return keyctlBlocked(fields[1])
	case "crowd":
		return crowd(fields[1], fields[2])
	case "put":
		value, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		return roleRing(fields[1]).Put(ctx(), "key:x", creds.NewSecret(string(value)))
	case "serialised":
		return serialised(fields[1])
	}
	return fmt.Errorf("no role %q", role)
}

func ctx() context.Context { return context.Background() }

// roleRing opens a keyring as the program does it.
func roleRing(kind string) *Ring {
	r, err := Open(Options{Kind: kind, Executable: os.Args[0]})
	if err != nil {
		panic(err)
	}
	r.limit = patient
	return r
}

func isCanceled(err error) bool { return errors.Is(err, context.Canceled) }

// lockFile returns a lock among processes.
func lockFile(path string) func(context.Context) (func(), error) {
	return func(ctx context.Context) (func(), error) {
		dir, err := securefile.OpenAnyDir(filepath.Dir(path))
		if err != nil {
			return nil, err
		}
		defer dir.Close()
		return dir.Lock(ctx, filepath.Base(path), securefile.Alone)
	}
}
