package cli

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/doctor"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/ring"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/term"
)

// doctorDeadline ends a doctor: it asks stores and AWS about every profile.
const doctorDeadline = 10 * time.Minute

type doctorOptions struct {
	profile                              string
	online, verify, fix, asJSON, verbose bool
}

func newDoctorCommand(a *app) *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor [NAME]",
		Short: "Find problems, and say how to fix them",
		Long: `Check the AWS config, the environment, the secret stores, the disk and the last errors for
anything that makes credentials fail or come from the wrong place. Each finding says what will
happen, in which program, and what to type. If nothing is wrong, nothing is printed.

Without --online, AWS is not asked. With it, the access keys, their age, the MFA devices and the
clock are checked, as far as the user's policies allow. Only --verify spends a token code: it gets
a new session for each profile.

--fix makes only safe changes: it removes other users' permissions from our files, deletes temporary
files that killed processes left, and rewrites credential_process lines that cannot work. It never
deletes or moves a key.

The exit code is that of the first error a get would meet: 12 unsafe permissions, 11 file system,
3 configuration, 4 no secret, 5 store locked, 10 clock, 6 AWS refused, 7 network, 8 throttled,
9 deadline. It is 0 if there are only warnings and remarks.`,
		Example: `  aws-mfa-creds doctor --online`,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runDoctor(cmd.Context(), a, o) },
	}
	namingFlag(cmd, &o.profile, unnamedAll)
	f := cmd.Flags()
	f.BoolVar(&o.online, "online", false, "ask AWS, too")
	f.BoolVar(&o.verify, "verify", false, "get a new session for each profile, which spends a token code; implies --online")
	f.BoolVar(&o.fix, "fix", false, "make the changes that are safe")
	f.BoolVar(&o.asJSON, "json", false, "print JSON")
	f.BoolVar(&o.verbose, "verbose", false, "show remarks as well, and what was not checked")
	return cmd
}

func runDoctor(ctx context.Context, a *app, o doctorOptions) error {
	o.online = o.online || o.verify
	ctx, cancel := untilInterrupted(ctx, doctorDeadline)
	defer cancel()
	answers := make(map[string]doctor.Online)
	r, err := examine(ctx, a, o, answers)
	if err != nil {
		return err
	}
	if o.fix {
		if fixed := fixAll(ctx, a, r.Findings); len(fixed) > 0 {
			if r, err = examine(ctx, a, o, answers); err != nil {
				return err
			}
			r.Fixed = fixed
		}
	}
	if err := r.print(a, o); err != nil {
		return err
	}
	return r.verdict()
}

// report is the outcome of a doctor. Its JSON is a contract.
type report struct {
	Findings   []doctor.Finding `json:"findings"`
	Fixed      []fixed          `json:"fixed,omitempty"`
	NotChecked []string         `json:"not_checked,omitempty"`
}

// examine looks at this machine and its profiles. Answers are those of AWS, from an earlier look too.
func examine(ctx context.Context, a *app, o doctorOptions, answers map[string]doctor.Online) (report, error) {
	paths, err := a.host().Locate()
	if err != nil {
		return report{}, err
	}
	sealing, _ := a.host().StoredKey() // without a directory for it, there is none
	files, unreadable := profile.Load(paths)
	in := &doctor.Inspection{
		Getenv: a.getenv, Now: a.now, Paths: paths, Files: files, Unreadable: unreadable, Sealing: sealing, Profile: o.profile, Online: o.online, Verify: o.verify, Answers: answers,
		Unfinished: a.unfinished, Home: profile.UserDirs(homeOfUser).Home,
		Open: func(c profile.Call) (*doctor.Opened, error) { return openForDoctor(a, files, c) },
	}
	in.Program, _ = programPath("") // if it is not known, nothing is written with it
	if !o.asJSON {
		in.Unlock = func(ctx context.Context, store, identity string) { unlockKeychain(ctx, a, store, identity) }
	}
	facts, err := in.Facts(ctx)
	if err != nil {
		return report{}, err
	}
	return report{Findings: doctor.Examine(facts), NotChecked: in.NotChecked()}, nil
}

// openForDoctor opens a profile as get does.
func openForDoctor(a *app, files *profile.Files, c profile.Call) (*doctor.Opened, error) {
	p, err := a.openIn(files, getOptions{Call: c})
	if err != nil {
		return nil, err
	}
	o := &doctor.Opened{Profile: &p.Profile, Missing: p.ready(), Broker: p.broker, Seed: p.Seed, Sharing: p.sharing}
	o.AWS = func() (awsapi.Options, error) {
		withIAM, err := a.openIn(files, getOptions{Call: c, iam: true})
		if err != nil {
			return p.awsOptions(), err
		}
		return withIAM.awsOptions(), nil
	}
	return o, nil
}

// unlockKeychain lets macOS ask whether this program may read the access key: after an update it no
// longer trusts the program, and get never asks.
func unlockKeychain(ctx context.Context, a *app, store, identity string) {
	if store != ring.Keychain {
		return
	}
	a.ask.open(a)
	defer a.ask.close()
	if items, err := a.items(store, &a.ask); err == nil && a.ask.present() {
		_, _ = items.AccessKey(ctx, identity) // the next read shows whether it helped
	}
}

// verdict is the error that gives the process its exit code, or nil.
func (r report) verdict() error {
	kind := doctor.Worst(r.Findings)
	if kind == 0 {
		return nil
	}
	number := make(map[doctor.Severity]int)
	for _, f := range r.Findings {
		number[f.Severity]++
	}
	return fault.New(kind, "doctor", "", "found %s and %s", counted(number[doctor.Error], "error"), counted(number[doctor.Warning], "warning"))
}

// fixed is one thing that --fix has done, or could not do.
type fixed struct {
	ID      string `json:"id"`
	Profile string `json:"profile,omitempty"`
	Done    string `json:"done"`
	Problem string `json:"problem,omitempty"`
}

// fixAll makes the changes that findings name, each once.
func fixAll(ctx context.Context, a *app, found []doctor.Finding) (all []fixed) {
	seen := make(map[doctor.Fix]bool)
	for _, f := range found {
		if f.Fix == nil || seen[*f.Fix] {
			continue
		}
		seen[*f.Fix] = true
		result := fixed{ID: f.ID, Profile: f.Profile}
		var err error
		if f.Fix.Kind == doctor.Rewrite {
			result.Done, err = "rewrote credential_process of "+fault.Printable(f.Profile), rewrite(ctx, a, f.Profile)
		} else {
			result.Done, err = f.Fix.Apply(a.now())
		}
		if err != nil {
			result.Problem = fault.Line(err)
		}
		all = append(all, result)
	}
	return all
}

// rewrite makes the registration of a profile again, as its command asks for it, with the path of
// this program, unless that is in a directory for temporary files.
func rewrite(ctx context.Context, a *app, name string) error {
	path, err := programPath("")
	if err != nil {
		return err
	}
	if doctor.Temporary(path) {
		return fault.New(fault.Usage, path, installFirst, "it is in a directory for temporary files")
	}
	files, err := a.loadFiles()
	if err != nil {
		return err
	}
	r, err := a.registering(files, registerOptions{profile: name})
	if err == nil {
		_, err = r.write(ctx)
	}
	return err
}

// print prints the report. If nothing is wrong, it prints nothing.
func (r report) print(a *app, o doctorOptions) error {
	if o.asJSON {
		return a.printJSON(r)
	}
	if text := r.text(painter{coloured(a)}, o.verbose); len(text) > 0 {
		return a.print(text)
	}
	return nil
}

// text lays out a report for a person: first the machine, then the profiles.
func (r report) text(paint painter, verbose bool) []byte {
	var out bytes.Buffer
	for _, done := range r.Fixed {
		verb, detail := "fixed: ", done.Done
		if done.Problem != "" {
			verb, detail = "not fixed: ", done.Done+": "+done.Problem
		}
		fmt.Fprintln(&out, paint.bold(verb)+fault.Printable(detail))
	}
	heading, hidden := "\x00", 0
	for _, f := range r.Findings {
		if f.Severity == doctor.Info && !verbose {
			hidden++
			continue
		}
		if f.Profile != heading {
			heading = f.Profile
			title := "This computer"
			if heading != "" {
				title = "Profile " + fault.Printable(heading)
			}
			fmt.Fprintln(&out, paint.bold(title))
		}
		paint.finding(&out, f)
	}
	if out.Len() == 0 && !verbose {
		return nil
	}
	if len(r.Findings) == hidden {
		fmt.Fprintln(&out, "Nothing is wrong.")
	}
	if hidden > 0 {
		fmt.Fprintf(&out, "%s more with --verbose.\n", counted(hidden, "remark"))
	}
	for _, what := range r.NotChecked {
		fmt.Fprintln(&out, "Not checked: "+what+".")
	}
	return out.Bytes()
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
	fmt.Fprintf(out, "    impact: %s\n", f.Consequence)
	fmt.Fprintf(out, "    fix:    %s\n", p.bold(f.Remedy))
}

// coloured reports whether stdout is a terminal that wants colour (no-color.org).
func coloured(a *app) bool {
	return a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb" && term.Coloured(a.stdout)
}
