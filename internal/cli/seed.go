package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/qr"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// seedSource is where a seed comes from, other than the environment: texts, or pictures of QR
// codes.
type seedSource struct {
	files     []string // paths, or - for stdin
	clipboard bool     // the picture there
	account   string   // which one of an export
	weak      bool     // accept a seed of fewer than 128 bits
}

func (s *seedSource) define(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&s.files, "seed-file", nil, "read the seed from `FILE`, text or a picture of a QR code; repeat it for an export of several codes")
	f.BoolVar(&s.clipboard, "seed-clipboard", false, "read the seed from a picture of a QR code on the clipboard")
	cmd.MarkFlagsMutuallyExclusive("seed-file", "seed-clipboard")
	f.StringVar(&s.account, "account", "", "take the account `NAME` of a Google Authenticator export")
	f.BoolVar(&s.weak, "allow-weak-seed", false, "accept a seed of fewer than 128 bits")
	rare(cmd, "account", "allow-weak-seed")
}

func (s *seedSource) given() bool { return len(s.files) > 0 || s.clipboard }

// read reads the seed from the files, or else asks for it.
func (s *seedSource) read(ctx context.Context, ask *asker) (totp.Account, error) {
	if !s.given() {
		const prompt = "Seed of the MFA device (the console's \"secret key\", the path of a picture, or an otpauth URI)"
		return insist(ctx, ask, ask.secret, prompt, "--seed-file FILE", func(text creds.Secret) (totp.Account, error) { return s.typed(ctx, text, ask) })
	}
	if s.clipboard {
		data, err := ask.app.clipboard().Picture(ctx, maxPicture)
		defer clear(data)
		if err != nil {
			return totp.Account{}, err
		}
		texts, err := textsIn(data, "the clipboard")
		if err != nil {
			return totp.Account{}, err
		}
		return s.choose(ctx, texts, "the clipboard", ask)
	}
	return s.fromFiles(ctx, ask, "--seed-file", s.files)
}

// fromFiles returns the seed in all the files together. flag is how they were named.
func (s *seedSource) fromFiles(ctx context.Context, ask *asker, flag string, paths []string) (totp.Account, error) {
	var texts []creds.Secret
	for _, path := range paths {
		more, err := textsOf(ctx, ask, flag, path)
		if err != nil {
			return totp.Account{}, err
		}
		texts = append(texts, more...)
	}
	return s.choose(ctx, texts, where(flag, paths[0]), ask)
}

// typed returns the seed in what was typed, or in the file whose path that is.
func (s *seedSource) typed(ctx context.Context, text creds.Secret, ask *asker) (totp.Account, error) {
	path, meant := ask.typedFile(text.Reveal())
	if !meant {
		return s.choose(ctx, []creds.Secret{text}, "your answer", ask)
	}
	return s.fromFiles(ctx, ask, "file", []string{path})
}

// textsOf returns the text in a file, or the texts of the QR codes in a picture. flag is how it
// was named.
func textsOf(ctx context.Context, ask *asker, flag, path string) ([]creds.Secret, error) {
	data, err := ask.read(ctx, flag, path, maxPicture)
	defer clear(data)
	if err != nil {
		return nil, err
	}
	if len(data) <= maxSecret {
		if text := creds.Text(data); !strings.ContainsFunc(text, isControl) && !strings.Contains(text, "<svg") {
			return []creds.Secret{creds.NewSecret(text)}, nil
		}
	}
	return textsIn(data, where(flag, path))
}

// isControl reports what is in every picture, and in no text.
func isControl(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\n\v\f\r", r) }

// textsIn returns the texts of the QR codes in a picture, which is from the place from.
func textsIn(data []byte, from string) ([]creds.Secret, error) {
	texts, err := qr.Decode(data)
	if bad, ok := errors.AsType[*fault.Error](err); ok {
		return nil, fault.New(bad.Kind, from, bad.Remedy, "%s", bad.Error())
	}
	return texts, err
}

// maxPicture is the largest picture that is read, in bytes.
const maxPicture = 32 << 20

// choose returns the seed that the texts, of the source from, spell: one text, or all parts of an
// export.
func (s *seedSource) choose(ctx context.Context, texts []creds.Secret, from string, ask *asker) (totp.Account, error) {
	accounts, err := s.accounts(texts)
	switch {
	case err != nil:
		return totp.Account{}, badSeed(from, err)
	case len(accounts) > 0:
		return s.chooseAccount(ctx, accounts, from, ask)
	case len(texts) != 1:
		return totp.Account{}, fault.New(fault.Usage, from, "crop the picture to the one of the MFA device", "the picture has %d QR codes, and none has an otpauth URI", len(texts))
	}
	seed, err := totp.ParseSeed(texts[0].Reveal(), totp.Policy{AllowWeak: s.weak})
	return totp.Account{Seed: seed}, badSeed(from, err)
}

// accounts returns those of all otpauth URIs and exports in the texts.
func (s *seedSource) accounts(texts []creds.Secret) (all []totp.Account, err error) {
	policy := totp.Policy{AllowWeak: s.weak}
	var parts []totp.Migration
	for _, text := range texts {
		uris, err := totp.URIs(text.Reveal())
		if err != nil {
			return nil, err
		}
		for _, uri := range uris {
			if totp.IsMigration(uri) {
				part, err := totp.ParseMigration(uri, policy)
				if err != nil {
					return nil, err
				}
				parts = append(parts, part)
				continue
			}
			account := totp.Account{Name: labelOf(uri)}
			account.Seed, err = totp.ParseSeed(uri, policy)
			account.Problem, _ = errors.AsType[*totp.SeedError](err)
			all = append(all, account)
		}
	}
	exported, err := totp.CombineMigrations(parts)
	return append(all, exported...), err
}

// chooseAccount returns one account of an export: the one that --account names, the only one, the only
// one of AWS, or the one that a person chooses.
func (s *seedSource) chooseAccount(ctx context.Context, all []totp.Account, from string, ask *asker) (totp.Account, error) {
	candidates := totp.AWSAccounts(all)
	if s.account != "" {
		candidates = slices.DeleteFunc(slices.Clone(all), func(a totp.Account) bool { return a.Name != s.account && titleOf(a) != s.account })
		if len(candidates) == 0 {
			return totp.Account{}, fault.New(fault.Usage, "--account "+s.account, "give one of the names: --account "+fault.Shell(titleOf(all[0])), "there are only %s", titles(all))
		}
	}
	if len(candidates) == 0 {
		candidates = all
	}
	at := 0
	if len(candidates) > 1 {
		var err error
		if at, err = pick(ctx, candidates, from, ask); err != nil {
			return totp.Account{}, err
		}
	}
	account := candidates[at]
	if account.Problem != nil {
		return totp.Account{}, badSeed(from, account.Problem)
	}
	return account, nil
}

// pick has one of the accounts chosen.
func pick(ctx context.Context, accounts []totp.Account, from string, ask *asker) (int, error) {
	if !ask.present() {
		return 0, fault.New(fault.Usage, from, "give one of the names: --account "+fault.Shell(titleOf(accounts[0])), "there are several accounts (%s)", titles(accounts))
	}
	prompt := "There are several accounts."
	for i, account := range accounts {
		prompt += fmt.Sprintf("\n  %d: %s", i+1, fault.Printable(titleOf(account)))
	}
	return insist(ctx, ask, ask.line, prompt+"\nNumber of the one to take", "--account NAME", func(answer string) (int, error) {
		n, err := strconv.Atoi(answer)
		if err != nil || n < 1 || n > len(accounts) {
			return 0, fault.New(fault.Usage, from, fmt.Sprintf("give a number from 1 to %d", len(accounts)), "there is no account with that number")
		}
		return n - 1, nil
	})
}

// titles returns the titles of accounts, as a list.
func titles(accounts []totp.Account) string {
	var names []string
	for _, account := range accounts {
		names = append(names, strconv.Quote(titleOf(account)))
	}
	return strings.Join(names, ", ")
}

func titleOf(a totp.Account) string {
	if a.Issuer == "" || strings.HasPrefix(a.Name, a.Issuer+":") {
		return a.Name
	}
	return a.Issuer + ":" + a.Name
}

// badSeed puts a refusal of totp into words.
func badSeed(from string, err error) error {
	bad, ok := errors.AsType[*totp.SeedError](err)
	if !ok {
		return err
	}
	remedy := bad.Remedy
	if bad.Weak {
		remedy = "make sure that none of it is missing, or give --allow-weak-seed"
	}
	return fault.New(fault.Usage, from, remedy, "%s", bad.Problem)
}

// labelOf returns the label of an otpauth URI, or "".
func labelOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Path, "/")
}

// guessSerial guesses the serial of the device from its label; "" if the label does not tell. The console
// writes NAME@ACCOUNT, after an issuer.
func guessSerial(a totp.Account, partition string) string {
	match := regexp.MustCompile(`^(?:.*:\s*)?([\w+=,.@/-]+)@(\d{12})$`).FindStringSubmatch(titleOf(a))
	if match == nil {
		return ""
	}
	return "arn:" + partition + ":iam::" + match[2] + ":mfa/" + match[1]
}
