package doctor

import (
	"slices"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// given reports whether a variable of the env store is set, in either form.
func (f Facts) given(variable string) bool {
	return f.Env[variable] != "" || f.Env[variable+"_FILE"] != ""
}

// envStoreSet reports whether any secret is in the env store: a serial alone is none.
func (f Facts) envStoreSet() bool { return slices.ContainsFunc(envStore()[:3], f.given) }

func envStoreTwice(f Facts) (all []Finding) {
	for _, name := range envStore() {
		if f.Env[name] == "" || f.Env[name+"_FILE"] == "" {
			continue
		}
		all = append(all, Finding{
			Severity: Error, Kind: fault.Config, Place: name, What: name + "_FILE is set as well",
			Consequence: "get refuses to choose, and fails in every consumer",
			Remedy:      "unset " + name,
		})
	}
	return all
}

func envStorePartial(f Facts) []Finding {
	if !f.envStoreSet() {
		return nil
	}
	var missing []string
	for _, name := range envStore() {
		if !f.given(name) && f.wanted(name) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return []Finding{{
		Severity: Error, Kind: fault.NoSecret, Place: missing[0], What: strings.Join(missing, ", ") + " not set, though other variables of the env store are",
		Consequence: "get fails in every consumer",
		Remedy:      "set " + strings.Join(missing, ", ") + " from the secrets of the job, or unset the others",
	}}
}

// wanted reports whether a variable is needed: the serial may stand in a profile, and a program may
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
func pinned(store string) bool { return store != "" && store != "env" }

func envStoreIgnored(f Facts, p Profile) []Finding {
	if !f.envStoreSet() || !pinned(p.KeyStore) && !pinned(p.SeedStore) {
		return nil
	}
	return []Finding{{
		Severity: Warning, Place: "profiles.ini", What: "profile " + fault.Printable(p.Name) + " has its secrets in another store (" + store(p) + ") than the environment, which has some, too",
		Consequence: "what profiles.ini says goes first: the secrets in the environment are not used for this profile",
		Remedy:      "unset " + strings.Join(envStore(), " "),
	}}
}

func store(p Profile) string {
	if pinned(p.KeyStore) {
		return p.KeyStore
	}
	return p.SeedStore
}
