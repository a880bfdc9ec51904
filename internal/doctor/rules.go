package doctor

import "slices"

// Rule is one thing that is looked for.
type Rule struct {
	ID    string // stable: scripts rely on it
	Title string // what it finds

	// One of them is set.
	machine func(Facts) []Finding
	profile func(Facts, Profile) []Finding
}

// Rules returns all rules, in the order in which they are applied.
func Rules() []Rule { return slices.Concat(machineRules(), configRules(), profileRules()) }

// machineRules are about what all profiles share.
func machineRules() []Rule {
	return []Rule{
		// Files and directories.
		{ID: "files-unreadable", Title: "profiles.ini or the AWS config cannot be read", machine: filesUnreadable},
		{ID: "directory-unsafe", Title: "one of our directories is open to others, or belongs to another user", machine: directoryUnsafe},
		{ID: "file-exposed", Title: "a secret file is readable by others, or belongs to another user", machine: fileExposed},
		{ID: "cache-off", Title: "nothing can be stored in the cache: the disk is full or read-only", machine: cacheOff},
		{ID: "cache-on-network", Title: "the cache is on a network file system", machine: cacheOnNetwork},
		{ID: "cache-no-locks", Title: "the disk of the cache has no file locks", machine: cacheNoLocks},
		{ID: "leftovers", Title: "processes that were killed left temporary files", machine: leftovers},
		{ID: "sealing-key-in-file", Title: "the sealing key is in a file, because the kernel keyring is blocked", machine: sealingKeyInFile},
		{ID: "no-keychain", Title: "this build for macOS has no Keychain", machine: noKeychain},

		// The environment.
		{ID: "env-keys", Title: "access keys in the environment come before the profile", machine: envKeys},
		{ID: "env-keys-partial", Title: "half of an access key is in the environment", machine: envKeysPartial},
		{ID: "default-profile", Title: "AWS_DEFAULT_PROFILE names another profile than AWS_PROFILE", machine: defaultProfile},
		{ID: "load-config", Title: "AWS_SDK_LOAD_CONFIG is not set", machine: loadConfig},
		{ID: "java-profiles-file", Title: "AWS_CREDENTIAL_PROFILES_FILE names another file than the AWS config", machine: javaProfilesFile},
		{ID: "proxy-malformed", Title: "HTTPS_PROXY is not a URL", machine: proxyMalformed},
		{ID: "env-store-twice", Title: "a variable of the env store is set with and without _FILE", machine: envStoreTwice},
		{ID: "env-store-partial", Title: "some variables of the env store are missing", machine: envStorePartial},
		{ID: "env-store-ignored", Title: "the env store is set, but the profile has another", profile: envStoreIgnored},
	}
}

// configRules are about what the AWS config says.
func configRules() []Rule {
	return []Rule{
		// As a whole.
		{ID: "section-repeated", Title: "a section is repeated", machine: sectionRepeated},
		{ID: "key-repeated", Title: "a key is repeated in a section", machine: keyRepeated},
		{ID: "section-untitled", Title: "[x] instead of [profile x]", machine: sectionUntitled},
		{ID: "helper-recursion", Title: "a credential_process leads back to its own profile", machine: helperRecursion},

		// The profile.
		{ID: "section-loose", Title: "the AWS CLI does not read the section's header", profile: sectionLoose},
		{ID: "static-keys", Title: "plain-text access keys come before the credential process", profile: staticKeys},
		{ID: "role-in-section", Title: "role_arn beside credential_process", profile: roleInSection},
		{ID: "source-self", Title: "source_profile is the profile itself", profile: sourceSelf},
		{ID: "two-sources", Title: "two sources of credentials in one section", profile: twoSources},
		{ID: "extra-keys", Title: "keys beside credential_process that the SDK for .NET refuses", profile: extraKeys},
		{ID: "mfa-serial-in-role", Title: "mfa_serial in a role profile whose source already has MFA", profile: serialInRole},
		{ID: "region-missing", Title: "no region", profile: regionMissing},
		{ID: "name-quoting", Title: "a name that has to be quoted", profile: nameQuoting},
		{ID: "unfinished", Title: "a change of the MFA device or access key did not finish", profile: unfinishedRun},
		{ID: "not-registered", Title: "no tool runs this program for the profile", profile: notRegistered},

		// The command.
		{ID: "command-shell", Title: "the command needs a shell", profile: commandShell},
		{ID: "command-comment", Title: "a comment after the command", profile: commandComment},
		{ID: "command-refused", Title: "get does not accept the arguments", profile: commandRefused},
		{ID: "program-unexpanded", Title: "~ or a variable in the path of the program", profile: programUnexpanded},
		{ID: "program-relative", Title: "the path of the program is relative", profile: programRelative},
		{ID: "program-quoted", Title: "the path of the program is quoted", profile: programQuoted},
		{ID: "program-gone", Title: "the program is not there, or cannot be run", profile: programGone},
		{ID: "program-other", Title: "tools run another program than this one", profile: programOther},
		{ID: "settings-moved", Title: "tools look for settings or secrets elsewhere than this shell", profile: settingsMoved},
		{ID: "program-temporary", Title: "the program is in a directory for temporary files", profile: programTemporary},
	}
}

// profileRules are about how get fares with the profile.
func profileRules() []Rule {
	return []Rule{
		// Settings and secrets.
		{ID: "settings-refused", Title: "get refuses the settings", profile: settingsRefused},
		{ID: "settings-corrected", Title: "get corrects the settings", profile: settingsCorrected},
		{ID: "keys-ignored", Title: "keys of other tools that would change which credentials come back", profile: keysIgnored},
		{ID: "key-unreadable", Title: "the access key cannot be read from its store", profile: keyUnreadable},
		{ID: "seed-unreadable", Title: "the seed cannot be read from its store", profile: seedUnreadable},
		{ID: "seed-length", Title: "the seed does not have the length of AWS's", profile: seedLength},
		{ID: "mfa-process-recursion", Title: "mfa_process leads back to this program", profile: mfaProcessRecursion},
		{ID: "role-account", Title: "role and MFA device are in different accounts", profile: roleAccount},
		{ID: "session-short", Title: "sessions too short for botocore and .NET", profile: sessionShort},
		{ID: "session-large", Title: "a session too large for some tools", profile: sessionLarge},
		{ID: "endpoint-override", Title: "STS is asked at a host other than AWS's", profile: endpointOverride},
		{ID: "ca-bundle-unusable", Title: "the CA bundle cannot be used", profile: caBundleUnusable},

		// What happened.
		{ID: "clock-skew", Title: "this machine's clock is wrong", profile: clockSkew},
		{ID: "device-out-of-sync", Title: "AWS refuses code after code", profile: outOfSync},
		{ID: "pool-device-refused", Title: "AWS refuses one device of a pool", profile: poolDeviceRefused},
		{ID: "lock-suspended", Title: "a suspended process holds the lock that every get needs", profile: lockSuspended},
		{ID: "shared-cache-unusable", Title: "the shared cache cannot be used, or could not be the last time", profile: sharedCacheUnusable},
		{ID: "shared-cache-weak", Title: "the shared cache could serve better", profile: sharedCacheWeak},
		{ID: "last-error", Title: "the last error, which most tools hide", profile: lastError},

		// What AWS says.
		{ID: "key-refused", Title: "AWS refuses the access key, or cannot be asked", profile: keyRefused},
		{ID: "root-key", Title: "the access key is the root user's", profile: rootKey},
		{ID: "key-old", Title: "the access key is older than 90 days", profile: keyOld},
		{ID: "serial-foreign", Title: "the MFA device is not this user's", profile: serialForeign},
		{ID: "session-refused", Title: "AWS gave no session", profile: sessionRefused},
	}
}
