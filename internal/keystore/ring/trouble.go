package ring

import (
	"cmp"
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

// fault is the trouble with a keyring of a kind, or with the item name in it, for a person.
func (t trouble) fault(kind, name string) *fault.Error {
	said, known := explained[t.state]
	if !known {
		said = explained[failed]
	}
	var build, detail string
	if kind == Keychain && runtime.GOOS == "darwin" {
		build = "install the released build, or build with CGO_ENABLED=1"
	}
	if t.detail != "" {
		detail = " (" + t.detail + ")"
	}
	store := stores[kind]
	title := cmp.Or(store.title, "store "+kind)
	unlock := strings.ReplaceAll(cmp.Or(store.unlock, t.detail), "ITEM", service+"/"+fileName(name))
	fill := strings.NewReplacer("STORE", title, "INSTALL", store.install, "UNLOCK", unlock, "BUILD", build,
		"PLATFORM", runtime.GOOS+"/"+runtime.GOARCH, " (DETAIL)", detail, "DETAIL", t.detail)
	cause, remedy := fill.Replace(said.cause), fill.Replace(said.remedy)
	switch t.state {
	case absent, damaged, twice:
		return fault.New(fault.NoSecret, quoted(name), remedy, "%s", cause)
	default:
		if remedy != "" {
			remedy += ", or "
		}
		return fault.New(fault.Store, title, remedy+OtherStore, "%s", cause)
	}
}

// OtherStore ends the remedies for a keyring that cannot be used.
const OtherStore = "use another store: aws-mfa-creds add --profile NAME --store age"

const addAgain = "run: aws-mfa-creds add --profile NAME"

// explained has the cause for each state, and the remedy besides another store, if there is one. The
// words in capitals are filled in.
var explained = map[state]struct{ cause, remedy string }{ //nolint:gochecknoglobals // a table
	absent:       {"is not in STORE", addAgain},
	damaged:      {"what STORE holds is damaged", addAgain},
	twice:        {"there are several of them in STORE", "delete all but the right one there"},
	notBuilt:     {"is not in this build of aws-mfa-creds (PLATFORM)", "BUILD"},
	noBus:        {"there is no D-Bus session bus, as in a container or over SSH", ""},
	noService:    {"no program that offers it is running or can be started", "INSTALL"},
	noCollection: {"it has no keyring \"login\" and no default one yet", "create one with Seahorse or by logging in to the desktop"},
	noProgram:    {"DETAIL is not installed", "install DETAIL"},
	noSetup:      {"it is not set up", "DETAIL"},
	noSession:    {"this log-on session has no credentials, as over SSH", "log on to the desktop"},
	off:          {"it is turned off: DETAIL", "turn it on"},
	blocked:      {"is blocked for this process, as in many containers", ""},
	locked:       {"is locked", "UNLOCK"},
	denied:       {"access was denied", "run aws-mfa-creds doctor in a terminal and allow it"},
	full:         {"has no room left (DETAIL)", "delete what is not needed"},
	busy:         {"other processes have been using it all the time", "try again"},
	gone:         {"the connection to it broke", "try again"},
	silent:       {"has not answered within DETAIL", "unlock or restart it"},
	broken:       {"the worker process that was to read it has failed", "try again"},
	failed:       {"cannot be used (DETAIL)", ""},
}

// stores has how people call each store, and how to get and to unlock it. Where there is no way to
// unlock it, the detail has one.
var stores = map[string]struct{ title, install, unlock string }{ //nolint:gochecknoglobals // a table
	Keychain:      {title: "the macOS Keychain", unlock: "run: security unlock-keychain"},
	WinCred:       {title: "the Windows Credential Manager"},
	SecretService: {title: "the keyring (Secret Service)", install: "install gnome-keyring or KeePassXC and log in to the desktop again", unlock: "log in to the desktop, or open Seahorse and unlock it"},
	KWallet:       {title: "KDE Wallet", install: "install kwalletd and log in to the desktop again", unlock: "open the wallet in KWalletManager"},
	Pass:          {title: "pass"},
	Keyctl:        {title: "the kernel's keyring"},
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
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, form := errors.AsType[*json.UnmarshalTypeError](err)
	_, encoding := errors.AsType[base64.CorruptInputError](err)
	if syntax || form || encoding { // not the JSON that the library wraps secrets in
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
