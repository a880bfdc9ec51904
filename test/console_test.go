//go:build linux

package test

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// consoleSeed is what the AWS console shows of a new device, and consoleSerial the device.
const (
	consoleSeed   = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	consoleSerial = "arn:aws:iam::123456789012:mfa/alice-phone"
	consoleURI    = "otpauth://totp/Amazon%20Web%20Services:alice-phone@123456789012?secret=" + consoleSeed + "&issuer=Amazon%20Web%20Services"
)

// inConsole begins, in the AWS console, to assign a device. The codes that are shown next will not be
// too late in the console.
func (n *newcomer) inConsole() {
	roomInStep()
	n.change(func(w *sandbox.World) {
		w.Devices = append(w.Devices, sandbox.Device{Serial: consoleSerial, Seed: consoleSeed})
	})
}

var shownPair = regexp.MustCompile(`code 1: (\d{6})   code 2: (\d{6})`)

// typeIntoConsole types the two codes that the terminal shows into the console, which enables the
// device by them; our own client stands for it, which is quick: codes that AWS gets late leave a device out of sync.
func (s *shell) typeIntoConsole() {
	n := s.n
	n.t.Helper()
	n.check(s.Expect("Enter these two codes in the console"))
	n.check(s.Expect("code 2: "))
	eventually(n.t, "two codes are shown", func() bool { return shownPair.MatchString(s.Shown()) })
	pair := shownPair.FindStringSubmatch(s.Shown())
	key := n.user().Keys[0]
	aws := awsapi.New(awsapi.Options{Region: "us-east-1", IAMEndpoint: n.Server.URL(), Getenv: func(string) string { return "" }, Now: time.Now})
	n.check(aws.Account(creds.AccessKey{ID: key.ID, Secret: creds.NewSecret(key.Secret)}, creds.Secret{}).EnableMFADevice(n.t.Context(), awsapi.Pair{
		User: testbed.UserName, Serial: consoleSerial, First: creds.NewSecret(pair[1]), Second: creds.NewSecret(pair[2]),
	}))
	n.check(s.Type("\n"))
}

// picture draws the QR code of a text as another program does, and changes it with ImageMagick.
func (n *newcomer) picture(name, text string, change ...string) string {
	n.t.Helper()
	path := filepath.Join(n.Dir, "secrets", name)
	if got := run(n.t, n.Bed, nil, need(n.t, "qrencode", "apt-get install qrencode"), "-s", "6", "-o", path+".png", text); got.code != 0 {
		n.t.Fatal(got.stderr)
	}
	if len(change) == 0 {
		return path + ".png"
	}
	args := append([]string{path + ".png"}, change...)
	if got := run(n.t, n.Bed, nil, need(n.t, "convert", "apt-get install imagemagick"), append(args, path)...); got.code != 0 {
		n.t.Fatal(got.stderr)
	}
	return path
}

// TestConsole enrols a device that the AWS console has made, from all that it shows.
func TestConsole(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]func(n *newcomer) string{
		"screenshot":      func(n *newcomer) string { return n.picture("shot", consoleURI) },
		"dark screenshot": func(n *newcomer) string { return n.picture("dark.png", consoleURI, "-negate") },
		"photo":           func(n *newcomer) string { return n.picture("photo.jpg", consoleURI, "-rotate", "7", "-quality", "60") },
		"secret key": func(n *newcomer) string {
			path := filepath.Join(n.Dir, "secrets", "text")
			writeFile(n.t, path, strings.ToLower(consoleSeed)+"\n")
			return path
		},
		"otpauth URI": func(n *newcomer) string {
			path := filepath.Join(n.Dir, "secrets", "uri")
			writeFile(n.t, path, consoleURI+"\n")
			return path
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := stored(t)
			n.inConsole()
			s := n.shell("enroll", "--profile", "work", "--console", "--seed-file", source(n))
			s.typeIntoConsole()
			answer := consoleSerial
			if name != "secret key" { // the label names the device
				answer = ""
				n.check(s.Expect("[" + consoleSerial + "]"))
			}
			s.answer(": ", answer)
			if shown := s.ends(0); !strings.Contains(shown, "It works: AWS returned a session") {
				t.Errorf("shows %q", shown)
			}
			n.works("work")
		})
	}
}

// TestConsoleTyped pastes the secret key, which is not echoed.
func TestConsoleTyped(t *testing.T) {
	t.Parallel()
	n := stored(t)
	n.inConsole()
	s := n.shell("enroll", "--profile", "work", "--console")
	s.answer("(not shown): ", consoleSeed)
	s.typeIntoConsole()
	s.answer("as the console shows it now: ", consoleSerial)
	if shown := s.ends(0); strings.Contains(shown, consoleSeed) {
		t.Error("the seed was echoed")
	}
	n.works("work")
}

// TestConsoleKilled is killed when the console has the codes: the seed is stored by then, and the
// second run goes on with it.
func TestConsoleKilled(t *testing.T) {
	t.Parallel()
	n := stored(t)
	n.inConsole()
	s := n.shell("enroll", "--profile", "work", "--console", "--seed-file", n.picture("shot", consoleURI))
	s.typeIntoConsole()
	n.check(s.Expect("Serial (ARN) of the device"))
	n.check(s.cmd.Process.Kill())
	s.ends(-1)
	n.check(os.RemoveAll(filepath.Join(n.Dir, "secrets"))) // the screenshot is gone
	s = n.shell("enroll", "--profile", "work", "--console")
	s.answer("An earlier run stored a seed for the console and did not finish. Continue with it? [y/N]: ", "y")
	s.answer("Once it accepts them, press Enter here.", "")
	s.answer("as the console shows it now", consoleSerial)
	if shown := s.ends(0); !strings.Contains(shown, "It works") {
		t.Errorf("shows %q", shown)
	}
	n.works("work")
}

// TestConsoleInterrupted interrupts the run when the seed is stored, and is told how to go on.
func TestConsoleInterrupted(t *testing.T) {
	t.Parallel()
	n := stored(t)
	n.inConsole()
	s := n.shell("enroll", "--profile", "work", "--console")
	s.answer("(not shown): ", "not a seed!")
	s.answer("(not shown): ", n.picture("shot", consoleURI))
	n.check(s.Expect("code 2: "))
	n.check(s.Type("\x03"))
	const hint = "\naws-mfa-creds: The seed is stored; run the same command again to continue\r\n"
	if shown := s.ends(130); !strings.HasSuffix(shown, hint) {
		t.Errorf("shows %q", shown)
	}
	s = n.shell("enroll", "--profile", "work", "--console")
	s.answer("Continue with it? [y/N]: ", "y")
	s.typeIntoConsole()
	s.answer("as the console shows it now: ", consoleSerial+"/")
	s.answer("as the console shows it now: ", consoleSerial+"-wrong")
	if shown := s.ends(6); !strings.Contains(shown, "run the same command again to continue") {
		t.Errorf("shows %q", shown)
	}
	if said := n.must("list"); !strings.Contains(said, "did not finish; run it again: aws-mfa-creds enroll --console --profile work\n") {
		t.Errorf("list says %q", said)
	}
	s = n.shell("enroll", "--profile", "work", "--console")
	s.answer("Continue with it? [y/N]: ", "y")
	s.answer("press Enter here.", "")
	s.answer("as the console shows it now: ", consoleSerial)
	s.ends(0)
	n.works("work")
}

// TestConsoleRoot is for the root user, who has no access key.
func TestConsoleRoot(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	const serial = "arn:aws:iam::123456789012:mfa/root-account-mfa-device"
	shot := n.picture("shot", "otpauth://totp/"+url.PathEscape("Amazon Web Services:root-account-mfa-device@123456789012")+"?secret="+consoleSeed)
	s := n.shell("enroll", "--profile", "root", "--console", "--seed-file", shot)
	s.answer("Once it accepts them, press Enter here.", "")
	s.answer("["+serial+"]", "")
	if shown := s.ends(0); !strings.Contains(shown, "aws-mfa-creds code --profile root") {
		t.Errorf("shows %q", shown)
	}
	got := n.run("code", "--profile", "root")
	if code, err := sandbox.Code(consoleSeed, time.Now()); err != nil || strings.TrimSpace(got.stdout) != code || got.code != 0 {
		t.Errorf("code: exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	n.refused(4, []string{"no access key", "add --profile root"}, "get", "--profile", "root")
}

// TestConsoleScripted has no terminal: the codes are printed, and the serial is given.
func TestConsoleScripted(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	shot := n.picture("shot", consoleURI)
	n.refused(2, []string{"no terminal", "--serial ARN. The seed is stored; run the same command again to continue"}, "enroll", "--profile", "work", "--console", "--seed-file", shot)
	said := n.must("enroll", "--profile", "work", "--console", "--seed-file", shot, "--serial", consoleSerial)
	want := func(ago time.Duration) string {
		code, err := sandbox.Code(consoleSeed, time.Now().Add(-ago))
		n.check(err)
		return code
	}
	pair := want(30*time.Second) + "\n" + want(0)
	if !strings.Contains(said, pair) && !strings.Contains(said, want(time.Minute)+"\n"+want(30*time.Second)) {
		t.Errorf("said %q", said)
	}
}
