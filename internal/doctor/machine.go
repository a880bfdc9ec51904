package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/envstore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// everyGet is the effect of an error that comes before everything else.
const everyGet = "every get fails, and so does every tool that uses it"

func filesUnreadable(f Facts) []Finding {
	if f.Unreadable == nil {
		return nil
	}
	found := refusal(f.Unreadable, everyGet)
	if strings.HasPrefix(found.Remedy, "chmod go-w ") {
		found.Fix = &Fix{Kind: Protect, Path: found.Place, Take: securefile.Writable}
	}
	return []Finding{found}
}

func directoryUnsafe(f Facts) (all []Finding) {
	for _, d := range f.Dirs {
		if d.Problem == nil {
			continue
		}
		found := refusal(d.Problem, everyGet+": files that others may have put there are not used")
		if d.Settings && f.Unreadable == nil { // it is root's
			found = found.demoted(Warning)
			found.Consequence = "a sealing key there is not used"
		}
		if strings.Contains(found.What, "(mode ") {
			found.Fix = &Fix{Kind: Protect, Path: d.Path, Take: securefile.Open}
		}
		all = append(all, found)
	}
	return all
}

func fileExposed(f Facts) (all []Finding) {
	for _, file := range f.Files {
		if file.Foreign == nil && file.Mode&securefile.Open == 0 {
			continue
		}
		found := failure(fault.Permissions, file.Path, fmt.Sprintf("is open to other users (mode %04o)", file.Mode.Perm()),
			"the file is not used, because others may know what it protects: get fails in every tool",
			"chmod 600 "+fault.Shell(file.Path))
		found.Fix = &Fix{Kind: Protect, Path: file.Path, Take: securefile.Open}
		if file.Sealing {
			found = found.demoted(Warning)
			found.Consequence = "the key is not used: the next session is sealed with a new key, and the cached sessions are lost"
		}
		if file.Foreign != nil {
			foreign := refusal(file.Foreign, "")
			found.What, found.Remedy, found.Fix = foreign.What, foreign.Remedy, nil
		}
		all = append(all, found)
	}
	return all
}

func cacheOff(f Facts) []Finding {
	return when(f.Cache.Unusable != nil, refusal(f.Cache.Unusable, "get works, but "+f.Cache.Effect()).demoted(Warning))
}

func cacheOnNetwork(f Facts) []Finding {
	return when(f.Cache.Network != "", remark(f.Cache.Path, "the cache is on a network file system ("+f.Cache.Network+")",
		"get is slower; without file locks, hosts that start at the same moment ask AWS more than once",
		"set AWS_MFA_CREDS_HOME to a directory on a local disk"))
}

func cacheNoLocks(f Facts) []Finding {
	return when(f.Cache.NoLocks, warning(f.Cache.Path, "the disk has no file locks",
		"tools that start at the same moment (Terraform with several providers) each ask AWS with the same token code: one succeeds, the others wait half a minute",
		"set AWS_MFA_CREDS_HOME to a directory on a local disk"))
}

func leftovers(f Facts) (all []Finding) {
	for _, d := range f.Dirs {
		if len(d.Left) == 0 {
			continue
		}
		found := warning(d.Path, fmt.Sprintf("processes that were killed left %d temporary files, such as %s", len(d.Left), d.Left[0]),
			"they take up space, and hold what was about to be stored",
			Program+" doctor --fix")
		found.Fix = &Fix{Kind: Sweep, Path: d.Path}
		all = append(all, found)
	}
	return all
}

func sealingKeyInFile(f Facts) []Finding {
	if f.Sealing == nil {
		return nil
	}
	return []Finding{remark("", "the sealing key of the cached sessions is in a file, because the kernel keyring cannot be used: "+f.Sealing.Error(),
		"anyone who can read your files can also read the cached sessions, which are valid for some hours",
		"allow the system call keyctl, which Docker's seccomp profile blocks, or leave it as it is")}
}

func noKeychain(f Facts) []Finding {
	return when(f.GOOS == "darwin" && !slices.Contains(f.Stores, "keychain"), remark("", "this build cannot use the macOS Keychain, because it was built without cgo",
		"access keys and seeds are kept in the age store instead",
		"install a release build, or build with CGO_ENABLED=1"))
}

// The variables that decide whose credentials a tool uses.
const (
	envProfile    = "AWS_PROFILE"
	envDefault    = "AWS_DEFAULT_PROFILE"
	envKeyID      = "AWS_ACCESS_KEY_ID"
	envSecretKey  = "AWS_SECRET_ACCESS_KEY" //nolint:gosec // the name of a variable
	envToken      = "AWS_SESSION_TOKEN"     //nolint:gosec // as above
	envLoadConfig = "AWS_SDK_LOAD_CONFIG"
	envJavaFile   = "AWS_CREDENTIAL_PROFILES_FILE"
)

// Variables returns the variables that the rules look at. The value of one that IsSecret is
// not needed: in Facts it is "set".
func Variables() []string {
	all := []string{envProfile, envDefault, envKeyID, envSecretKey, envToken, envLoadConfig, envJavaFile, "AWS_REGION", "AWS_DEFAULT_REGION"}
	for _, name := range envstore.Variables() {
		all = append(all, name, name+"_FILE")
	}
	return all
}

// IsSecret reports whether the rules may not see the value of a variable.
func IsSecret(variable string) bool {
	return strings.Contains(variable, "KEY") || strings.Contains(variable, "TOKEN") || strings.Contains(variable, "SEED")
}

func envKeys(f Facts) []Finding {
	if f.Env[envKeyID] == "" || f.Env[envSecretKey] == "" || !f.serves() {
		return nil
	}
	found := failure(fault.Config, envKeyID, "an access key is in the environment beside "+envProfile+"="+fault.Printable(f.Env[envProfile]),
		"the AWS CLI, boto3, Go and Terraform use the access key, not the profile; JS SDK v3 uses the profile; only an explicit --profile comes before the access key",
		"unset "+strings.Join([]string{envKeyID, envSecretKey, envToken}, " "))
	if f.Env[envProfile] == "" {
		found = found.demoted(Warning)
		found.What = "an access key is in the environment"
		found.Consequence = "all SDKs use it where no profile is named, and most even where " + envProfile + " is set"
	}
	return []Finding{found}
}

// serves reports whether the AWS config has any tool run this program.
func (f Facts) serves() bool { return slices.ContainsFunc(f.Profiles, Profile.ours) }

func envKeysPartial(f Facts) []Finding {
	id, secret := f.Env[envKeyID] != "", f.Env[envSecretKey] != ""
	set, missing := envKeyID, envSecretKey
	if secret {
		set, missing = missing, set
	}
	return when(id != secret, warning(set, "is set, but "+missing+" is not",
		"the AWS CLI and boto3 stop with \"Partial credentials found in env\"; other SDKs ignore it",
		"unset "+set))
}

func defaultProfile(f Facts) []Finding {
	name, other := f.Env[envDefault], f.Env[envProfile]
	if name == "" || name == other {
		return nil
	}
	found := warning(envDefault, "names the profile "+fault.Printable(name)+", but "+envProfile+" names "+fault.Printable(other),
		"the AWS CLI, boto3 and SDK for C++ use the first, Go, Terraform and JS the second",
		"unset "+envDefault)
	if other == "" {
		found.What = "names the profile " + fault.Printable(name) + ", but " + envProfile + " is not set"
		found.Consequence = "the AWS CLI, boto3, Go and SDK for C++ use that profile, JS and others the default one"
		found.Remedy = "export " + envProfile + "=" + fault.Shell(name) + "; unset " + envDefault
	}
	return []Finding{found}
}

func loadConfig(f Facts) []Finding {
	return when(f.Env[envLoadConfig] == "" && f.serves(), remark(envLoadConfig, "is not set",
		"JS SDK v2 and Go SDK v1, both retired, do not read the AWS config, so they do not find the credential process",
		"export "+envLoadConfig+"=1"))
}

func javaProfilesFile(f Facts) []Finding {
	i := slices.IndexFunc(f.Profiles, Profile.ours)
	if f.Env[envJavaFile] == "" || i < 0 || len(f.Profiles[i].Sections) == 0 {
		return nil
	}
	place := f.Profiles[i].Sections[0].Place
	path := place[:max(0, strings.LastIndexByte(place, ':'))]
	return when(path != f.Env[envJavaFile], remark(envJavaFile, "names another file than the AWS config",
		"SDK for Java v1 (old Hadoop and Spark) reads that file alone, so it does not find the credential process",
		"export "+envJavaFile+"="+fault.Shell(path)))
}

func proxyMalformed(f Facts) []Finding {
	return refusals(f.Proxy, "AWS is not asked without the proxy, so get fails once no cached session is left; most tools fail, too")
}

// envStore is the env store, whose secrets are not known.
func (f Facts) envStore() envstore.Store {
	return envstore.New(func(name string) string { return f.Env[name] })
}

func envStoreTwice(f Facts) (all []Finding) {
	for _, name := range envstore.Variables() {
		all = append(all, when(f.Env[name] != "" && f.Env[name+"_FILE"] != "", failure(fault.Config, name, name+"_FILE is set as well",
			"get does not choose between them: it fails in every tool",
			"unset "+name))...)
	}
	return all
}

func envStorePartial(f Facts) []Finding {
	var missing []string
	for _, name := range envstore.Variables() {
		if f.envStore().Configured() && !f.envStore().Has(name) && f.wanted(name) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return []Finding{failure(fault.NoSecret, missing[0], strings.Join(missing, ", ")+" not set, though other variables of the env store are",
		"get fails in every tool",
		"set "+strings.Join(missing, ", ")+" from the secrets of the job, or unset the others")}
}

// wanted reports whether a variable is needed: a profile may have the serial, and a program may
// make the codes.
func (f Facts) wanted(variable string) bool {
	return !slices.ContainsFunc(f.Profiles, func(p Profile) bool {
		switch {
		case strings.HasSuffix(variable, "_SERIAL"):
			return p.Serial != ""
		case strings.HasSuffix(variable, "_SEED"):
			return len(p.MFAProcess) > 0 || pinned(p.SeedStore)
		}
		return pinned(p.KeyStore)
	})
}

// pinned reports whether profiles.ini names a store other than the environment.
func pinned(store string) bool { return store != "" && store != envstore.Kind }

func envStoreIgnored(f Facts, p Profile) []Finding {
	store := p.KeyStore
	if !pinned(store) {
		store = p.SeedStore
	}
	return when(f.envStore().Configured() && pinned(store),
		warning("profiles.ini", "profile "+fault.Printable(p.Name)+" has its secrets in another store ("+store+"), and the environment has some, too",
			"profiles.ini comes first: the secrets in the environment are not used for this profile",
			"unset "+strings.Join(envstore.Variables(), " ")))
}
