package ring

import (
	"net/url"
	"strings"

	"github.com/99designs/keyring"
	"github.com/godbus/dbus"
)

const (
	secrets         = "org.freedesktop.secrets"
	secretsPath     = "/org/freedesktop/secrets"
	secretsService  = "org.freedesktop.Secret.Service"
	collection      = "org.freedesktop.Secret.Collection"
	collectionsPath = secretsPath + "/collection/"

	// login is the keyring that is unlocked with the desktop session.
	login = "login"
)

// secretService is a Secret Service. The library would wait for ever for somebody to unlock a
// locked collection, so it is looked at first.
type secretService struct {
	library
	conn       *dbus.Conn
	collection dbus.ObjectPath // "" for none
	ask        bool
}

func openSecretService(ask bool) (backend, error) {
	conn, err := bus()
	if err != nil {
		return nil, err
	}
	s := secretService{conn: conn, ask: ask}
	if s.collection, err = findCollection(conn); err != nil {
		return nil, err
	}
	if err := s.checkUnlocked(); err != nil {
		return nil, err
	}
	name := login
	if s.collection != "" {
		name = unescape(strings.TrimPrefix(string(s.collection), collectionsPath))
	}
	// The plain form of a session, unencrypted on a bus that is the user's own, is all that
	// the library knows.
	s.library, err = openLibrary(SecretService, keyring.Config{LibSecretCollectionName: name}, label)
	return s, err
}

// findCollection returns the keyring "login", which is unlocked with the desktop session; or, where
// a service has none (KeePassXC), its default one; or "". Any other would have to be created, and
// that always asks.
func findCollection(conn *dbus.Conn) (dbus.ObjectPath, error) {
	service := conn.Object(secrets, secretsPath)
	value, err := service.GetProperty(secretsService + ".Collections")
	if err != nil {
		return "", err
	}
	paths, _ := value.Value().([]dbus.ObjectPath)
	for _, path := range paths {
		if path == collectionsPath+login {
			return path, nil
		}
	}
	var path dbus.ObjectPath
	if err := service.Call(secretsService+".ReadAlias", 0, "default").Store(&path); err != nil {
		return "", err
	}
	if !strings.HasPrefix(string(path), collectionsPath) {
		return "", nil // "/" stands for none
	}
	return path, nil
}

func (s secretService) checkUnlocked() error {
	if s.collection == "" || s.ask {
		return nil
	}
	value, err := s.conn.Object(secrets, s.collection).GetProperty(collection + ".Locked")
	if err != nil {
		return err
	}
	if isLocked, known := value.Value().(bool); isLocked || !known {
		return trouble{state: locked}
	}
	return nil
}

func (s secretService) get(name string) ([]byte, error) {
	if err := s.checkSingle(name); err != nil {
		return nil, err
	}
	return s.library.get(name)
}

func (s secretService) set(name string, value []byte) error {
	if s.collection == "" && !s.ask {
		return trouble{state: noCollection}
	}
	return s.library.set(name, value)
}

func (s secretService) remove(name string) error {
	if err := s.checkSingle(name); err != nil {
		return err
	}
	return s.library.remove(name)
}

// checkSingle refuses a name with several items, of which the library would take the one that
// comes first by chance. They are the work of other programs: storing replaces.
func (s secretService) checkSingle(name string) error {
	if s.collection == "" {
		return nil
	}
	var found []dbus.ObjectPath
	err := s.conn.Object(secrets, s.collection).Call(collection+".SearchItems", 0, map[string]string{"profile": s.key(name)}).Store(&found)
	if err == nil && len(found) > 1 {
		err = trouble{state: twice}
	}
	return err
}

// unescape returns the name of a collection from its path, where "_xx" stands for what may not be
// in a path.
func unescape(path string) string {
	name, err := url.PathUnescape(strings.ReplaceAll(path, "_", "%"))
	if err != nil {
		return path
	}
	return name
}
