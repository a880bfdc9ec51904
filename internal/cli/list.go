package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/doctor"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
)

func newListCommand(a *app) *cobra.Command {
	var asJSON bool
	var profileName string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List profiles, MFA devices, cached sessions and the last error",
		Long: `List the profiles of profiles.ini, and those of the AWS config that name this program or an MFA
device. It does not contact AWS.`,
		Example: `  aws-mfa-creds list --json`,
		RunE:    func(*cobra.Command, []string) error { return runList(a, profileName, asJSON) },
	}
	namingFlag(cmd, &profileName, unnamedAll)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// listed is one profile as list shows it, or, last and without a name, the computer if something is to be
// said of it. Its JSON is a contract.
type listed struct {
	Profile     string          `json:"profile"`
	KeyStore    string          `json:"key_store,omitempty"`
	SeedStore   string          `json:"seed_store,omitempty"`
	MFAProcess  string          `json:"mfa_process,omitempty"` // the program alone, without its arguments
	AccessKeyID string          `json:"access_key_id,omitempty"`
	Serial      string          `json:"mfa_serial,omitempty"`
	Sessions    []listedSession `json:"sessions,omitempty"`
	SharedCache *listedSharing  `json:"shared_cache,omitempty"`
	Notes       []string        `json:"notes,omitempty"`
	Problem     string          `json:"problem,omitempty"` // why it cannot be used at all
}

// listedSession is one session of a profile, the one it hands out first.
type listedSession struct {
	Kind        string       `json:"kind"` // "base" or "role"
	RoleARN     string       `json:"role_arn,omitempty"`
	Expires     time.Time    `json:"expires,omitzero"`
	SecondsLeft int          `json:"seconds_left,omitempty"`
	Error       *listedError `json:"error,omitempty"`
}

// listedSharing is the shared cache of a profile.
type listedSharing struct {
	Place  string    `json:"place"`
	Used   time.Time `json:"used,omitzero"`
	Failed time.Time `json:"failed,omitzero"` // if it was of no use since
	Error  string    `json:"error,omitempty"`
}

// listedError is the last failure to mint a session.
type listedError struct {
	At       time.Time `json:"at"`
	ExitCode int       `json:"exit_code"`
	Message  string    `json:"message"`
	HeldOff  time.Time `json:"held_off_until,omitzero"`
}

func runList(a *app, profileName string, asJSON bool) error {
	files, err := a.loadFiles()
	if err != nil {
		return err
	}
	names := files.Served()
	if profileName != "" {
		names = []string{profileName}
	}
	all := make([]listed, 0, len(names))
	paths, err := a.host().Locate()
	if err != nil {
		return err
	}
	state := doctor.CacheState(paths.Cache, cache.Spare(paths.Cache, a.getenv))
	inUse := files.Used()
	for _, n := range names {
		all = append(all, a.listProfile(files, inUse, n))
	}
	if state.Unusable != nil {
		all = append(all, listed{Notes: []string{"the cache is off: " + fault.Line(state.Unusable), state.Effect()}})
	}
	if !asJSON {
		return a.print(table(all, a.now()))
	}
	return a.printJSON(all)
}

// printJSON prints v as indented JSON, in one write.
func (a *app) printJSON(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return a.print(append(asciiJSON(text), '\n'))
}

// asciiJSON escapes what is not ASCII in JSON, so that nothing in it acts on a terminal.
func asciiJSON(text []byte) []byte {
	var out []byte
	for _, r := range string(text) {
		switch {
		case r < 0x7f:
			out = utf8.AppendRune(out, r)
		case r <= 0xffff:
			out = fmt.Appendf(out, "\\u%04x", r)
		default:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, "\\u%04x\\u%04x", high, low)
		}
	}
	return out
}

func (a *app) listProfile(files *profile.Files, inUse map[string]bool, profileName string) listed {
	call := askFor(files.Registered(profileName))
	line := func(err error) string { return fault.Escape(call.flags.Remedy(call.profile, fault.Line(err))) }
	w, err := a.openIn(files, call)
	if err != nil {
		return listed{Profile: profileName, Problem: line(err)}
	}
	l := listed{Profile: profileName, AccessKeyID: w.Settings.AccessKeyID, Serial: w.Settings.Serial, Notes: w.Settings.Notes}
	l.KeyStore, l.SeedStore, l.MFAProcess = w.where()
	if left := a.unfinished(w.Settings.Identity); left != "" {
		l.Notes = append(slices.Clip(l.Notes), left)
	} else if w.Settings.KeyStore != "" && w.deviceReady() == nil && profileName == w.Settings.Identity && !inUse[profileName] {
		l.Notes = append(slices.Clip(l.Notes), "no tool uses it yet; run: "+program+" register --profile "+fault.Shell(profileName))
	}
	if err := w.ready(); err != nil {
		l.Problem = line(err)
		return l
	}
	switch s := w.sharing(context.Background(), false); {
	case s.Refused != nil:
		l.Notes = append(slices.Clip(l.Notes), line(s.Refused))
	case s.Place != "":
		l.SharedCache = &listedSharing{s.Place, s.Last.Used, s.Last.Failed, s.Last.Cause}
	}
	for _, status := range w.broker.Status(w.Plan) {
		l.Sessions = append(l.Sessions, listSession(status, line))
		if status.Stuck != nil {
			l.Notes = append(l.Notes, line(status.Stuck))
		}
	}
	return l
}

func listSession(s session.Status, line func(error) string) listedSession {
	l := listedSession{Kind: "base", RoleARN: s.RoleARN, Expires: s.Expires.UTC(), SecondsLeft: int(s.Left / time.Second)}
	if s.RoleARN != "" {
		l.Kind = "role"
	}
	if s.Failure != nil {
		l.Error = &listedError{At: s.Failure.At, ExitCode: int(s.Failure.Kind), Message: line(s.Failure.Err()), HeldOff: s.Failure.Until}
	}
	return l
}

// table lays out what list shows to a person: a line for each session, and below it what
// is wrong with it.
func table(all []listed, now time.Time) []byte {
	lines := [][]string{{"PROFILE", "KEY IN", "SEED IN", "MFA DEVICE", "SESSION", "EXPIRES"}}
	var below bytes.Buffer
	for _, l := range all {
		of := ""
		if l.Profile != "" {
			lines, of = append(lines, rows(l)...), fault.Printable(l.Profile)+": "
		}
		for _, remark := range remarks(l, now) {
			fmt.Fprintf(&below, "%s%s\n", of, remark)
		}
	}
	if len(lines) == 1 {
		lines = [][]string{{"no profile uses " + program + " yet"}}
	}
	return append(columns(lines), below.Bytes()...)
}

// columns lays out rows in columns.
func columns(rows [][]string) []byte {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush() // a bytes.Buffer takes everything
	return out.Bytes()
}

func (s listedSharing) remark(now time.Time) string {
	switch {
	case !s.Failed.IsZero():
		return fmt.Sprintf("shared cache %s: could not be used %s ago: %s", s.Place, fault.About(now.Sub(s.Failed)), fault.Printable(s.Error))
	case s.Used.IsZero():
		return fmt.Sprintf("shared cache %s: not used yet", s.Place)
	}
	return fmt.Sprintf("shared cache %s: last used %s ago", s.Place, fault.About(now.Sub(s.Used)))
}

func rows(l listed) [][]string {
	seed := l.SeedStore
	if l.MFAProcess != "" {
		seed = fault.Printable(l.MFAProcess)
	}
	row := []string{fault.Printable(l.Profile), cmp.Or(l.KeyStore, "-"), cmp.Or(seed, "-"), cmp.Or(l.Serial, "-"), "-", "-"}
	if len(l.Sessions) == 0 {
		return [][]string{row}
	}
	var all [][]string
	for _, s := range l.Sessions {
		all = append(all, append(row[:4:4], cmp.Or(s.RoleARN, "base session"), expiry(s)))
		row = []string{"", "", "", "", "", ""}
	}
	return all
}

func expiry(s listedSession) string {
	if s.Expires.IsZero() {
		return "not cached"
	}
	left := time.Duration(s.SecondsLeft) * time.Second
	return fmt.Sprintf("in %s (%s)", fault.About(left), s.Expires.Format("2006-01-02 15:04:05Z"))
}

func remarks(l listed, now time.Time) []string {
	var all []string
	if l.Problem != "" {
		all = append(all, "problem: "+l.Problem)
	}
	for _, s := range l.Sessions {
		if s.Error == nil {
			continue
		}
		text := fmt.Sprintf("last error, %s ago (exit %d): %s", fault.About(now.Sub(s.Error.At)), s.Error.ExitCode, s.Error.Message)
		if now.Before(s.Error.HeldOff) {
			text += fmt.Sprintf("; next attempt in %s", fault.About(s.Error.HeldOff.Sub(now)))
		}
		all = append(all, text)
	}
	if s := l.SharedCache; s != nil {
		all = append(all, s.remark(now))
	}
	for _, note := range l.Notes {
		all = append(all, "note: "+fault.Printable(note))
	}
	return all
}
