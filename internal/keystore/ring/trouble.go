package ring

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/99designs/keyring"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// state is how a request ended, as worker and parent tell each other.
type state string

const (
	ok           state = "ok"
	absent       state = "absent"        // there is no such item
	damaged      state = "damaged"       // the item is not what was stored
	twice        state = "twice"         // there are several items of the name
	notBuilt     state = "not built"     // this build has no such keyring
	noBus        state = "no bus"        // no D-Bus session bus answers
	noService    state = "no service"    // nobody on the bus offers it
	noCollection state = "no collection" // the keyring has no place for items yet
	noProgram    state = "no program"    // a program that it needs is not installed
	noSetup      state = "no set-up"     // it has not been set up
	noSession    state = "no session"    // Windows: no log-on session with credentials
	off          state = "off"           // the user has turned it off
	blocked      state = "blocked"       // the system keeps it from this process
	locked       state = "locked"        // it is locked, and nobody may be asked
	denied       state = "denied"        // the person or the system said no
	full         state = "full"          // it has no room
	busy         state = "busy"          // other processes use it
	gone         state = "gone"          // the connection broke
	silent       state = "silent"        // no answer within the limit
	broken       state = "broken"        // the worker did not survive, or could not be run
	exited       state = "exited"        // a program that it runs has failed, and has said why on stderr
	failed       state = "failed"        // anything else
)

// trouble is an error with its state. The detail is for people, and holds no part of a secret.
type trouble struct {
	state  state
	detail string
}

func (t trouble) Error() string { return string(t.state) + ": " + t.detail }

// fault tells the trouble with a keyring, or an item in it, to a person.
func (t trouble) fault(kind, name string) *fault.Error {
	cause, remedy := t.words(kind)
	switch t.state {
	case absent, damaged, twice:
		return fault.New(fault.NoSecret, quoted(name), remedy, "%s", cause)
	default:
		if remedy != "" {
			remedy += ", or "
		}
		return fault.New(fault.Store, title(kind), remedy+otherStore, "%s", cause)
	}
}

const (
	addAgain   = "run: aws-mfa-creds add --profile NAME"
	otherStore = "use another store: aws-mfa-creds add --profile NAME --store age"
)

// words returns the cause, and the remedy beside that of another store, if there is one.
func (t trouble) words(kind string) (cause, remedy string) { //nolint:gocyclo // a table
	switch t.state {
	case absent:
		return "is not in " + title(kind), addAgain
	case damaged:
		return "what " + title(kind) + " holds is damaged", addAgain
	case twice:
		return "there are several of them in " + title(kind), "delete all but the right one there"
	case notBuilt:
		return "is not in this build of aws-mfa-creds (" + runtime.GOOS + "/" + runtime.GOARCH + ")", builtElsewhere(kind)
	case noBus:
		return "there is no D-Bus session bus, as in a container or over SSH", ""
	case noService:
		return "no program that offers it is running or can be started", install(kind)
	case noCollection:
		return "it has no keyring \"login\" and no default one yet", "create one with Seahorse or by logging in to the desktop"
	case noProgram:
		return t.detail + " is not installed", "install " + t.detail
	case noSetup:
		return "it is not set up", t.detail
	case noSession:
		return "this log-on session has no credentials, as over SSH", "log on to the desktop"
	case off:
		return "it is turned off: " + t.detail, "turn it on"
	case blocked:
		return "is blocked for this process, as in many containers", ""
	case locked:
		return "is locked", unlock(kind, t.detail)
	case denied:
		return "access was denied", "run aws-mfa-creds doctor in a terminal and allow it"
	case full:
		return "has no room left" + in(t.detail), "delete what is not needed"
	case busy:
		return "other processes have been using it all the time", "try again"
	case gone:
		return "the connection to it broke", "try again"
	case silent:
		return "has not answered within " + t.detail, "unlock or restart it"
	case broken:
		return "the worker process that was to read it has failed", "try again"
	default: // failed
		return "cannot be used" + in(t.detail), ""
	}
}

func in(detail string) string {
	if detail == "" {
		return ""
	}
	return " (" + detail + ")"
}

// title returns how people call a kind of store.
func title(kind string) string {
	switch kind {
	case Keychain:
		return "the macOS Keychain"
	case WinCred:
		return "the Windows Credential Manager"
	case SecretService:
		return "the keyring (Secret Service)"
	case KWallet:
		return "KDE Wallet"
	case Pass:
		return "pass"
	case Keyctl:
		return "the kernel's keyring"
	}
	return "store " + kind
}

// builtElsewhere returns what to do where a build has no such keyring.
func builtElsewhere(kind string) string {
	if kind == Keychain && runtime.GOOS == "darwin" {
		return "install the released build, or build with CGO_ENABLED=1"
	}
	return ""
}

// install returns how to get a service that nobody offers.
func install(kind string) string {
	if kind == KWallet {
		return "install kwalletd and log in to the desktop again"
	}
	return "install gnome-keyring or KeePassXC and log in to the desktop again"
}

// unlock returns how to unlock a keyring.
func unlock(kind, detail string) string {
	switch kind {
	case Keychain:
		return "run: security unlock-keychain"
	case KWallet:
		return "open the wallet in KWalletManager"
	case SecretService:
		return "log in to the desktop, or open Seahorse and unlock it"
	}
	return detail
}

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
		return trouble{state: exited}
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
