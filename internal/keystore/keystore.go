// Package keystore stores the long-lived secrets, access keys and seeds, in the store that the user
// chose.
//
// To add a store, implement Store in a package beside agefile, and name it in Kinds, Open and Probe. A keyring
// that 99designs/keyring supports is a kind of package ring instead.
package keystore

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/agefile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/envstore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/ring"
)

// The kinds of stores that are no keyring of the operating system, as profiles.ini names them; see
// package ring for the others.
const (
	KindEnv = envstore.Kind // AWS_MFA_CREDS_* variables, for CI
	KindAge = "age"         // files encrypted with age
)

// Store holds small secrets by name. Whatever the store is, a call ends in a few
// seconds and never prompts, unless the Store was opened for a person who may be asked.
// Errors are *fault.Error of kind NoSecret (nothing is stored under the name, or what is
// there is damaged), Store (locked, absent, not answering), Filesystem or Permissions.
type Store interface {
	// Get returns the secret stored under name.
	Get(ctx context.Context, name string) (creds.Secret, error)

	// Put stores value under name, in place of what was there. When it returns nil the
	// value is durable.
	Put(ctx context.Context, name string, value creds.Secret) error

	// Delete removes what is stored under name. That there is nothing is no error.
	Delete(ctx context.Context, name string) error
}

// Person is somebody at the terminal, whom a store may ask for a passphrase or a PIN.
type Person = agefile.Person

// Options say what stores work with. All but Person are required.
type Options struct {
	Dir        string // of the age store; made by the first write
	Executable string // this program, as of os.Executable
	Now        func() time.Time

	// Serialize waits for a lock that all processes of the user share, for keyrings that refuse
	// simultaneous calls, and returns how to let go of it.
	Serialize func(context.Context) (unlock func(), err error)

	// Patient says that no consumer of credentials is waiting, so that a busy store may take longer.
	Patient bool

	// Person may be asked to unlock a store. Nil: nobody is asked, and every call ends
	// within three seconds, or if Patient within half a minute.
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
	case ring.Keychain, ring.WinCred, ring.SecretService, ring.KWallet, ring.Pass, ring.Keyctl:
		return openRing(kind, o)
	case KindEnv:
		return nil, fault.New(fault.Config, "the env store", "name another: "+strings.Join(Kinds(), ", "), "is the environment, and nothing can be stored there")
	}
	return nil, fault.New(fault.Config, "store "+fault.Printable(kind), "use one of "+strings.Join(Kinds(), ", "), "there is no store of this name")
}

// Age returns the age store with what only it can do: see package agefile.
func Age(o Options) *agefile.Store {
	return agefile.Open(agefile.Options{Dir: o.Dir, Now: o.Now, Executable: o.Executable, Person: o.Person})
}

func openRing(kind string, o Options) (*ring.Ring, error) {
	return ring.Open(ring.Options{Kind: kind, Executable: o.Executable, Ask: o.Person != nil, Patient: o.Patient, Serialize: o.Serialize})
}

// Probe reports why the store of a kind cannot be used now, or nil. The error is a *fault.Error.
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
// used, else age. why says so in words when it is not the platform's first choice. That a keyring is slow
// today does not choose another: that is a *fault.Error of kind Store.
//
// The kernel's keyring forgets, and pass and KDE Wallet are for those who have chosen them: these
// are used only when they are named.
func Default(ctx context.Context, o Options) (kind, why string, err error) {
	for _, candidate := range []string{ring.Keychain, ring.WinCred, ring.SecretService} {
		if !slices.Contains(Kinds(), candidate) {
			continue
		}
		err := Probe(ctx, candidate, o)
		switch {
		case err == nil:
			return candidate, "", nil
		case errors.Is(err, ring.ErrNoAnswer) || ctx.Err() != nil:
			return "", "", err
		}
		why = causeOf(err)
	}
	return KindAge, why, nil
}

// causeOf is err without what it is about.
func causeOf(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return fault.Printable(e.Cause)
	}
	return fault.Text(err)
}

// ParseAccessKey finds the access key in text: the CSV file of the console, the JSON of
// `aws iam create-access-key`, lines of ~/.aws/credentials, assignments of a shell, or just id
// and secret. where says where the text is from. The secret access keys of AWS are known by their
// length; ofAWS says that no other will do. The error is a *fault.Error of kind Usage, and shows nothing
// of the text.
func ParseAccessKey(where, text string, ofAWS bool) (creds.AccessKey, error) {
	var ids, secrets []string
	text = strings.ReplaceAll(text, `\/`, "/") // JSON may write it so
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !inSecret(r) }) {
		switch {
		case creds.IsAccessKeyID(word):
			ids = addNew(ids, word)
		case creds.IsAccessKeyID(strings.Replace(word, "ASIA", "AKIA", 1)):
			return creds.AccessKey{}, fault.New(fault.Usage, where, creds.GiveKey,
				"holds a temporary access key, and GetSessionToken needs a long-lived one")
		case len(word) == creds.SecretLength:
			secrets = addNew(secrets, word)
		}
	}
	id, secret := ofOthers(text)
	if len(ids) == 0 && id != "" && ofAWS {
		return creds.AccessKey{}, fault.New(fault.Usage, where, creds.GiveOwnEndpoint, "there is no access key id of AWS")
	}
	if len(ids) == 0 && id != "" {
		ids = []string{id}
	}
	if len(ids) == 1 && len(secrets) == 0 && secret != "" && !ofAWS {
		secrets = []string{secret}
	}
	remedy := "give the id (AKIA...) and the secret access key, as the console or the AWS CLI showed them"
	switch {
	case len(ids) == 0:
		return creds.AccessKey{}, fault.New(fault.Usage, where, remedy, "there is no access key id%s", foreign(text))
	case len(ids) > 1:
		return creds.AccessKey{}, fault.New(fault.Usage, where, "give one alone", "there are %d access keys", len(ids))
	case len(secrets) == 0:
		return creds.AccessKey{}, fault.New(fault.Usage, where, remedy, "there is an access key id, but no secret access key of %d characters%s", creds.SecretLength, foreign(text))
	case len(secrets) > 1:
		return creds.AccessKey{}, fault.New(fault.Usage, where, "give the access key alone", "there are %d texts that could be the secret access key", len(secrets))
	}
	return creds.AccessKey{ID: ids[0], Secret: creds.NewSecret(secrets[0])}, nil
}

// ofOthers returns the access key of another maker of STS, or "" for what it does not find: what stands
// behind its name, or else the only two words of text.
func ofOthers(text string) (id, secret string) {
	named := regexp.MustCompile(`(?i)(secret[_ ]?)?(?:access[_ ]?)?key(?:[_ ]?id)?["']?\s*[:=]\s*(?:"([^"]*)"|'([^']*)'|([^\s"',;]+))`)
	for _, match := range named.FindAllStringSubmatch(text, -1) {
		if value := match[2] + match[3] + match[4]; match[1] != "" {
			secret = cmp.Or(secret, value)
		} else {
			id = cmp.Or(id, value)
		}
	}
	header := regexp.MustCompile(`(?i)access key id,secret access key`)
	words := strings.FieldsFunc(header.ReplaceAllString(text, ""), func(r rune) bool { return strings.ContainsRune(" \t\r\n\"',;:", r) })
	if id == "" && secret == "" && len(words) == 2 {
		id, secret = words[0], words[1]
	}
	if !creds.MayBeAccessKeyID(id) {
		id = ""
	}
	if creds.Foreign(secret) != "" || strings.Contains(secret, `\`) {
		secret = ""
	}
	return id, secret
}

// foreign names the first character of text that may spoil a key without being seen.
func foreign(text string) string {
	if problem := creds.Foreign(strings.Map(func(r rune) rune { return max(r, '!') }, text)); problem != "" {
		return ": " + problem
	}
	return ""
}

// inSecret reports the characters of a secret access key: those of base64.
func inSecret(r rune) bool {
	return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '+' || r == '/'
}

func addNew(list []string, word string) []string {
	if slices.Contains(list, word) {
		return list
	}
	return append(list, word)
}
