package cli

import (
	"context"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
)

// getOptions are what get is asked for. Other commands open a profile with them.
type getOptions struct {
	profile string
	flags   profile.Flags
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
	profileFlag(a, cmd, &o.profile)
	o.define(cmd)
	return cmd
}

// define adds the flags of get but --profile to cmd.
func (o *getOptions) define(cmd *cobra.Command) {
	roleFlags(cmd, &o.flags)
	cmd.Flags().BoolVar(&o.refresh, "refresh", false, "ignore the cache and get a new session now")
}

func runGet(ctx context.Context, a *app, o getOptions) error {
	w, err := a.open(o)
	if err != nil {
		return err
	}
	if err := w.ready(); err != nil {
		return a.asRegistered(o, err)
	}
	credentials, err := cachedOrNew(ctx, w, o)
	if err != nil {
		return err
	}
	json, err := credentials.ProcessJSON()
	if err != nil {
		return fault.New(fault.Internal, "profile "+o.profile, "run: "+program+" clear --profile "+fault.Shell(o.profile), "AWS returned %v", err)
	}
	return a.print(json)
}

// asRegistered adds the command that the AWS config has for a profile to its failure err, if o is not
// that command.
func (a *app) asRegistered(o getOptions, err error) error {
	files, failed := a.loadFiles()
	if failed != nil {
		return err
	}
	line := files.CredentialProcess(o.profile)
	o.refresh = false
	if registered, ok := parseProcess(line); !ok || registered == o {
		return err
	}
	return withRemedy(err, "run the command that the AWS config has for the profile: "+line)
}

// cachedOrNew returns the cached session, or else gets a new one, which signals may interrupt.
func cachedOrNew(ctx context.Context, w *opened, o getOptions) (creds.Credentials, error) {
	// A reader that is gone must not kill the process before the session is in the cache.
	signal.Ignore(syscall.SIGPIPE)
	if cached, ok := w.Cached(w.Plan); ok && !o.refresh {
		return cached, nil
	}
	if err := w.notRecursing(o.profile); err != nil {
		return creds.Credentials{}, err
	}
	ctx, cancel := untilInterrupted(ctx, session.Deadline)
	defer cancel()
	return w.broker.Get(ctx, w.Plan, session.Options{Refresh: o.refresh})
}

// parseProcess returns the options of a credential_process line that calls get.
func parseProcess(line string) (o getOptions, ok bool) {
	words := profile.CommandWords(line)
	at := slices.IndexFunc(words, profile.IsOurs)
	verb := slices.Index(words, "get")
	if at < 0 || verb <= at {
		return o, false
	}
	cmd := &cobra.Command{}
	o.define(cmd)
	cmd.Flags().StringVar(&o.profile, "profile", "", "")
	cmd.Flags().Bool("debug", false, "")
	return o, cmd.ParseFlags(slices.Delete(words[at+1:], verb-at-1, verb-at)) == nil && o.profile != ""
}
