package sandbox

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // HMAC-SHA-1 is what RFC 4226 defines and what AWS's devices use
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Outcome is what became of a token code that arrived.
type Outcome string

// The outcomes of a token code.
const (
	CodeAccepted      Outcome = "accepted"
	CodeWrong         Outcome = "wrong"          // of no step within ten of the current one
	CodeOutsideWindow Outcome = "outside-window" // too old or too new
	CodeSpent         Outcome = "spent"          // of the last accepted step or an earlier one
	CodeOutOfSync     Outcome = "out-of-sync"    // right, but the device waits for a resync
	CodeNoDevice      Outcome = "no-device"      // the serial is no device of the caller
	CodeNotPair       Outcome = "not-a-pair"     // of two codes that are not consecutive
	CodeNotJudged     Outcome = "not-judged"     // the call failed before its code was looked at
)

// Attempt is one token code that arrived. The code itself is not kept.
type Attempt struct {
	Time    time.Time
	Action  string
	Serial  string
	Step    int64  // the time step of the code; 0 if none within ten of the current one
	Digest  string // equal for equal codes of one device; it reveals nothing else
	Outcome Outcome
}

// MFA refusals, in AWS's words.
const (
	textBothNeeded  = "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."
	textNoDevice    = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."
	textInvalidCode = "MultiFactorAuthentication failed with invalid MFA one time pass code."
)

// useCode spends the token code of an STS call. It reports whether one was given
// and accepted.
func (c *call) useCode() (mfa bool, refused *refusal) {
	serial, code := c.params.Get("SerialNumber"), c.params.Get("TokenCode")
	if serial == "" && code == "" {
		return false, nil
	}
	if serial == "" || code == "" {
		return false, denied(textBothNeeded)
	}
	c.judged = true
	device := c.world.Device(serial)
	if device == nil || c.caller.user == nil || device.User != c.caller.user.Name || c.now.Before(device.known) {
		c.record(c.request, serial, code, CodeNoDevice)
		return false, denied(textNoDevice)
	}
	step, outcome := c.judge(device, code)
	c.record(c.request, serial, code, outcome)
	if outcome != CodeAccepted {
		return false, denied(textInvalidCode)
	}
	device.LastStep = step
	return true, nil
}

// judge finds the step of a code and whether it is accepted for a session.
func (c *call) judge(device *Device, code string) (step int64, outcome Outcome) {
	now := stepAt(c.now)
	step, found := findStep(device.key(), code, now)
	switch {
	case !found:
		return 0, CodeWrong
	case !inWindow(step, now, c.options.Window):
		return step, CodeOutsideWindow
	case device.OutOfSync:
		return step, CodeOutOfSync
	case step <= device.LastStep:
		return step, CodeSpent
	}
	return step, CodeAccepted
}

// inWindow reports whether step is within width steps of now.
func inWindow(step, now int64, width int) bool {
	window := int64(max(width, 0))
	return now-window <= step && step <= now+window
}

// key returns the bytes of the seed, which World.check has decoded before.
func (d *Device) key() []byte {
	key, err := decodeSeed(d.Seed)
	if err != nil {
		return nil
	}
	return key
}

// record keeps what State shows of one code.
func (s *Server) record(r *request, serial, code string, outcome Outcome) {
	attempt := Attempt{Time: r.now.UTC(), Action: r.action, Serial: serial, Outcome: outcome}
	attempt.Digest = hex.EncodeToString(mac(s.digestKey, serial+" "+code)[:8])
	if device := s.world.Device(serial); device != nil {
		attempt.Step, _ = findStep(device.key(), code, stepAt(r.now))
	}
	s.attempts = append(s.attempts, attempt)
}

// noteUnjudged records the codes of a call that failed before they mattered.
// They have been seen all the same.
func (s *Server) noteUnjudged(r *request) {
	for _, name := range []string{"TokenCode", "AuthenticationCode1", "AuthenticationCode2"} {
		if code := r.params.Get(name); code != "" {
			s.record(r, r.params.Get("SerialNumber"), code, CodeNotJudged)
		}
	}
}

// stepLength is the time step X of RFC 6238 as AWS uses it.
const stepLength = 30 * time.Second

// reach is how many steps from the current one a code outside the window is
// still recognised, so that State can tell a late code from a wrong one, and
// how late a pair may come and still enable a device (out of sync).
const reach = 10

// Code returns the six-digit code of a base32 seed at t (RFC 6238). It is
// written here a second time on purpose; see the package comment.
func Code(seed string, t time.Time) (string, error) {
	key, err := decodeSeed(seed)
	if err != nil {
		return "", err
	}
	return hotp(key, stepAt(t)), nil
}

// decodeSeed returns the bytes of a base32 seed without padding. Its error does
// not repeat the seed.
func decodeSeed(seed string) ([]byte, error) {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(seed, "="))
	if err != nil || len(key) == 0 {
		return nil, fmt.Errorf("a seed of %d characters is not base32", len(seed))
	}
	return key, nil
}

// hotp is RFC 4226 section 5.3 with six digits.
func hotp(key []byte, step int64) string {
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, step) // a hash never fails to write
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	number := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%06d", number%1_000_000)
}

// stepAt returns the time step T of RFC 6238 section 4.2, with T0 = 0.
func stepAt(t time.Time) int64 {
	return t.Unix() / int64(stepLength/time.Second)
}

// findStep returns the step nearest to now, within reach, whose code is code.
func findStep(key []byte, code string, now int64) (step int64, found bool) {
	for distance := int64(0); distance <= reach; distance++ {
		for _, candidate := range []int64{now - distance, now + distance} {
			if hmac.Equal([]byte(hotp(key, candidate)), []byte(code)) {
				return candidate, true
			}
		}
	}
	return 0, false
}
