package ring

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/99designs/keyring"
)

// classify says what err, of the library or of a program it ran, means. Of foreign texts only
// names and numbers are passed on: the rest might quote a secret.
func classify(err error) trouble {
	if err == nil {
		return trouble{state: ok}
	}
	if t, found := errors.AsType[trouble](err); found {
		return t
	}
	if errors.Is(err, keyring.ErrKeyNotFound) {
		return trouble{state: absent}
	}
	if _, found := errors.AsType[*exec.ExitError](err); found {
		return trouble{failed, "the program it runs has failed"}
	}
	if isDamage(err) {
		return trouble{state: damaged}
	}
	if t := ofBus(err); t.state != "" {
		return t
	}
	if number, found := errors.AsType[syscall.Errno](err); found {
		return ofWindows(number)
	}
	return ofKeychain(err.Error())
}

// isDamage reports an item that is not the JSON that the library wraps secrets in.
func isDamage(err error) bool {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, form := errors.AsType[*json.UnmarshalTypeError](err)
	_, encoding := errors.AsType[base64.CorruptInputError](err)
	return syntax || form || encoding
}

// ofWindows says what an error of the Credential Manager means.
func ofWindows(number syscall.Errno) trouble {
	const accessDenied, noSuchLogonSession, badStubData = 5, 1312, 1783
	switch number {
	case accessDenied:
		return trouble{state: denied}
	case noSuchLogonSession:
		return trouble{state: noSession}
	case badStubData:
		return trouble{full, "the item is too large"}
	default:
		return trouble{failed, "error " + strconv.Itoa(int(number))}
	}
}

// ofKeychain says what an error of macOS's Keychain Services means. Its text ends in the OSStatus,
// as in "User interaction is not allowed. (-25308)".
func ofKeychain(text string) trouble {
	_, number, found := strings.Cut(text, "(-")
	number, _, _ = strings.Cut(number, ")")
	if _, err := strconv.ParseUint(number, 10, 31); err != nil || !found {
		return trouble{state: failed}
	}
	switch number {
	case "128", "25293", "25243": // errSecUserCanceled, errSecAuthFailed, errSecNoAccessForItem
		return trouble{state: denied}
	case "25308", "25315": // errSecInteractionNotAllowed, errSecInteractionRequired
		return trouble{state: locked}
	case "25294", "25307", "25291": // errSecNoSuchKeychain, errSecNoDefaultKeychain, errSecNotAvailable
		return trouble{state: noCollection}
	case "26275": // errSecDecode
		return trouble{state: damaged}
	}
	return trouble{failed, "OSStatus -" + number}
}
