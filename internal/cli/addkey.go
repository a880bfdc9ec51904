package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/envstore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
)

// keySource is where add gets the access key from.
type keySource struct {
	file        string // a path, or - for stdin
	credentials bool   // ~/.aws/credentials, or else the AWS config
	noBackup    bool
	env         bool

	vault vaultSource
}

// define adds the flags that setup has too.
func (k *keySource) define(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&k.file, "access-key-file", "", "read the access key from `FILE`, or stdin for -")
	f.BoolVar(&k.credentials, "from-credentials-file", false, "move the access key out of ~/.aws/credentials, where it would take precedence")
	f.BoolVar(&k.noBackup, "no-backup", false, "with --from-credentials-file: keep no copy of the original file")
	rare(cmd, "no-backup")
	needs(cmd, "from-credentials-file", "no-backup")
}

func (k *keySource) given() bool { return k.file != "" || k.credentials || k.vault.name != "" || k.env }

// maxSecret is the largest text that holds a secret, in bytes.
const maxSecret = 64 << 10

// planKey reads the access key and has it checked.
func (add *adding) planKey(ctx context.Context) error {
	id := add.settings.Identity
	at, err := add.storeFor(ctx, "access key", "--key", add.stores.key, add.settings.KeyStore)
	if err != nil {
		return err
	}
	stored, err := at.items.AccessKey(ctx, id)
	if err != nil && fault.KindOf(err) != fault.NoSecret {
		return err
	}
	agreed := add.rejected
	if stored.ID != "" && !agreed && !add.key.given() {
		if agreed, err = add.ask.agrees(ctx, "Access key "+stored.ID+" is stored already. Replace it?"); err != nil || !agreed {
			return err
		}
	}
	key, err := add.checkedKey(ctx, stored)
	if err != nil {
		return err
	}
	known := stored.ID == key.ID && stored.Secret.Equal(key.Secret)
	add.newKey = key
	add.planned = append(add.planned, func(ctx context.Context) error { return add.storeKey(ctx, at, key, known) })
	if stored.ID == "" || known || agreed {
		return nil
	}
	return add.ask.confirm(ctx, fmt.Sprintf("Replace access key %s of profile %s with %s?", stored.ID, fault.Printable(id), key.ID))
}

// checkedKey reads an access key that AWS takes. A person may try again.
func (add *adding) checkedKey(ctx context.Context, stored creds.AccessKey) (creds.AccessKey, error) {
	for try := 1; ; try++ {
		key, err := add.readKey(ctx, stored)
		if err != nil || add.check == nil {
			return key, err
		}
		err = add.check(ctx, key)
		if fault.KindOf(err) != fault.Refused || add.key.given() || try == tries {
			return key, err
		}
		add.ask.complain(err)
	}
}

// storeKey stores an access key, unless it is known there, and records where it is.
func (add *adding) storeKey(ctx context.Context, at place, key creds.AccessKey, known bool) error {
	id, kind := add.settings.Identity, at.kind
	if known {
		add.say("Access key %s of profile %s is already in the %s store.", key.ID, fault.Printable(id), kind)
	} else if !add.would("store access key %s of profile %s in the %s store", key.ID, fault.Printable(id), kind) {
		if err := at.items.PutAccessKey(ctx, id, key); err != nil {
			return err
		}
		add.say("Stored access key %s of profile %s in the %s store.", key.ID, fault.Printable(id), kind)
	}
	if add.dryRun {
		return nil
	}
	add.settings.KeyStore = kind
	return add.update(ctx, id, func(own *edit.Own) {
		own.AccessKeyID = key.ID
		own.SetStores(kind, "")
	})
}

// readKey gets the access key from where the flags say.
func (add *adding) readKey(ctx context.Context, stored creds.AccessKey) (creds.AccessKey, error) {
	switch {
	case add.key.env:
		return envKey(ctx, envstore.New(add.getenv), add.settings)
	case add.key.file != "":
		return add.keyFromFile(ctx, "--access-key-file", add.key.file)
	case add.key.vault.name != "":
		return add.keyFromVault(ctx)
	case add.key.credentials:
		return add.keyFromCredentials(stored)
	}
	return add.askKey(ctx)
}

// keyFromFile reads the access key in a file. flag is how it was named.
func (add *adding) keyFromFile(ctx context.Context, flag, path string) (creds.AccessKey, error) {
	text, err := add.ask.text(ctx, flag, path)
	if err != nil {
		return creds.AccessKey{}, err
	}
	return keystore.ParseAccessKey(where(flag, path), text, add.settings.OfAWS())
}

// askKey asks for the access key.
func (add *adding) askKey(ctx context.Context) (creds.AccessKey, error) {
	const flag = "--access-key-file FILE"
	key, err := insist(ctx, &add.ask, add.ask.line, "Access key ID (AKIA...)", flag, func(text string) (creds.AccessKey, error) {
		if path, meant := add.ask.typedFile(text); meant {
			return add.keyFromFile(ctx, "file", path)
		}
		return creds.AccessKey{ID: text}, asUsage(creds.CheckKeyID("your answer", text, add.settings.OfAWS()))
	})
	if err != nil || !key.Secret.IsZero() {
		return key, err
	}
	return insist(ctx, &add.ask, add.ask.secret, "Secret access key", flag, func(secret creds.Secret) (creds.AccessKey, error) {
		if path, meant := add.ask.typedFile(secret.Reveal()); meant {
			whole, err := add.keyFromFile(ctx, "file", path)
			if err == nil && whole.ID != key.ID {
				err = fault.New(fault.Usage, "file", "", "it has access key %s, not %s", whole.ID, key.ID)
			}
			return whole, err
		}
		key.Secret = secret
		return key, asUsage(key.Check("your answer", add.settings.OfAWS()))
	})
}

// keyFromCredentials reads the access key that the files of the AWS tools have in clear, or the stored one,
// which an earlier run has moved.
func (add *adding) keyFromCredentials(stored creds.AccessKey) (creds.AccessKey, error) {
	id := add.settings.Identity
	static, err := add.files.StaticKeys(id)
	if err != nil {
		return creds.AccessKey{}, err
	}
	switch {
	case len(static) == 0 && stored.ID != "":
		add.say("The access key of profile %s is no longer in the AWS files.", fault.Printable(id))
		return stored, nil
	case len(static) == 0:
		return creds.AccessKey{}, fault.New(fault.NoSecret, "--from-credentials-file", "give --access-key-file FILE", "neither ~/.aws/credentials nor the AWS config has an access key for profile %q", id)
	case static[0].Temporary:
		return creds.AccessKey{}, fault.New(fault.Config, static[0].Place, creds.GiveKey, "this access key is temporary; GetSessionToken needs a long-lived one")
	}
	for _, other := range static[1:] {
		if other.Key.ID != static[0].Key.ID || !other.Key.Secret.Equal(static[0].Key.Secret) {
			return creds.AccessKey{}, fault.New(fault.Config, other.Place, "delete the one that is not used", "this access key differs from the one in %s", static[0].Place)
		}
	}
	return static[0].Key, static[0].Key.Check(static[0].Place, add.settings.OfAWS())
}

// removeStatic deletes the access key from the files of the AWS tools, now that it is stored and
// has been read back.
func (add *adding) removeStatic(ctx context.Context) error {
	if !add.key.credentials || add.newKey.ID == "" {
		return nil
	}
	static, err := add.files.StaticKeys(add.settings.Identity)
	if err != nil || add.would("delete access key %s from the files of the AWS tools", add.newKey.ID) {
		return err
	}
	for _, s := range static {
		editor := add.editor()
		editor.NoBackup = add.key.noBackup
		change, err := editor.RemoveStaticKey(ctx, s.File, add.settings.Identity)
		if err != nil {
			return err
		}
		add.say("Removed it from %s.", change.Path)
		if change.Backup != "" {
			add.say("The original file, with the key in plain text, is now %s. Delete it once everything works.", change.Backup)
		}
	}
	return nil
}

// asUsage makes a failure one of typed input.
func asUsage(err error) error {
	if err == nil {
		return nil
	}
	return fault.New(fault.Usage, "", fault.Remedy(err), "%s", fault.Text(err))
}

const (
	awsVault           = "aws-vault"
	envVaultBackend    = "AWS_VAULT_BACKEND"
	envVaultPassphrase = "AWS_VAULT_FILE_PASSPHRASE" //nolint:gosec // the name of a variable, not a secret

	// How long aws-vault may take, if it can ask the person for a password and if it cannot.
	vaultAskLimit   = 5 * time.Minute
	vaultQuietLimit = 30 * time.Second
)

// vaultSource is an access key that aws-vault keeps.
type vaultSource struct {
	name    string // of the profile there; "": none is asked for
	backend string // the keyring it is in; "": aws-vault's own choice
}

// vaultBackends returns the keyrings of aws-vault.
func vaultBackends() []string {
	return []string{"keychain", "wincred", "secret-service", "kwallet", "pass", "file"}
}

// keyFromVault has aws-vault print the access key. It may ask the person for the password of its
// keyring.
func (add *adding) keyFromVault(ctx context.Context) (creds.AccessKey, error) {
	v := add.key.vault
	// Without an AWS config aws-vault looks in its keyring only. With one it may call AWS, or run this
	// very program, which is the credential process of the profile.
	p := child.Program{Argv: v.argv(), Env: []string{"AWS_CONFIG_FILE=" + os.DevNull}, Limit: maxSecret}
	if passphrase := add.getenv(envVaultPassphrase); passphrase != "" {
		p.Env = append(p.Env, envVaultPassphrase+"="+passphrase) // which other programs do not get
	}
	var said child.Head
	out, err := add.runVault(ctx, p, &said)
	defer clear(out)
	if ctx.Err() != nil {
		return creds.AccessKey{}, context.Cause(ctx)
	}
	if err != nil {
		return creds.AccessKey{}, v.failed(err, said.String())
	}
	return v.parse(out, add.settings.OfAWS())
}

func (v vaultSource) argv() []string {
	argv := []string{awsVault, "export", "--no-session", "--format=json"}
	if v.backend != "" {
		argv = append(argv, "--backend="+v.backend)
	}
	return append(argv, "--", v.name)
}

// runVault runs aws-vault, on the terminal if there is one, and keeps in said what it prints on stderr.
func (add *adding) runVault(ctx context.Context, p child.Program, said *child.Head) (out []byte, err error) {
	if !add.ask.present() {
		ctx, cancel := context.WithTimeout(ctx, vaultQuietLimit)
		defer cancel()
		p.Stderr = said
		return p.Run(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, vaultAskLimit)
	defer cancel()
	err = add.ask.terminal.Lend(func(in *os.File, shown io.Writer) (err error) {
		p.Terminal, p.Stderr = in, io.MultiWriter(shown, said)
		out, err = p.Run(ctx)
		return err
	})
	return out, err
}

// failed puts err, of running aws-vault, into words. said is what it printed on stderr, which holds no
// secret.
func (v vaultSource) failed(err error, said string) error {
	thing := v.thing()
	byHand := "run: aws-vault exec --no-session " + fault.Shell(v.name) + " -- aws sts get-caller-identity" // shows no secret
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return fault.New(fault.Store, awsVault, "install it, or give the access key with --access-key-file FILE", "is not on PATH")
	case errors.Is(err, context.DeadlineExceeded):
		return fault.New(fault.Store, thing, byHand, "aws-vault has not answered in time")
	case errors.Is(err, child.ErrTooMuch):
		return v.noKey()
	}
	_, problem, _ := strings.Cut(strings.TrimSpace(said), awsVault+": error: ")
	problem, _, _ = strings.Cut(problem, ", try --help")
	switch {
	case strings.Contains(problem, "credentials missing"):
		return fault.New(fault.NoSecret, thing, "run: aws-vault list", "has no access key in its keyring")
	case strings.HasPrefix(problem, "enum value") && v.backend != "":
		return fault.New(fault.Usage, "--aws-vault-backend", "run: aws-vault --help", "%s", fault.Printable(problem))
	case strings.HasPrefix(problem, "enum value"):
		return fault.New(fault.Config, envVaultBackend, "run: aws-vault --help", "%s", fault.Printable(problem))
	case problem == "":
		return fault.New(fault.Store, thing, byHand, "aws-vault has failed")
	}
	return fault.New(fault.Store, thing, byHand, "aws-vault says: %s", fault.Printable(problem))
}

// parse reads what aws-vault prints: the JSON of a credential process.
func (v vaultSource) parse(out []byte, ofAWS bool) (creds.AccessKey, error) {
	var printed struct {
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
	}
	if json.Unmarshal(out, &printed) != nil {
		return creds.AccessKey{}, v.noKey() // the error might quote the secret
	}
	key := creds.AccessKey{ID: printed.AccessKeyID, Secret: creds.NewSecret(printed.SecretAccessKey)}
	return key, key.Check(v.thing(), ofAWS)
}

func (v vaultSource) thing() string { return "profile " + strconv.Quote(v.name) + " of aws-vault" }

func (v vaultSource) noKey() error {
	return fault.New(fault.NoSecret, awsVault, "give the access key with --access-key-file FILE", "has printed something else than an access key")
}
