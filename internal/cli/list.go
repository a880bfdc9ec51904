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

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/doctor"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/term"
)

func newListCommand(a *app) *cobra.Command {
	var asJSON, wide bool
	var profileName string
	cmd := &cobra.Command{
		Use:   "list [NAME]",
		Short: "List profiles, MFA devices, cached sessions and the last error",
		Long: `List the profiles of profiles.ini, and those of the AWS config that name this program or an MFA
device. A profile is registered if the AWS config calls this program for it. On a terminal, what
does not fit the window is shortened or left out. AWS is not contacted.`,
		Example: `  aws-mfa-creds list
  aws-mfa-creds list --wide
  aws-mfa-creds list work --json`,
		RunE: func(*cobra.Command, []string) error { return runList(a, profileName, asJSON, wide) },
	}
	namingFlag(cmd, &profileName, unnamedAll)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&wide, "wide", false, "show everything, even if it does not fit the window")
	return cmd
}

// listed is one profile as list shows it, or, last and without a name, the computer if something is to be
// said of it. Its JSON is a contract.
type listed struct {
	Profile     string          `json:"profile"`
	Registered  bool            `json:"registered,omitempty"`
	KeyStore    string          `json:"key_store,omitempty"`
	SeedStore   string          `json:"seed_store,omitempty"`
	MFAProcess  string          `json:"mfa_process,omitempty"` // the program alone, without its arguments
	AccessKeyID string          `json:"access_key_id,omitempty"`
	Serial      string          `json:"mfa_serial,omitempty"`
	MFADevices  []listedDevice  `json:"mfa_devices,omitempty"` // of a pool; mfa_serial is its first
	Sessions    []listedSession `json:"sessions,omitempty"`
	SharedCache *listedSharing  `json:"shared_cache,omitempty"`
	Notes       []string        `json:"notes,omitempty"`
	Problem     string          `json:"problem,omitempty"` // why it cannot be used at all
}

// listedDevice is one device of a pool.
type listedDevice struct {
	Serial string       `json:"serial"`
	Error  *listedError `json:"error,omitempty"` // AWS has refused its last code
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

func runList(a *app, profileName string, asJSON, wide bool) error {
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
		width := term.Width(a.stdout, a.getenv)
		if wide {
			width = 0
		}
		return a.print(table(all, a.now(), width))
	}
	return a.printJSON(all)
}

// printJSON prints v as indented JSON, in one write.
func (a *app) printJSON(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return a.print(append(edit.ASCII(text, ""), '\n'))
}

func (a *app) listProfile(files *profile.Files, inUse map[string]bool, profileName string) listed {
	call := files.Registered(profileName)
	line := func(err error) string { return fault.Escape(call.Remedy(fault.Line(err))) }
	registered := profile.Ours(files.CredentialProcess(profileName).Value)
	w, err := a.openIn(files, getOptions{Call: call})
	if err != nil {
		return listed{Profile: profileName, Registered: registered, Problem: line(err)}
	}
	l := listed{Profile: profileName, Registered: registered, AccessKeyID: w.Settings.AccessKeyID, Serial: w.Settings.Serial, Notes: w.Settings.Notes}
	l.KeyStore, l.SeedStore, l.MFAProcess = w.origins()
	if left := a.unfinished(w.Settings.Identity); left != "" {
		l.Notes = append(slices.Clip(l.Notes), left)
	} else if w.Settings.KeyStore != "" && w.deviceReady() == nil && profileName == w.Settings.Identity && !inUse[profileName] {
		next := "run: " + program + " register --profile " + fault.Shell(profileName)
		if !profile.Callable(profileName) {
			next = "no command can have its name, so store its key and seed under another: " + program + " add --profile NEW"
		}
		l.Notes = append(slices.Clip(l.Notes), "no tool uses it yet; "+next)
	}
	if err := w.ready(); err != nil {
		l.Problem = line(err)
		return l
	}
	switch s := w.sharing(context.Background(), false); {
	case s.Refused != nil:
		l.Notes = append(slices.Clip(l.Notes), line(s.Refused))
	case s.Place != "":
		l.SharedCache = &listedSharing{s.Place, s.Last.Used.UTC(), s.Last.Failed.UTC(), s.Last.Cause}
	}
	for _, d := range w.broker.Devices(w.Plan) {
		l.MFADevices = append(l.MFADevices, listedDevice{d.Serial, listFailure(d.Failure, line)})
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
	l.Error = listFailure(s.Failure, line)
	return l
}

func listFailure(f *rules.Failure, line func(error) string) *listedError {
	if f == nil {
		return nil
	}
	return &listedError{At: f.At.UTC(), ExitCode: int(f.Kind), Message: line(f.Err()), HeldOff: f.Until.UTC()}
}

// table lays out what list shows to a person: a line for each session, and below it what is wrong with it.
// What is wider than width, if that is not 0, is shortened, and then loses columns.
func table(all []listed, now time.Time, width int) []byte {
	var below bytes.Buffer
	profiles := 0
	for _, l := range all {
		of := ""
		if l.Profile != "" {
			profiles++
			of = fault.Printable(l.Profile) + ": "
		}
		for _, remark := range remarks(l, now) {
			fmt.Fprintf(&below, "%s%s\n", of, remark)
		}
	}
	if profiles == 0 {
		return append([]byte("No profile uses "+program+" yet; run: "+program+" setup\n"), below.Bytes()...)
	}
	text := columns(rows(all, now, false))
	for drop := 0; width > 0 && widest(text) > width && drop <= len(unimportant()); drop++ {
		text = columns(rows(all, now, true), unimportant()[:drop]...)
	}
	return append(text, below.Bytes()...)
}

// unimportant are the columns that a narrow window does without, in that order.
func unimportant() []string {
	return []string{"SEED IN", "KEY IN", "REGISTERED", "MFA DEVICE", "SESSION"}
}

// widest is the length of the longest line.
func widest(text []byte) (most int) {
	for line := range bytes.Lines(text) {
		most = max(most, len(bytes.TrimRight(line, " \n")))
	}
	return most
}

// columns lays out rows in columns, but for those of the titles that are left out.
func columns(rows [][]string, leftOut ...string) []byte {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		var cells []string
		for i, cell := range row {
			if !slices.Contains(leftOut, rows[0][i]) {
				cells = append(cells, cell)
			}
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	_ = w.Flush() // a bytes.Buffer takes everything
	return out.Bytes()
}

func (s listedSharing) remark(now time.Time) string {
	switch {
	case !s.Failed.IsZero():
		return fmt.Sprintf("shared cache %s: could not be used %s: %s", s.Place, fault.Time(s.Failed, now), fault.Printable(s.Error))
	case s.Used.IsZero():
		return fmt.Sprintf("shared cache %s: not used yet", s.Place)
	}
	return fmt.Sprintf("shared cache %s: last used %s", s.Place, fault.Time(s.Used, now))
}

// rows are the cells of the table, with those of its head: in full, or short.
func rows(all []listed, now time.Time, short bool) [][]string {
	table := [][]string{{"PROFILE", "REGISTERED", "KEY IN", "SEED IN", "MFA DEVICE", "SESSION", "EXPIRES"}}
	for _, l := range all {
		if l.Profile == "" {
			continue
		}
		device, registered := l.Serial, map[bool]string{true: "yes"}[l.Registered]
		if short {
			device = keystore.Label(device)
		}
		if n := len(l.MFADevices); n > 1 {
			device += fmt.Sprintf(" and %d more", n-1)
		}
		row := []string{fault.Printable(l.Profile), registered, l.KeyStore, cmp.Or(fault.Printable(l.MFAProcess), l.SeedStore), device}
		for i := range row {
			row[i] = cmp.Or(row[i], "-")
		}
		if len(l.Sessions) == 0 {
			table = append(table, append(row, "-", "-"))
		}
		for _, s := range l.Sessions {
			table = append(table, append(row, s.cells(now, short)...))
			row = make([]string, len(row))
		}
	}
	return table
}

// cells are what a session is, and when it expires.
func (s listedSession) cells(now time.Time, short bool) []string {
	kind, expires := cmp.Or(s.RoleARN, "base session"), "not cached"
	if !s.Expires.IsZero() {
		expires = fault.Time(s.Expires, now)
	}
	if short {
		kind = kind[strings.LastIndexByte(kind, '/')+1:]
		if _, left, ok := strings.Cut(expires, "("); ok {
			expires = strings.TrimSuffix(left, ")")
		}
	}
	return []string{kind, expires}
}

func (e listedError) remark(now time.Time) string {
	text := fmt.Sprintf("%s, exit %d: %s", fault.Time(e.At, now), e.ExitCode, e.Message)
	if now.Before(e.HeldOff) {
		text += fmt.Sprintf("; next attempt: %s", fault.Time(e.HeldOff, now))
	}
	return text
}

func remarks(l listed, now time.Time) []string {
	var all []string
	if l.Problem != "" {
		all = append(all, "problem: "+l.Problem)
	}
	for _, s := range l.Sessions {
		if s.Error != nil {
			all = append(all, "last error, "+s.Error.remark(now))
		}
	}
	for _, d := range l.MFADevices {
		if d.Error != nil {
			all = append(all, "one device of the pool is refused, "+d.Error.remark(now))
		}
	}
	if s := l.SharedCache; s != nil {
		all = append(all, s.remark(now))
	}
	for _, note := range l.Notes {
		all = append(all, "note: "+fault.Printable(note))
	}
	return all
}
