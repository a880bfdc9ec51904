package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

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
