// Awsvault stores items as aws-vault does, through the same library and with the same
// configuration, for the tests of what reads them there.
//
//	awsvault add BACKEND NAME            stores stdin, as "aws-vault add" does
//	awsvault collection NAME PASSWORD    makes a collection of GNOME Keyring, unlocked, asking nobody
//	awsvault lock NAME                   locks it
package main

import (
	"cmp"
	"fmt"
	"io"
	"os"

	"github.com/99designs/keyring" //nolint:depguard // it stands for aws-vault, which has it
	"github.com/godbus/dbus"       //nolint:depguard // as above
)

func main() {
	var err error
	switch args := os.Args[1:]; args[0] {
	case "add":
		err = add(args[1], args[2])
	case "collection":
		err = makeCollection(args[1], args[2])
	case "lock":
		err = lock(args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// add is what cli/global.go and vault/credentialkeyring.go of aws-vault come to.
func add(backend, name string) error {
	ring, err := keyring.Open(keyring.Config{
		AllowedBackends:          []keyring.BackendType{keyring.BackendType(backend)},
		ServiceName:              "aws-vault",
		FilePasswordFunc:         keyring.FixedStringPrompt(os.Getenv("AWS_VAULT_FILE_PASSPHRASE")),
		LibSecretCollectionName:  cmp.Or(os.Getenv("AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME"), "awsvault"),
		KWalletAppID:             "aws-vault",
		KWalletFolder:            "aws-vault",
		KeychainTrustApplication: true,
		KeychainName:             cmp.Or(os.Getenv("AWS_VAULT_KEYCHAIN_NAME"), "aws-vault"),
		WinCredPrefix:            "aws-vault",
		PassDir:                  os.Getenv("AWS_VAULT_PASS_PASSWORD_STORE_DIR"),
		PassCmd:                  os.Getenv("AWS_VAULT_PASS_CMD"),
		PassPrefix:               os.Getenv("AWS_VAULT_PASS_PREFIX"),
		FileDir:                  cmp.Or(os.Getenv("AWS_VAULT_FILE_DIR"), "~/.awsvault/keys/"),
	})
	if err != nil {
		return err
	}
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	return ring.Set(keyring.Item{Key: name, Label: "aws-vault (" + name + ")", Data: data, KeychainNotTrustApplication: true})
}

const (
	secrets = "org.freedesktop.secrets"
	path    = "/org/freedesktop/secrets"
	service = "org.freedesktop.Secret.Service."
)

// makeCollection asks GNOME Keyring in the way that it has for its own tests: any other asks a
// person for the password.
func makeCollection(name, password string) error {
	bus, err := dbus.SessionBus()
	if err != nil {
		return err
	}
	daemon := bus.Object(secrets, path)
	var output dbus.Variant
	var session, collection dbus.ObjectPath
	if err := daemon.Call(service+"OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&output, &session); err != nil {
		return err
	}
	properties := map[string]dbus.Variant{"org.freedesktop.Secret.Collection.Label": dbus.MakeVariant(name)}
	master := struct {
		Session           dbus.ObjectPath
		Parameters, Value []byte
		ContentType       string
	}{session, nil, []byte(password), "text/plain"}
	return daemon.Call("org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface.CreateWithMasterPassword", 0, properties, master).Store(&collection)
}

func lock(name string) error {
	bus, err := dbus.SessionBus()
	if err != nil {
		return err
	}
	return bus.Object(secrets, path).Call(service+"Lock", 0, []dbus.ObjectPath{dbus.ObjectPath(path + "/collection/" + name)}).Err
}
