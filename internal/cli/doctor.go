package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/doctor"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// doctorPatience ends a doctor: it asks stores and AWS about every profile.
const doctorPatience = 10 * time.Minute

type doctorOptions struct {
	profile                              string
	online, verify, fix, asJSON, verbose bool
}

func newDoctorCommand(a *app) *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find problems, and say how to fix them",
		Long: `Look for all that makes credentials fail or come from somewhere else than meant: in the AWS config, the environment, the
secret stores, on the disk, in what happened last. Each finding says what will happen, in which program, and what to type. Where
there is nothing to tell, nothing is printed.

AWS is not asked unless --online is given: then the access keys, their age, the MFA devices and the clock are checked, as far
as the user's policies allow it. No token code is spent unless --verify is given: then a new session is minted for each profile.

--fix makes the changes that are safe: it takes permissions of others from files of ours, removes what killed processes have
left, and writes credential_process lines that cannot work anew, with the path of this program. It never deletes or moves a key.

The exit code is that of the error that stops a get first, as get would end with it: 12 unsafe permissions, 11 file system,
3 configuration, 4 no secret, 5 store locked, 10 clock, 6 AWS refuses, 7 network, 8 throttled, 9 deadline. It is 0 if there
are only warnings, and infos, which --verbose shows.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDoctor(cmd.Context(), a, o) },
	}
	profileFlag(a, cmd, &o.profile)
	f := cmd.Flags()
	f.BoolVar(&o.online, "online", false, "ask AWS, too")
	f.BoolVar(&o.verify, "verify", false, "mint a new session for each profile, which spends a token code; implies --online")
	f.BoolVar(&o.fix, "fix", false, "make the changes that are safe")
	f.BoolVar(&o.asJSON, "json", false, "print JSON")
	f.BoolVar(&o.verbose, "verbose", false, "show infos, and what was not checked, in any case")
	return cmd
}

func runDoctor(ctx context.Context, a *app, o doctorOptions) error {
	a.profile = o.profile
	o.online = o.online || o.verify
	ctx, cancel := untilInterrupted(ctx, doctorPatience)
	defer cancel()
	d := &diagnosis{app: a, options: o}
	facts, err := d.facts(ctx)
	if err != nil {
		return err
	}
	r := report{found: doctor.Examine(facts)}
	if o.fix {
		r.fixed = a.fixAll(ctx, r.found)
	}
	if len(r.fixed) > 0 {
		d = &diagnosis{app: a, options: o, past: d.online} // a code is spent once
		if facts, err = d.facts(ctx); err != nil {
			return err
		}
		r.found = doctor.Examine(facts)
	}
	r.unchecked = d.unchecked()
	if err := a.printReport(r, o); err != nil {
		return err
	}
	return r.verdict()
}

// report is the outcome of a doctor.
type report struct {
	found     []doctor.Finding
	fixed     []fixed
	unchecked []string // what was not checked, and why
}

// verdict is the error that gives the process its exit code, or nil.
func (r report) verdict() error {
	kind := doctor.Worst(r.found)
	if kind == 0 {
		return nil
	}
	return fault.New(kind, "doctor", "", "found %s and %s", counted(r.count(doctor.Error), "error"), counted(r.count(doctor.Warning), "warning"))
}

func (r report) count(s doctor.Severity) (n int) {
	for _, f := range r.found {
		if f.Severity == s {
			n++
		}
	}
	return n
}
