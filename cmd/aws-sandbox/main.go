// Aws-sandbox runs STS and IAM on loopback, as strict as AWS, to try aws-mfa-creds without an
// AWS account.
//
//	aws-sandbox                  plays the main job with the real program
//	aws-sandbox -- COMMAND ...   runs a command on a machine that uses the sandbox
//
// It needs the Go tool, to build the program, and leaves nothing behind.
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

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGHUP)
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

const usage = `usage: aws-sandbox [flags] [-- COMMAND [ARG ...]]

Without a command, it plays the main job of aws-mfa-creds and prints what happens. With a command,
it runs that command on a throw-away machine: HOME, an AWS config with the profiles work, deploy,
audit and readonly, aws-mfa-creds on PATH, and STS and IAM on loopback. For example:

    aws-sandbox -- aws sts get-caller-identity --endpoint-url '$URL'
    aws-sandbox -- bash
    aws-sandbox -laptop -- bash
        and there: aws-mfa-creds setup --profile work --access-key-file $KEY
    aws-sandbox -laptop -require-mfa -- bash
        the same; setup asks for the code of a phone: curl "$URL/_sandbox/code?device=` + phone + `"

(AWS CLIs before 2.13 and 1.29 do not read AWS_ENDPOINT_URL_STS, and need --endpoint-url $URL.)

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
	tls        bool
	latency    time.Duration
	clock      time.Duration
	fault      string
	binary     string
	laptop     bool
	requireMFA bool
	fleet      int
	command    []string
}

// parse reads the command line.
func parse(args []string, s streams) (options, error) {
	var o options
	flags := flag.NewFlagSet("aws-sandbox", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error, once and last
	flags.Usage = func() {
		flags.SetOutput(s.err)
		fmt.Fprint(s.err, usage)
		flags.PrintDefaults()
	}
	flags.BoolVar(&o.laptop, "laptop", false, "start like a new employee's laptop: no secret in the environment, no MFA device; the access key is in the file $KEY")
	flags.BoolVar(&o.requireMFA, "require-mfa", false, "the account refuses IAM calls without MFA; with -laptop, the user has a phone for it")
	flags.StringVar(&o.fault, "fault", "", "make every call for a session fail: "+faults())
	flags.DurationVar(&o.latency, "latency", 0, "wait this `time` before each answer, such as 150ms")
	flags.DurationVar(&o.clock, "clock", 0, "AWS's clock minus this machine's: 3h makes this machine three hours slow")
	flags.BoolVar(&o.tls, "tls", false, "serve HTTPS with a certificate made for this run")
	flags.IntVar(&o.fleet, "fleet", 0, "play instead that this `many` hosts get a session at once, through a Redis or Valkey server on this machine")
	flags.StringVar(&o.binary, "binary", "", "run this aws-mfa-creds instead of building it")
	err := flags.Parse(args)
	if err != nil {
		return o, err
	}
	o.command = flags.Args()
	if o.laptop && len(o.command) == 0 {
		return o, errors.New("-laptop needs a command, as in: aws-sandbox -laptop -- bash")
	}
	if o.fault != "" && !slices.Contains(sandbox.Kinds(), sandbox.Kind(o.fault)) {
		return o, fmt.Errorf("no fault %q; use one of: %s", o.fault, faults())
	}
	if o.binary != "" {
		o.binary, err = filepath.Abs(o.binary) // commands run in a directory of their own
	}
	return o, err
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
	code := 2
	if err == nil {
		code, err = play(ctx, o, s)
	}
	if err == nil {
		return code
	}
	fmt.Fprintf(s.err, "aws-sandbox: error: %v\n", err)
	return max(code, 1)
}

// play sets up the machine, does what o says, and removes the machine.
func play(ctx context.Context, o options, s streams) (code int, err error) {
	dir, err := os.MkdirTemp("", "aws-sandbox-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var built time.Duration
	if o.binary == "" {
		began := time.Now()
		fmt.Fprintln(s.err, "aws-sandbox: building aws-mfa-creds with the Go tool; the first time, this downloads and compiles its libraries and takes minutes ...")
		building, stop := context.WithCancel(ctx)
		go everyTenSeconds(building, func(passed time.Duration) { fmt.Fprintf(s.err, "aws-sandbox: still building, after %s\n", passed) })
		o.binary, err = testbed.Build(ctx, dir)
		stop()
		if err != nil {
			return 1, err
		}
		built = time.Since(began)
	}
	bed, err := o.bed() //nolint:contextcheck // the server outlives no call, Close ends it
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, bed.Close()) }()
	if len(o.command) > 0 {
		return runCommand(ctx, bed, o, s)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	story := &story{bed: bed, out: s.out, built: built}
	if o.fleet > 0 {
		return 0, story.fleet(ctx, o.fleet)
	}
	return 0, tell(ctx, story)
}

// everyTenSeconds calls tell with the time that has passed, until ctx ends.
func everyTenSeconds(ctx context.Context, tell func(passed time.Duration)) {
	const pause = 10 * time.Second
	for passed := pause; ; passed += pause {
		select {
		case <-time.After(pause):
			tell(passed)
		case <-ctx.Done():
			return
		}
	}
}

// phone is the MFA device that a user of the laptop has already, where the account demands one.
const phone = testbed.UserName + "-phone"

// bed sets up the machine: with the profiles of the roles, or as a laptop.
func (o options) bed() (*testbed.Bed, error) {
	world := sandbox.DefaultWorld()
	world.Users[0].RequireMFA = o.requireMFA
	if o.laptop {
		world.Devices = nil
	}
	if o.laptop && o.requireMFA {
		world.Devices = []sandbox.Device{{Serial: world.DeviceARN(phone), User: testbed.UserName}}
	}
	bed, err := testbed.New(testbed.Options{
		Binary: o.binary, Bare: o.laptop,
		Sandbox: sandbox.Options{TLS: o.tls, Latency: o.latency, World: world},
	})
	if err != nil {
		return nil, err
	}
	bed.Server.SetClockOffset(o.clock)
	addProfiles := writeKey
	if !o.laptop {
		addProfiles = addRoles
	}
	if err := errors.Join(addProfiles(bed), refuse(bed, o.fault)); err != nil {
		return nil, errors.Join(err, bed.Close())
	}
	return bed, nil
}

// addRoles adds a profile for each role.
func addRoles(bed *testbed.Bed) error {
	world := bed.Server.World()
	var errs []error
	for _, profile := range [][]string{{"deploy"}, {"audit", "--external-id", "audit-4711"}, {"readonly"}} {
		args := append([]string{"--role-arn", world.RoleARN(profile[0])}, profile[1:]...)
		errs = append(errs, bed.AddProfile(profile[0], args...))
	}
	return errors.Join(errs...)
}

// keyFile is where the access key of the user is, as the console hands it out.
func keyFile(bed *testbed.Bed) string { return filepath.Join(bed.Home(), "accessKeys.csv") }

func writeKey(bed *testbed.Bed) error {
	world := bed.Server.World()
	key := world.User(testbed.UserName).Keys[0]
	return os.WriteFile(keyFile(bed), []byte("Access key ID,Secret access key\n"+key.ID+","+key.Secret+"\n"), 0o600)
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
func runCommand(ctx context.Context, bed *testbed.Bed, o options, s streams) (int, error) {
	ready := "profiles: work, deploy, audit, readonly"
	if o.laptop {
		ready = "no MFA device for this machine yet. Begin with: aws-mfa-creds setup work --access-key-file $KEY"
	}
	fmt.Fprintf(s.err, "aws-sandbox: STS and IAM at %s; %s\n", bed.Server.URL(), ready)
	command := o.command
	for i, arg := range command {
		command[i] = strings.ReplaceAll(arg, "$URL", bed.Server.URL())
	}
	if command[0] == testbed.Program {
		command[0] = bed.Binary
	}
	cmd := bed.Command(ctx, command[0], command[1:]...)
	cmd.Dir = ""
	cmd.Env = append(cmd.Env, "URL="+bed.Server.URL(), "KEY="+keyFile(bed),
		"PATH="+filepath.Dir(bed.Binary)+string(filepath.ListSeparator)+os.Getenv("PATH"))
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
