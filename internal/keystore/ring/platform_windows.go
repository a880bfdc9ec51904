package ring

import "github.com/99designs/keyring"

// Kinds returns the stores that this build contains.
func Kinds() []string { return []string{WinCred} }

// open opens the keyring of a request. Windows does not tell upper from lower case in the names of
// credentials.
func open(request) (backend, error) {
	return openLibrary(WinCred, keyring.Config{WinCredPrefix: service, ServiceName: "store"}, fileName)
}
