package cli

import (
	"context"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
)

// getOptions are what get is asked for. Other commands open a profile with them.
type getOptions struct {
	profile.Call
	refresh bool
	iam     bool // not of get, which must not fail because of the endpoint of IAM: resolve that too
	fresh   bool // the profile need not exist
}

func newGetCommand(a *app) *cobra.Command {
	var o getOptions
	cmd := &cobra.Command{
		Use:   "get --profile NAME",
		Short: "Print temporary credentials, as a credential process does",
		Long: `Print the credentials of a profile as the JSON object of a credential_process, or nothing. It never
prompts, never reads stdin, and is silent on success.

A cached session is used while more than 20 minutes of it remain, or a third of one that lasts less
than an hour. Otherwise a token code gets a new one. Any number of processes that ask at the same
time cost one call to AWS and one code.`,
		Example: `  aws-mfa-creds get --profile work
  aws-mfa-creds get --profile work --role-arn arn:aws:iam::123456789012:role/deploy --duration 2h`,
		RunE: func(cmd *cobra.Command, _ []string) error { return runGet(cmd.Context(), a, o) },
	}
	namingFlag(cmd, &o.Profile, unnamedNone)
	roleFlags(cmd, &o.Flags)
	cmd.Flags().BoolVar(&o.refresh, "refresh", false, "ignore the cache and get a new session now")
	return cmd
}

func runGet(ctx context.Context, a *app, o getOptions) error {
	a.call.Flags = o.Flags
	w, err := a.open(o)
	if err != nil {
		return err
	}
	// A reader that is gone must not kill the process before the session is in the cache.
	signal.Ignore(syscall.SIGPIPE)
	credentials, err := cachedOrNew(ctx, w, o)
	if err != nil {
		return err
	}
	json, err := credentials.ProcessJSON()
	if err != nil {
		return err // it was checked before it was stored
	}
	return a.print(json)
}

// cachedOrNew returns the cached session, if package warm finds it fresh, or else gets a new one, which signals may
// interrupt.
func cachedOrNew(ctx context.Context, w *opened, o getOptions) (creds.Credentials, error) {
	if err := w.ready(); err != nil {
		return creds.Credentials{}, err
	}
	if cached, ok := w.Cached(w.Plan); ok && !o.refresh {
		return cached, nil
	}
	if err := w.notRecursing(o.Profile); err != nil {
		return creds.Credentials{}, err
	}
	ctx, cancel := untilInterrupted(ctx, session.Deadline)
	defer cancel()
	return w.broker.Get(ctx, w.Plan, session.Options{Refresh: o.refresh})
}

// asTools opens a profile as the AWS config has the AWS tools call it, where a role or another profile may be named,
// and with the flags that are given. It returns the region that the tools work in, or "".
func (a *app) asTools(o *getOptions) (*opened, string, error) {
	files, err := a.loadFiles()
	if err != nil {
		return nil, "", err
	}
	line, region := files.CredentialProcess(o.Profile), files.Region(o.Profile)
	if home := edit.OtherHome(line.Value, a.editor().Paths.Own); home != "" {
		return nil, "", fault.New(fault.Config, line.Place, "run: export "+fault.Shell(home), "the AWS tools get the credentials of profile %s with other settings than this shell has", strconv.Quote(o.Profile))
	}
	if call := files.Registered(o.Profile); o.Flags.RoleARN == "" {
		o.Call = profile.Call{Profile: call.Profile, Flags: o.Flags.Over(call.Flags)}
	}
	a.call = o.Call
	w, err := a.openIn(files, *o)
	return w, region, err
}
