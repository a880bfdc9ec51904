package ring

import "github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"

// The states that only files of aws-vault have.
const (
	sealed state = "sealed"           // it is there, and its passphrase is missing
	wrong  state = "wrong passphrase" // it is there, and the passphrase does not open it
)

// vaultFault tells the trouble with an item of aws-vault to a person.
func (t trouble) vaultFault(kind, name string) *fault.Error {
	thing := quoted(name) + " of aws-vault"
	where := vaultTitle(kind)
	failure := fault.New(fault.NoSecret, thing, "", "")
	switch t.state {
	case absent, noCollection:
		failure.Cause, failure.Remedy = "is not in "+where, "run: aws-vault --backend="+kind+" list"
	case damaged:
		failure.Cause, failure.Remedy = "is damaged, in "+where, "run: aws-vault add "+fault.Shell(name)
	case twice:
		failure.Cause, failure.Remedy = "is there several times, in "+where, ExportVault(name)
	case sealed:
		failure.Kind = fault.Store
		failure.Cause, failure.Remedy = "is in "+where+", and the passphrase is not known", "run it in a terminal, or set "+VaultPassphrase
	case wrong:
		failure.Kind = fault.Store
		failure.Cause, failure.Remedy = "the passphrase does not open it", "give the passphrase of aws-vault's file backend"
	default:
		cause, remedy := t.words(kind)
		if t.state == denied {
			remedy = "allow it when the keyring asks"
		}
		if remedy != "" {
			remedy += ", or "
		}
		failure = fault.New(fault.Store, thing, remedy+ExportVault(name), "%s: %s", where, cause)
	}
	failure.Err = t.meaning()
	return failure
}

// ExportVault returns how to get an item of aws-vault's that cannot be read in place: by what
// aws-vault itself prints of it.
func ExportVault(name string) string {
	return "run: aws-vault export --no-session " + fault.Shell(name) + " | aws-mfa-creds add --profile NAME --access-key-file -"
}

// meaning returns what the trouble means to a search, or nil: it is there, or nobody knows.
func (t trouble) meaning() error {
	switch t.state {
	case absent, noCollection:
		return ErrNotThere
	case notBuilt, noBus, noService, noProgram, noSetup, noSession, off:
		return ErrUnusable
	case locked:
		return ErrLocked
	case sealed, wrong:
		return ErrPassphrase
	default:
		return nil
	}
}
