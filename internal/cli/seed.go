package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

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

// found is a seed, and what its source calls it.
type found struct {
	seed totp.Seed
	name string // "Amazon Web Services:alice@123456789012", or ""
}

// read reads the seed from the files, or else asks for it.
func (s *seedSource) read(ctx context.Context, ask *asker) (found, error) {
	if !s.given() {
		return insist(ask, func() (creds.Secret, error) {
			return ask.secret(ctx, "Seed of the MFA device (the console's \"secret key\", the path of a picture, or an otpauth URI)", "--seed-file FILE")
		}, func(text creds.Secret) (found, error) { return s.typed(ctx, text, ask) })
	}
	if s.clipboard {
		data, err := ask.clipboard.Picture(ctx, maxPicture)
		defer clear(data)
		if err != nil {
			return found{}, err
		}
		texts, err := textsIn(data, "the clipboard")
		if err != nil {
			return found{}, err
		}
		return s.choose(ctx, texts, "the clipboard", ask)
	}
	return s.fromFiles(ctx, ask, "--seed-file", s.files)
}

// fromFiles returns the seed in all the files together. flag is how they were named.
func (s *seedSource) fromFiles(ctx context.Context, ask *asker, flag string, paths []string) (found, error) {
	var texts []creds.Secret
	for _, path := range paths {
		more, err := textsOf(ctx, ask, flag, path)
		if err != nil {
			return found{}, err
		}
		texts = append(texts, more...)
	}
	return s.choose(ctx, texts, where(flag, paths[0]), ask)
}

// typed returns the seed in what was typed, or in the file whose path that is.
func (s *seedSource) typed(ctx context.Context, text creds.Secret, ask *asker) (found, error) {
	if info, err := os.Stat(text.Reveal()); err != nil || !info.Mode().IsRegular() {
		return s.choose(ctx, []creds.Secret{text}, "what was typed", ask)
	}
	return s.fromFiles(ctx, ask, "file", []string{text.Reveal()})
}

// textsOf returns the text in a file, or the texts of the QR codes in a picture. flag is how it
// was named.
func textsOf(ctx context.Context, ask *asker, flag, path string) ([]creds.Secret, error) {
	data, err := ask.read(ctx, flag, path, maxPicture)
	defer clear(data)
	if err != nil {
		return nil, err
	}
	if utf8.Valid(data) && len(data) <= maxSecret && !strings.Contains(string(data[:min(len(data), 512)]), "<svg") {
		return []creds.Secret{creds.NewSecret(strings.TrimSpace(string(data)))}, nil
	}
	return textsIn(data, where(flag, path))
}

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
func (s *seedSource) choose(ctx context.Context, texts []creds.Secret, from string, ask *asker) (found, error) {
	policy := totp.Policy{AllowWeak: s.weak}
	var parts []totp.Migration
	for _, text := range texts {
		if !totp.IsMigration(text.Reveal()) {
			continue
		}
		part, err := totp.ParseMigration(text.Reveal(), policy)
		if err != nil {
			return found{}, badSeed(from, err)
		}
		parts = append(parts, part)
	}
	switch {
	case len(parts) > 0:
		accounts, err := totp.CombineMigrations(parts)
		if err != nil {
			return found{}, badSeed(from, err)
		}
		return s.chooseAccount(ctx, accounts, from, ask)
	case len(texts) != 1:
		return found{}, fault.New(fault.Usage, from, "crop the picture to one of them", "the picture has %d QR codes", len(texts))
	}
	seed, err := totp.ParseSeed(texts[0].Reveal(), policy)
	return found{seed, labelOf(texts[0])}, badSeed(from, err)
}

// chooseAccount returns one account of an export: the one that --account names, the only one, the only
// one of AWS, or the one that a person chooses.
func (s *seedSource) chooseAccount(ctx context.Context, all []totp.Account, from string, ask *asker) (found, error) {
	candidates := totp.AWSAccounts(all)
	if s.account != "" {
		candidates = slices.DeleteFunc(slices.Clone(all), func(a totp.Account) bool { return a.Name != s.account && titleOf(a) != s.account })
	}
	if len(candidates) == 0 {
		candidates = all
	}
	at := 0
	if len(candidates) > 1 {
		var err error
		if at, err = pick(ctx, candidates, from, ask); err != nil {
			return found{}, err
		}
	}
	account := candidates[at]
	if account.Problem != nil {
		return found{}, badSeed(from, account.Problem)
	}
	return found{account.Seed, titleOf(account)}, nil
}

// pick has one of the accounts chosen.
func pick(ctx context.Context, accounts []totp.Account, from string, ask *asker) (int, error) {
	var names []string
	for i, account := range accounts {
		names = append(names, fmt.Sprintf("%d: %s", i+1, fault.Printable(titleOf(account))))
	}
	if !ask.present() {
		return 0, fault.New(fault.Usage, from, "give --account NAME", "the export has several accounts (%s)", strings.Join(names, ", "))
	}
	question := func() (string, error) {
		return ask.line(ctx, "The export has several accounts.\n  "+strings.Join(names, "\n  ")+"\nNumber of the one to take", "--account NAME")
	}
	return insist(ask, question, func(answer string) (int, error) {
		n, err := strconv.Atoi(answer)
		if err != nil || n < 1 || n > len(accounts) {
			return 0, fault.New(fault.Usage, from, "", "there is no account with that number")
		}
		return n - 1, nil
	})
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
		remedy += ", or give --allow-weak-seed"
	}
	return fault.New(fault.Usage, from, remedy, "%s", bad.Problem)
}

// labelOf returns the label of an otpauth URI, or "".
func labelOf(uri creds.Secret) string {
	u, err := url.Parse(strings.TrimSpace(uri.Reveal()))
	if err != nil || u.Scheme != "otpauth" {
		return ""
	}
	return strings.TrimPrefix(u.Path, "/")
}

// serial guesses the serial of the device from its label; "" if the label does not tell. The console
// writes NAME@ACCOUNT, after an issuer.
func (f found) serial(partition string) string {
	match := regexp.MustCompile(`^(?:.*:\s*)?([\w+=,.@/-]+)@(\d{12})$`).FindStringSubmatch(f.name)
	if match == nil {
		return ""
	}
	return "arn:" + partition + ":iam::" + match[2] + ":mfa/" + match[1]
}
