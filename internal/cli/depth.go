package cli

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// envDepth tells a program that this one runs, and all that it runs, which MFA devices are waiting
// for its code: serials, separated by spaces.
const envDepth = "AWS_MFA_CREDS_DEPTH"

// maxDepth is how many programs may wait for each other.
const maxDepth = 4

// notRecursing refuses to wait for a code of a device that waits for this very process: its
// mfa_process runs something, such as the AWS CLI, that has this program as its credential process.
// That would end in a deadlock, or in as many processes as the computer can take.
func (a *app) notRecursing(profile, serial string) error {
	waiting := strings.Fields(a.getenv(envDepth))
	if !slices.Contains(waiting, serial) && len(waiting) < maxDepth {
		return nil
	}
	return fault.New(fault.Config, "profile "+strconv.Quote(profile), "have mfa_process use another profile, or none", "mfa_process of %s has led back to this program", serial)
}

// programEnv is the environment of a program that makes the code of the device serial.
func (a *app) programEnv(serial string) []string {
	return append(child.WithoutSecrets(a.environ()), envDepth+"="+strings.TrimSpace(a.getenv(envDepth)+" "+serial))
}
