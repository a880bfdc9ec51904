package ring

import (
	"errors"
	"io"
	"net"
	"strings"

	"github.com/godbus/dbus"
)

// bus returns the connection to the session bus that the library uses, too.
func bus() (*dbus.Conn, error) {
	conn, err := dbus.SessionBus()
	if err != nil {
		return nil, trouble{state: noBus}
	}
	return conn, nil
}

// ofBus says what an error from D-Bus means, or nothing for any other.
func ofBus(err error) trouble {
	_, network := errors.AsType[*net.OpError](err)
	if network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, dbus.ErrClosed) {
		return trouble{state: gone}
	}
	answer, found := errors.AsType[dbus.Error](err)
	if !found {
		return trouble{}
	}
	_, name, _ := strings.Cut(answer.Name, ".Error.")
	switch name {
	case "ServiceUnknown", "NameHasNoOwner", "UnknownObject":
		return trouble{state: noService}
	case "NoReply", "Disconnected":
		return trouble{state: gone}
	case "IsLocked":
		return trouble{state: locked}
	case "AccessDenied": // by the rules of the bus, as in a sandbox: nobody can be asked
		return trouble{state: blocked}
	}
	if strings.HasPrefix(name, "Spawn.") {
		return trouble{state: noService}
	}
	return trouble{failed, answer.Name}
}
