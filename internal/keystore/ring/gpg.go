package ring

import "strings"

// gpgOptions returns theirs, the options of the user, with those that have gpg report in a form for
// programs and, unless a person may be asked, fail where it would ask for a passphrase.
func gpgOptions(theirs string, ask bool) string {
	if theirs != "" {
		theirs += " "
	}
	if ask {
		return theirs + "--status-fd 2"
	}
	return theirs + "--status-fd 2 --batch --pinentry-mode error"
}

// ofGpg says what the status lines of gpg mean (doc/DETAILS of GnuPG).
func ofGpg(text string) trouble {
	var encrypted, considered, opened, failedToDecrypt bool
	for line := range strings.Lines(text) {
		status, found := strings.CutPrefix(line, "[GNUPG:] ")
		if !found {
			continue
		}
		word, _, _ := strings.Cut(strings.TrimSpace(status), " ")
		switch word {
		case "NODATA", "UNEXPECTED", "BADARMOR", "BADMDC":
			return trouble{state: damaged}
		case "INV_RECP", "NO_RECP":
			return trouble{noSetup, "gpg has no key it trusts for what is in .gpg-id: run: pass init YOUR-GPG-KEY"}
		case "ENC_TO":
			encrypted = true
		case "KEY_CONSIDERED":
			considered = encrypted // a secret key for it
		case "DECRYPTION_KEY", "DECRYPTION_INFO":
			opened = true
		case "DECRYPTION_FAILED":
			failedToDecrypt = true
		}
	}
	switch {
	case failedToDecrypt && opened:
		return trouble{state: damaged}
	case failedToDecrypt && considered:
		return trouble{locked, "give gpg-agent the passphrase: pass show ITEM"}
	case failedToDecrypt:
		return trouble{failed, "gpg does not have the secret key that opens it"}
	}
	return trouble{failed, "pass has failed"}
}
