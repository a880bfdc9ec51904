package doctor

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// The permissions that others should not have: any, and those to write.
const (
	open     fs.FileMode = 0o077
	writable fs.FileMode = 0o022
)

// everyGet is what a failure before all else does.
const everyGet = "every get fails, and with it every consumer"

func filesUnreadable(f Facts) []Finding {
	if f.Unreadable == nil {
		return nil
	}
	found := refusal(f.Unreadable, everyGet)
	if path, _, _ := strings.Cut(found.Place, ":"); found.Kind == fault.Permissions {
		found.Fix = &Fix{Protect, path, writable}
	}
	return []Finding{found}
}

func directoryUnsafe(f Facts) (all []Finding) {
	for _, d := range f.Dirs {
		if d.Problem == nil {
			continue
		}
		found := refusal(d.Problem, everyGet+": what others could have put there is not used")
		if d.Settings {
			found.Severity, found.Kind = Warning, 0
			found.Consequence = "whoever can write there can put other settings in the place of yours; a sealing key there is not used"
		}
		if strings.Contains(found.What, "(mode ") {
			found.Fix = &Fix{Protect, d.Path, open}
		}
		all = append(all, found)
	}
	return all
}

func fileExposed(f Facts) (all []Finding) {
	for _, file := range f.Files {
		if file.Use == AWSFile || !file.Foreign && file.Mode&open == 0 {
			continue
		}
		found := Finding{
			Severity: Error, Kind: fault.Permissions, Place: file.Path, What: exposure(file),
			Consequence: "it is not used: get fails in every consumer, since others may know what it protects",
			Remedy:      "chmod 600 " + fault.Shell(file.Path), Fix: &Fix{Protect, file.Path, open},
		}
		if file.Use == SealingKey {
			found.Severity, found.Kind = Warning, 0
			found.Consequence = "it is not used: the next session is sealed with a new key, and those in the cache are forgotten"
		}
		if file.Foreign {
			found.Remedy, found.Fix = `sudo chown "$(id -un)" `+fault.Shell(file.Path), nil
		}
		all = append(all, found)
	}
	return all
}

func exposure(file File) string {
	if file.Foreign {
		return "belongs to another user"
	}
	return fmt.Sprintf("is open to other users (mode %04o)", file.Mode.Perm())
}

func configWritable(f Facts) (all []Finding) {
	for _, file := range f.Files {
		if file.Use != AWSFile || file.Mode&writable == 0 {
			continue
		}
		all = append(all, Finding{
			Severity: Warning, Place: file.Path, What: fmt.Sprintf("other users can change it (mode %04o)", file.Mode.Perm()),
			Consequence: "whoever can write a credential_process line there has every SDK run a program of theirs as you",
			Remedy:      "chmod go-w " + fault.Shell(file.Path), Fix: &Fix{Protect, file.Path, writable},
		})
	}
	return all
}

func cacheOff(f Facts) []Finding {
	if f.Cache.Unusable == nil {
		return nil
	}
	found := refusal(f.Cache.Unusable, "get works, but each one asks AWS anew and needs a token code of its own: two in half a minute, and one of them waits or fails")
	found.Severity, found.Kind = Warning, 0
	return []Finding{found}
}

func cacheOnNetwork(f Facts) []Finding {
	if f.Cache.Network == "" {
		return nil
	}
	return []Finding{{
		Severity: Info, Place: f.Cache.Path, What: "the cache is on a network file system (" + f.Cache.Network + ")",
		Consequence: "where it gives no locks, hosts that start at the same moment ask AWS more than once; a get is slower",
		Remedy:      "set AWS_MFA_CREDS_HOME to a directory on a local disk",
	}}
}

func cacheNoLocks(f Facts) []Finding {
	if !f.Cache.NoLocks {
		return nil
	}
	return []Finding{{
		Severity: Warning, Place: f.Cache.Path, What: "the disk gives no locks",
		Consequence: "consumers that start at the same moment (Terraform with several providers) each ask AWS, with the same token code: one of them succeeds, the others wait half a minute",
		Remedy:      "set AWS_MFA_CREDS_HOME to a directory on a local disk",
	}}
}

func leftovers(f Facts) (all []Finding) {
	for _, d := range f.Dirs {
		if len(d.Left) == 0 {
			continue
		}
		all = append(all, Finding{
			Severity: Warning, Place: d.Path, What: fmt.Sprintf("killed processes have left %d temporary files, such as %s", len(d.Left), d.Left[0]),
			Consequence: "nothing: they take room, and hold what was to be stored",
			Remedy:      Program + " doctor --fix", Fix: &Fix{Kind: Sweep, Path: d.Path},
		})
	}
	return all
}

func sealingKeyInFile(f Facts) []Finding {
	if f.Sealing == nil {
		return nil
	}
	return []Finding{{
		Severity: Info, What: "the sealing key of the cached sessions rests in a file, as the kernel's keyring cannot be used: " + f.Sealing.Error(),
		Consequence: "whoever can read this user's files can read the sessions, too, which are valid for some hours",
		Remedy:      "allow the system call keyctl, which the seccomp profile of Docker blocks, or leave it so",
	}}
}

func noKeychain(f Facts) []Finding {
	if f.GOOS != "darwin" || contains(f.Stores, "keychain") {
		return nil
	}
	return []Finding{{
		Severity: Info, What: "this build cannot reach the macOS Keychain, as it was made without cgo",
		Consequence: "access keys and seeds go into the age store instead",
		Remedy:      "install a release build, or build with CGO_ENABLED=1",
	}}
}
