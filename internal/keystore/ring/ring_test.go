package ring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/99designs/keyring"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// foreignError is an error of go-keychain, which only its text tells from others.
type foreignError string

func (e foreignError) Error() string { return string(e) }

// TestClassify has the errors of the libraries of all platforms.
func TestClassify(t *testing.T) {
	t.Parallel()
	var wrong struct{ Data []byte }
	for want, errs := range map[state][]error{
		ok:           {nil},
		absent:       {keyring.ErrKeyNotFound, fmt.Errorf("wrapped: %w", keyring.ErrKeyNotFound)},
		damaged:      {json.Unmarshal([]byte("{"), &wrong), json.Unmarshal([]byte("[]"), &wrong), json.Unmarshal([]byte(`{"Data":"!"}`), &wrong), foreignError("Unable to decode the provided data. (-26275)")},
		denied:       {syscall.Errno(5), foreignError("Keychain Error. (-128)"), foreignError("The user name or passphrase you entered is not correct. (-25293)")},
		noSession:    {syscall.Errno(1312)},
		full:         {syscall.Errno(1783)},
		locked:       {foreignError("User interaction is not allowed. (-25308)"), trouble{state: locked}},
		noCollection: {foreignError("No keychain is available. You may need to restart your computer. (-25291)")},
		failed:       {errors.New("canary"), syscall.Errno(87), foreignError("Keychain Error. (-50)"), foreignError("canary (-x)"), keyring.ErrNoAvailImpl},
	} {
		for _, err := range errs {
			got := classify(err)
			if got.state != want || strings.Contains(got.detail, "canary") {
				t.Errorf("%v: %+v, want %s", err, got, want)
			}
		}
	}
}

// TestEveryStateHasWords holds every failure against the form of a fault.
func TestEveryStateHasWords(t *testing.T) {
	t.Parallel()
	for _, s := range []state{
		absent, damaged, twice, notBuilt, noBus, noService, noCollection, noProgram, noSetup, noSession, off, blocked, locked, denied, full, busy, gone, silent, broken, failed, "unheard of",
	} {
		for _, kind := range []string{Keychain, WinCred, SecretService, KWallet, Pass, Keyctl} {
			line := fault.Line(trouble{s, "detail"}.fault(kind, "key:x"))
			if strings.Contains(line, ": ;") || strings.Contains(line, "; ,") || strings.Contains(line, "; or") || strings.HasSuffix(line, "; ") || !strings.Contains(line, "aws-mfa-creds ") && !strings.Contains(line, "delete") {
				t.Errorf("%s %s: %s", kind, s, line)
			}
		}
	}
}

func TestGpgStatus(t *testing.T) {
	t.Parallel()
	const enc, considered, failedLine = "[GNUPG:] ENC_TO 60AD593378D01495 18 0\n", "[GNUPG:] KEY_CONSIDERED 8B81 0\n", "[GNUPG:] DECRYPTION_FAILED\n"
	for text, want := range map[string]state{
		enc + considered + failedLine:                        locked,
		considered + enc + failedLine:                        failed,
		enc + "[GNUPG:] DECRYPTION_KEY A B u\n" + failedLine: damaged,
		"[GNUPG:] NODATA 1\n":                                damaged,
		"[GNUPG:] INV_RECP 0 t@example.org\r\n":              noSetup,
		"gpg: NODATA\nDECRYPTION_FAILED\n [GNUPG:] NODATA 1": failed,
		"": failed,
	} {
		if got := ofGpg(text); got.state != want {
			t.Errorf("%q: %s, want %s", text, got.state, want)
		}
	}
}

func TestGpgOptions(t *testing.T) {
	t.Parallel()
	if got := gpgOptions("--homedir x", false); got != "--homedir x --status-fd 2 --batch --pinentry-mode error" {
		t.Error(got)
	}
	if got := gpgOptions("", true); got != "--status-fd 2" {
		t.Error(got)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"state":"ok","value":"dmFsdWU="}` + "\n"))
	f.Add([]byte(`{"state":"locked","detail":"x"}`))
	f.Add([]byte("panic: runtime error\n"))
	f.Add([]byte(`{"state":"ok"}{"state":"ok"}`))
	f.Fuzz(func(t *testing.T, out []byte) {
		var got answer
		if json.Unmarshal(out, &got) != nil {
			return
		}
		value, err := got.result()
		said := classify(err)
		if said.state == "" || len(value) > MaxItem || err != nil && value != nil {
			t.Errorf("accepted %q, %v", value, err)
		}
		_ = said.fault(SecretService, "key:x")
	})
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"op":"get","kind":"none","name":"key:x"}`))
	f.Add([]byte(`{"op":"put","kind":"none","name":"key:x","value":"dmFsdWU=","ask":true}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out bytes.Buffer
		code := child.Answer(bytes.NewReader(in), &out, maxMessage, func(req request) answer {
			if len(req.Value) > maxMessage {
				t.Error("too large")
			}
			_, err := perform(req)
			return answer{State: classify(err).state}
		})
		if code == 0 != strings.Contains(out.String(), string(broken)) {
			t.Errorf("exit code %d, %s", code, &out)
		}
	})
}

// FuzzFileNames looks for two names of the same file, or one that is a path.
func FuzzFileNames(f *testing.F) {
	for _, name := range []string{"key:work", "key:Work", "..", "../x", "/x", "-n", ".x", "a~new~b", "%2f", "/", "key:\u00fc", "key:u\u0308", strings.Repeat("x", 180), strings.Repeat("X", 180), strings.Repeat("x", 181)} {
		f.Add(name, "key:work")
		f.Add(name, strings.ToUpper(name))
		f.Add(name, fileName(name))
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := fileName(a), fileName(b)
		if a != b && strings.EqualFold(x, y) {
			t.Errorf("%q and %q are both %q", a, b, x)
		}
		if len(x) > maxFileName || strings.ContainsAny(x, "/\\\x00 ") || strings.HasPrefix(x, ".") || strings.HasPrefix(x, "-") || strings.Contains(x, newMark) {
			t.Errorf("%q becomes %q", a, x)
		}
	})
}
