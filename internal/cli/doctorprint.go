package cli

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/term"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/doctor"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// printedReport is a report as JSON. It is a contract.
type printedReport struct {
	Findings   []printedFinding `json:"findings"`
	Fixed      []fixed          `json:"fixed,omitempty"`
	NotChecked []string         `json:"not_checked,omitempty"`
}

// printedFinding is one finding of it.
type printedFinding struct {
	ID          string `json:"id"`
	Severity    string `json:"severity"`            // "error", "warning" or "info"
	ExitCode    int    `json:"exit_code,omitempty"` // of an error: that of the failure it causes
	Profile     string `json:"profile,omitempty"`
	Place       string `json:"place,omitempty"` // "path:line", a path or a variable
	What        string `json:"what"`
	Consequence string `json:"consequence"`
	Remedy      string `json:"remedy"`
	Fixable     bool   `json:"fixable,omitempty"` // --fix does it
}

// printReport prints what was found. Where there is nothing to tell, nothing is printed.
func (a *app) printReport(r report, o doctorOptions) error {
	if o.asJSON {
		return a.printJSON(jsonReport(r))
	}
	text := a.reportText(r, o.verbose)
	if len(text) == 0 {
		return nil
	}
	return a.print(text)
}

func jsonReport(r report) printedReport {
	p := printedReport{Findings: []printedFinding{}, Fixed: r.fixed, NotChecked: r.unchecked}
	for _, f := range r.found {
		p.Findings = append(p.Findings, printedFinding{
			ID: f.ID, Severity: f.Severity.String(), ExitCode: int(f.Kind), Profile: f.Profile, Place: f.Place,
			What: f.What, Consequence: f.Consequence, Remedy: f.Remedy, Fixable: f.Fix != nil,
		})
	}
	return p
}

// reportText lays out a report for a person: first the machine, then the profiles.
func (a *app) reportText(r report, verbose bool) []byte {
	var out bytes.Buffer
	paint := painter{on: a.coloured()}
	for _, done := range r.fixed {
		verb, detail := "fixed: ", done.Done
		if done.Problem != "" {
			verb, detail = "not fixed: ", done.Done+": "+done.Problem
		}
		fmt.Fprintln(&out, paint.bold(verb)+fault.Printable(detail))
	}
	heading, hidden := "\x00", 0
	for _, f := range r.found {
		if f.Severity == doctor.Info && !verbose {
			hidden++
			continue
		}
		if f.Profile != heading {
			heading = f.Profile
			fmt.Fprintln(&out, paint.bold(title(heading)))
		}
		paint.finding(&out, f)
	}
	if out.Len() == 0 && !verbose {
		return nil
	}
	if len(r.found) == hidden {
		fmt.Fprintln(&out, "Nothing is wrong.")
	}
	if hidden > 0 {
		fmt.Fprintf(&out, "%s more with --verbose.\n", counted(hidden, "remark"))
	}
	for _, what := range r.unchecked {
		fmt.Fprintln(&out, "Not checked: "+what+".")
	}
	return out.Bytes()
}

func title(profile string) string {
	if profile == "" {
		return "This computer"
	}
	return "Profile " + fault.Printable(profile)
}

// counted is a number of things, in words.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// painter marks text for a terminal (ECMA-48, SGR), or not.
type painter struct{ on bool }

func (p painter) sgr(code, text string) string {
	if !p.on {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p painter) bold(text string) string { return p.sgr("1", text) }

func (p painter) finding(out *bytes.Buffer, f doctor.Finding) {
	label := map[doctor.Severity]string{doctor.Error: "31", doctor.Warning: "33", doctor.Info: "36"}[f.Severity]
	place := ""
	if f.Place != "" {
		place = fault.Printable(f.Place) + ": "
	}
	fmt.Fprintf(out, "  %s %s%s [%s]\n", p.sgr(label, f.Severity.String()+":"), place, f.What, f.ID)
	fmt.Fprintf(out, "    so:   %s\n", f.Consequence)
	fmt.Fprintf(out, "    fix:  %s\n", p.bold(f.Remedy))
}

// coloured reports whether stdout is a terminal on which colour is wished (no-color.org).
func (a *app) coloured() bool {
	file, ok := a.stdout.(*os.File)
	return ok && a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))
}
