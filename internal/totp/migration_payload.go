package totp

import (
	"errors"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// parsePayload reads the message MigrationPayload:
//
//	1 otp_parameters (repeated), 2 version, 3 batch_size, 4 batch_index, 5 batch_id
func parsePayload(payload string, policy Policy) (Migration, error) {
	m := Migration{}
	size, index := uint64(1), uint64(0)
	for f := range fields(payload) {
		switch {
		case f.broken:
			return Migration{}, damagedExport()
		case f.tag == 1:
			account, ok := parseAccount(f.text, policy)
			if !ok {
				return Migration{}, damagedExport()
			}
			m.Accounts = append(m.Accounts, account)
		case f.tag == 3:
			size = max(f.number, 1)
		case f.tag == 4:
			index = f.number
		case f.tag == 5:
			m.Batch = int32(f.number) //nolint:gosec // protobuf writes an int32 as 64 bits with its sign
		}
	}
	if size > maxParts || index >= size {
		return Migration{}, damagedExport()
	}
	if len(m.Accounts) == 0 {
		return Migration{}, refuse("choose accounts in the app and export again", "export has no account in it")
	}
	m.Size, m.Index = int(size), int(index)
	return m, nil
}

func damagedExport() *SeedError { return refuse(scanAgain, "data of the export is damaged") }

// parameters is the message OtpParameters, whose enumerations have 0 for "not said".
type parameters struct {
	secret, name, issuer    string
	algorithm, digits, kind uint64
}

// parseAccount reads the message OtpParameters:
//
//	1 secret, 2 name, 3 issuer, 4 algorithm, 5 digits, 6 type, 7 counter, 8 unique_id
func parseAccount(message string, policy Policy) (Account, bool) {
	var p parameters
	for f := range fields(message) {
		switch {
		case f.broken:
			return Account{}, false
		case f.tag == 1:
			p.secret = f.text
		case f.tag == 2:
			p.name = f.text
		case f.tag == 3:
			p.issuer = f.text
		case f.tag == 4:
			p.algorithm = f.number
		case f.tag == 5:
			p.digits = f.number
		case f.tag == 6:
			p.kind = f.number
		}
	}
	account := Account{Name: readable(p.name), Issuer: readable(p.issuer)}
	account.Seed, account.Problem = p.seed(policy)
	return account, true
}

func readable(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxName)], "") }

// seed returns the seed of an account, or why its codes are none that AWS accepts.
func (p parameters) seed(policy Policy) (Seed, *SeedError) {
	if problem := p.problem(); problem != nil {
		return Seed{}, problem
	}
	seed, err := ParseSeed(Seed{creds.NewSecret(p.secret)}.URI("", "").Reveal(), policy)
	problem, _ := errors.AsType[*SeedError](err)
	return seed, problem
}

func (p parameters) problem() *SeedError {
	algorithms := []string{"SHA1", "SHA1", "SHA256", "SHA512", "MD5"}
	const otherDevice = "enrol a device whose codes AWS accepts"
	switch {
	case p.kind == 1:
		return refuse("use the account of a time-based device", "account is for hotp, which is counter-based, and AWS needs totp")
	case p.kind != 2:
		return refuse(otherDevice, "account is neither for totp nor for hotp")
	case p.algorithm >= uint64(len(algorithms)):
		return refuse(otherDevice, "account has an unknown algorithm, AWS uses SHA1")
	case algorithms[p.algorithm] != "SHA1":
		return refuse(otherDevice, "account has algorithm %s, AWS uses SHA1", algorithms[p.algorithm])
	case p.digits == 2:
		return refuse(otherDevice, "account has codes of 8 digits, AWS uses 6")
	case p.digits > 2:
		return refuse(otherDevice, "account has codes of an unknown length, AWS uses 6 digits")
	case p.secret == "":
		return refuse(scanAgain, "account has no seed")
	}
	return nil
}
