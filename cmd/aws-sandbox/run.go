package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

const usage = `usage: aws-sandbox [flags] [-- COMMAND [ARG ...]]

Without a command it plays the main job of aws-mfa-creds and tells what happened. With one
it runs the command on a throw-away machine: HOME, an AWS config with the profiles work, deploy,
audit and readonly, aws-mfa-creds on PATH, and STS and IAM on loopback. For example

    aws-sandbox -- aws sts get-caller-identity --endpoint-url '$URL'
    aws-sandbox -- bash
    aws-sandbox -laptop -- bash        # and there: aws-mfa-creds setup --profile work --access-key-file $KEY

($URL is for AWS CLIs before 2.13 and 1.29, which do not read AWS_ENDPOINT_URL_STS and would ask the
real AWS.)

flags:
`

// commandNotFound is the exit code that shells have for it.
const commandNotFound = 127

// streams are the process's own.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

type options struct {
	tls     bool
	latency time.Duration
	clock   time.Duration
	fault   string
	binary  string
	laptop  bool
	command []string
}

// parse reads the command line. The error has been told to s already.
func parse(args []string, s streams) (options, error) {
	var o options
	flags := flag.NewFlagSet("aws-sandbox", flag.ContinueOnError)
	flags.SetOutput(s.err)
	flags.Usage = func() {
		fmt.Fprint(s.err, usage)
		flags.PrintDefaults()
	}
	flags.BoolVar(&o.tls, "tls", false, "speak HTTPS with a certificate of a CA made for this run")
	flags.DurationVar(&o.latency, "latency", 0, "answer only after this `time`, such as 150ms")
	flags.DurationVar(&o.clock, "clock", 0, "AWS's clock minus this machine's: 3h makes this machine three hours slow")
	flags.StringVar(&o.fault, "fault", "", "make every STS call fail: "+faults())
	flags.BoolVar(&o.laptop, "laptop", false, "a machine without secrets in its environment, and a user without an MFA device: try setup there; the access key is in the file $KEY")
	flags.StringVar(&o.binary, "binary", "", "the aws-mfa-creds to run, instead of building it")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.command = flags.Args()
	if o.laptop && len(o.command) == 0 {
		err := errors.New("-laptop needs a command, as in: aws-sandbox -laptop -- bash")
		fmt.Fprintf(s.err, "aws-sandbox: error: %v\n", err)
		return o, err
	}
	if o.fault != "" && !slices.Contains(sandbox.Kinds(), sandbox.Kind(o.fault)) {
		err := fmt.Errorf("there is no fault %q, but: %s", o.fault, faults())
		fmt.Fprintf(s.err, "aws-sandbox: error: %v\n", err)
		return o, err
	}
	if o.binary != "" {
		path, err := filepath.Abs(o.binary) // commands run in a directory of their own
		o.binary = path
		return o, err
	}
	return o, nil
}

func faults() string {
	var names []string
	for _, kind := range sandbox.Kinds() {
		names = append(names, string(kind))
	}
	return strings.Join(names, ", ")
}

// run returns the exit code: that of the command, if there is one.
func run(ctx context.Context, args []string, s streams) int {
	o, err := parse(args, s)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	code, err := play(ctx, o, s)
	if err != nil {
		fmt.Fprintf(s.err, "aws-sandbox: error: %v\n", err)
		return max(code, 1)
	}
	return code
}

// play sets up the machine, does what o says, and removes the machine.
func play(ctx context.Context, o options, s streams) (code int, err error) {
	dir, err := os.MkdirTemp("", "aws-sandbox-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	began := time.Now() //nolint:forbidigo // how long the user waits
	if o.binary == "" {
		fmt.Fprintln(s.err, "aws-sandbox: building aws-mfa-creds ...")
		if o.binary, err = testbed.Build(ctx, dir); err != nil {
			return 1, err
		}
	}
	built := time.Since(began)
	bed, err := o.bed() //nolint:contextcheck // the server outlives no call, Close ends it
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, bed.Close()) }()
	if len(o.command) > 0 {
		return runCommand(ctx, bed, o.command, s)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	return 0, tell(ctx, &story{bed: bed, out: s.out, built: built})
}

// bed sets up the machine.
func (o options) bed() (*testbed.Bed, error) {
	options := testbed.Options{Binary: o.binary, Sandbox: sandbox.Options{TLS: o.tls, Latency: o.latency}}
	if o.laptop {
		options = laptop(options)
	}
	bed, err := testbed.New(options)
	if err != nil {
		return nil, err
	}
	if err := prepare(bed, o); err != nil {
		return nil, errors.Join(err, bed.Close())
	}
	return bed, nil
}

// prepare adds the roles' profiles, or else the access key in a file, and what the flags ask for.
func prepare(bed *testbed.Bed, o options) error {
	bed.Server.SetClockOffset(o.clock)
	if o.laptop {
		return errors.Join(writeKey(bed), refuse(bed, o.fault))
	}
	world := bed.Server.World()
	for _, profile := range [][]string{{"deploy"}, {"audit", "--external-id", "audit-4711"}, {"readonly"}} {
		args := append([]string{"--role-arn", world.RoleARN(profile[0])}, profile[1:]...)
		if err := bed.AddProfile(profile[0], args...); err != nil {
			return err
		}
	}
	return refuse(bed, o.fault)
}

// refuse makes every call for a session fail with a fault, if there is one.
func refuse(bed *testbed.Bed, fault string) error {
	if fault == "" {
		return nil
	}
	return errors.Join(
		bed.Server.Inject(sandbox.Fault{Kind: sandbox.Kind(fault), Action: "GetSessionToken", Times: -1}),
		bed.Server.Inject(sandbox.Fault{Kind: sandbox.Kind(fault), Action: "AssumeRole", Times: -1}),
	)
}

// runCommand runs the user's command, in the user's directory, and returns its exit code.
func runCommand(ctx context.Context, bed *testbed.Bed, command []string, s streams) (int, error) {
	fmt.Fprintf(s.err, "aws-sandbox: STS and IAM at %s; profiles: work, deploy, audit, readonly\n", bed.Server.URL())
	for i, arg := range command {
		command[i] = strings.ReplaceAll(arg, "$URL", bed.Server.URL())
	}
	if command[0] == testbed.Program {
		command[0] = bed.Binary
	}
	cmd := bed.Command(ctx, command[0], command[1:]...)
	cmd.Dir = ""
	cmd.Env = append(cmd.Env, "URL="+bed.Server.URL(), "KEY="+keyFile(bed),
		"PATH="+filepath.Dir(bed.Binary)+string(filepath.ListSeparator)+os.Getenv("PATH")) //nolint:forbidigo // the search path of the machine is that of the user, and ours
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.in, s.out, s.err
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	// The terminal sends Ctrl-C to the command as well, and what it means is for the command
	// to say.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	err := cmd.Run()
	fmt.Fprintf(s.err, "aws-sandbox: %s\n", seen(bed.Server.State()))
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return max(exit.ExitCode(), 1), nil
	}
	if errors.Is(err, exec.ErrNotFound) {
		return commandNotFound, err
	}
	return 0, err
}

// seen says what AWS has seen.
func seen(state sandbox.State) string {
	text := fmt.Sprintf("the sandbox has seen %s, %s and %s", counted(state.Count("GetSessionToken").Calls, "GetSessionToken call"),
		counted(state.Count("AssumeRole").Calls, "AssumeRole call"), counted(len(state.Attempts), "token code"))
	if twice := len(state.Repeated()); twice > 0 {
		text += fmt.Sprintf(", %d of them twice", twice)
	}
	return text
}

func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
