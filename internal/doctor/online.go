package doctor

import (
	"fmt"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// noSession is what an access key of no use leads to.
const noSession = "no new session: get fails in every consumer once no cached one is left"

func keyRefused(_ Facts, p Profile) []Finding {
	if p.Online == nil || p.Online.Identity == nil {
		return nil
	}
	return []Finding{refusal(p.Online.Identity, noSession)}
}

func rootKey(_ Facts, p Profile) []Finding {
	if p.Online == nil || !p.Online.Root {
		return nil
	}
	return []Finding{{
		Severity: Warning, What: "the access key is of the root user of account " + fault.Printable(p.Online.Account),
		Consequence: "its sessions may do everything, and last an hour at most",
		Remedy:      "create an IAM user with an access key, store that, and delete the root user's key in the console",
	}}
}

func keyInactive(_ Facts, p Profile) []Finding {
	if p.Online == nil || p.Online.KeyCreated.IsZero() || p.Online.KeyActive {
		return nil
	}
	return []Finding{{
		Severity: Error, Kind: fault.Refused, What: "the access key is inactive", Consequence: noSession,
		Remedy: "activate it in the IAM console, or store another one: " + command("add", p.Name),
	}}
}

func keyOld(f Facts, p Profile) []Finding {
	const (
		day   = 24 * time.Hour
		limit = 90 * day // IAM User Guide, "Update access keys"; also a control of Security Hub (IAM.3)
	)
	if p.Online == nil || p.Online.KeyCreated.IsZero() {
		return nil
	}
	age := f.Now.Sub(p.Online.KeyCreated)
	if age <= limit {
		return nil
	}
	return []Finding{{
		Severity: Warning, What: fmt.Sprintf("the access key is %d days old", age/day),
		Consequence: "it works; Security Hub and most company policies want keys replaced after 90 days",
		Remedy:      command("rotate key", p.Name),
	}}
}

func serialForeign(_ Facts, p Profile) []Finding {
	if p.Online == nil || p.Online.DevicesErr != nil || p.Online.Devices == nil || p.Serial == "" || contains(p.Online.Devices, p.Serial) {
		return nil
	}
	has := "none"
	if len(p.Online.Devices) > 0 {
		has = fault.Printable(p.Online.Devices[0])
	}
	return []Finding{{
		Severity: Error, Kind: fault.Refused, What: fmt.Sprintf("%s is not among the %d MFA devices of user %s (%s)", fault.Printable(p.Serial), len(p.Online.Devices), fault.Printable(p.Online.User), has),
		Consequence: noSession + " (\"unable to validate MFA code\")",
		Remedy:      command("add", p.Name) + " --serial ARN, with the seed of one of: aws iam list-mfa-devices --user-name " + fault.Shell(p.Online.User),
	}}
}

func sessionRefused(_ Facts, p Profile) []Finding {
	if p.Online == nil || p.Online.Session == nil {
		return nil
	}
	return []Finding{refusal(p.Online.Session, "get fails in every consumer")}
}
