package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// table lays out what list shows to a person: a line for each session, and below it what
// is wrong with it.
func table(all []listed, now time.Time) []byte {
	if len(all) == 0 {
		return []byte("no profile uses " + program + " yet\n")
	}
	lines := [][]string{{"PROFILE", "KEY IN", "SEED IN", "MFA DEVICE", "SESSION", "EXPIRES"}}
	for _, l := range all {
		lines = append(lines, rows(l)...)
	}
	out := bytes.NewBuffer(columns(lines))
	for _, l := range all {
		for _, remark := range remarks(l, now) {
			fmt.Fprintf(out, "%s: %s\n", fault.Printable(l.Profile), remark)
		}
	}
	return out.Bytes()
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
	return fmt.Sprintf("in %s (%s)", shortly(left), s.Expires.Format("2006-01-02 15:04:05Z"))
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
		text := fmt.Sprintf("last error, %s ago (exit %d): %s", shortly(now.Sub(s.Error.At)), s.Error.ExitCode, s.Error.Message)
		if now.Before(s.Error.HeldOff) {
			text += fmt.Sprintf("; AWS is asked again in %s", shortly(s.Error.HeldOff.Sub(now)))
		}
		all = append(all, text)
	}
	for _, note := range l.Notes {
		all = append(all, "note: "+fault.Printable(note))
	}
	return all
}

// shortly rounds d to what a person wants to know.
func shortly(d time.Duration) string {
	if d >= time.Hour {
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return d.Round(time.Second).String()
}
