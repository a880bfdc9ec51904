package ring

import (
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/99designs/keyring"
)

// gpgVariable is the variable from which pass takes options of gpg.
const gpgVariable = "PASSWORD_STORE_GPG_OPTS"

const storeDir = "PASSWORD_STORE_DIR"

// pass is the folder aws-mfa-creds in the password store of pass.
type pass struct {
	library
	dir string // the password store
}

func openPass(ask bool) (backend, error) {
	if _, err := exec.LookPath("pass"); err != nil {
		return nil, trouble{noProgram, "pass"}
	}
	if _, err := exec.LookPath("gpg"); err != nil {
		return nil, trouble{noProgram, "gpg"}
	}
	dir := os.Getenv(storeDir) //nolint:forbidigo // a worker's environment is its own
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, trouble{noSetup, "set HOME"}
		}
		dir = filepath.Join(home, ".password-store")
	}
	dir, err := keyring.ExpandTilde(dir)
	if err != nil {
		return nil, err
	}
	if !exists(dir, ".gpg-id") && !exists(dir, service, ".gpg-id") {
		return nil, trouble{noSetup, "run: pass init YOUR-GPG-KEY"}
	}
	options := os.Getenv(gpgVariable) //nolint:forbidigo // as above
	if err := os.Setenv(gpgVariable, gpgOptions(options, ask)); err != nil {
		return nil, err
	}
	store, err := openLibrary(Pass, keyring.Config{PassDir: dir, PassPrefix: service}, fileName)
	return pass{store, dir}, err
}

func exists(path ...string) bool {
	_, err := os.Stat(filepath.Join(path...)) //nolint:gosec // the user's own store
	return err == nil
}

// set stores the value aside, makes sure that it can be read, and only then renames it: pass
// writes in place, and whatever killed it would leave half an item.
func (p pass) set(name string, value []byte) error {
	aside := p.library
	draft := fileName(name) + newMark + rand.Text()
	aside.key = func(string) string { return draft }
	defer func() { _ = aside.remove(name) }()
	if err := put(aside, name, value); err != nil {
		return err
	}
	if err := p.flush(draft + ".gpg"); err != nil {
		return err
	}
	if err := p.run("mv", "-f", service+"/"+draft, service+"/"+fileName(name)); err != nil {
		return err
	}
	return p.flush("")
}

// remove removes the item, and what writes that were killed have left of it.
func (p pass) remove(name string) error {
	drafts, _ := filepath.Glob(filepath.Join(p.dir, service, fileName(name)+newMark+"*.gpg"))
	for _, draft := range drafts {
		_ = p.run("rm", "-f", service+"/"+strings.TrimSuffix(filepath.Base(draft), ".gpg"))
	}
	return p.library.remove(name)
}

// run runs pass for what the library has no call for.
func (p pass) run(args ...string) error {
	cmd := exec.CommandContext(context.Background(), "pass", args...) //nolint:gosec // the parent keeps the time
	cmd.Env = append(os.Environ(), storeDir+"="+p.dir)                //nolint:forbidigo // a worker's environment is its own
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// flush brings a file of the folder, or the folder itself, onto the disk.
func (p pass) flush(file string) error {
	f, err := os.Open(filepath.Join(p.dir, service, file)) //nolint:gosec // as above
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

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
