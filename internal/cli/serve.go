package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/endpoint"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
)

type serveOptions struct {
	profiles  []string
	listen    string
	tokenFile string
	noToken   bool
}

func newServeCommand(a *app) *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve [NAME]...",
		Short: "Serve sessions to containers, old SDKs and remote hosts over HTTP",
		Long: `Serve sessions as the container credential endpoint that all AWS SDKs know from ECS, for programs
that cannot run a credential process. It prints the variables to set for such a program, and runs
until SIGTERM or Ctrl-C. SIGHUP makes it read settings and sessions anew. SDKs ask an endpoint last:
what they find in variables and files, such as a profile called default, goes first.

It gets sessions as "get" does, from the same cache, and renews them before they end. Clients
send a random token, which is in a file that only you can read. For old SDKs, which read no token
file, give it to both sides in AWS_CONTAINER_AUTHORIZATION_TOKEN. The paths /-/health and /-/ready
need no token.

With systemd, it takes a socket (LISTEN_FDS) and reports when it is ready (NOTIFY_SOCKET).`,
		Example: `  aws-mfa-creds serve --profile work --listen 127.0.0.1:9911
  aws-mfa-creds serve --profile app --profile reports --listen 169.254.170.2:80`,
		RunE: func(cmd *cobra.Command, _ []string) error { return runServe(cmd.Context(), a, o) },
	}
	cmd.Flags().StringArrayVarP(&o.profiles, "profile", "p", nil, "`NAME` of a profile; give the flag again for more")
	annotate(cmd, whenUnnamed, unnamedDefault, "profile")
	cmd.Flags().StringVar(&o.listen, "listen", "127.0.0.1:0", "`ADDRESS` and port; port 0 is a free one")
	cmd.Flags().StringVar(&o.tokenFile, "token-file", "", "`FILE` with the token, made if there is none (default: endpoint.token beside profiles.ini)")
	cmd.Flags().BoolVar(&o.noToken, "no-token", false, "serve everybody in the network of containers; with --listen 169.254.170.2:80 alone")
	cmd.MarkFlagsMutuallyExclusive("token-file", "no-token")
	return cmd
}

func runServe(ctx context.Context, a *app, o serveOptions) error {
	signal.Ignore(syscall.SIGPIPE) // whoever reads the log may go
	regions := make(map[string]string)
	for _, name := range o.profiles {
		region, err := a.canServe(name)
		if err != nil {
			return err
		}
		regions[name] = region
	}
	listener, err := a.listen(ctx, o)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	token, path, err := a.endpointToken(o)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	defer stop()
	hangups := make(chan os.Signal, 1)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup wants it
		signal.Notify(hangups, syscall.SIGHUP)
	}
	server := endpoint.New(a.endpointOptions(o.profiles, profile.Flags{}, token), listener)
	for _, name := range o.profiles {
		a.say("# %s", name)
		if region := regions[name]; region != "" {
			a.say("export AWS_REGION=%s", fault.Shell(region))
		}
		a.sayEndpoint(server.URI(name), path)
	}
	if a.unsaid != nil {
		return a.unsaid
	}
	go a.watchOver(ctx, server, hangups)
	err = server.Serve(ctx)
	a.notify(context.WithoutCancel(ctx), "STOPPING=1")
	return err
}

// watchOver tells systemd of the beginning, and reloads the endpoint at each SIGHUP.
func (a *app) watchOver(ctx context.Context, server *endpoint.Server, hangups <-chan os.Signal) {
	server.Settle(ctx)
	a.notify(ctx, "READY=1")
	for {
		select {
		case <-hangups:
			server.Reload()
		case <-ctx.Done():
			return
		}
	}
}

// sayEndpoint prints the variables that have a program use the endpoint.
func (a *app) sayEndpoint(uri, tokenFile string) {
	if path, ok := strings.CutPrefix(uri, "http://169.254.170.2:80/"); ok {
		a.say("export AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=%s", fault.Shell("/"+path))
	} else {
		a.say("export AWS_CONTAINER_CREDENTIALS_FULL_URI=%s", fault.Shell(uri))
	}
	if tokenFile != "" {
		a.say("export AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=%s", fault.Shell(tokenFile))
	}
}

// canServe refuses a profile of which get could not get a session. It returns the profile's region, if it has one.
func (a *app) canServe(name string) (region string, err error) {
	w, region, err := a.asTools(&getOptions{Call: profile.Call{Profile: name}})
	if err != nil {
		return "", err
	}
	defer w.Cache.Close()
	return region, w.ready()
}

// endpointOptions are those of an endpoint that serves profiles, asked for with flags, to who has the token.
func (a *app) endpointOptions(profiles []string, flags profile.Flags, token creds.Secret) endpoint.Options {
	source := func(ctx context.Context, name string, inHand endpoint.Session) (endpoint.Session, error) {
		return a.handOut(ctx, getOptions{Call: profile.Call{Profile: name, Flags: flags}}, inHand)
	}
	return endpoint.Options{
		Profiles: profiles, Token: token, Source: source, Now: a.now,
		Log: func(line string) { fmt.Fprintf(a.stderr, "%s: %s\n", program, line) },
	}
}

// handOut is the endpoint.Source.
func (a *app) handOut(ctx context.Context, o getOptions, inHand endpoint.Session) (endpoint.Session, error) {
	of := *a // the profile that errors tell to type is another in each look
	w, _, err := of.asTools(&o)
	if err == nil {
		defer w.Cache.Close()
		inHand, err = w.handOut(ctx, o.Profile, inHand)
	}
	if err != nil {
		return endpoint.Session{}, withRemedy(err, of.call.Remedy(fault.Remedy(err)))
	}
	return inHand, nil
}

// handOut does what get does, in the same order. Beyond that, the session in hand goes on being used while it
// is fresh, and where no new one is to be had: the cache may be of no use here.
func (p *opened) handOut(ctx context.Context, name string, inHand endpoint.Session) (endpoint.Session, error) {
	if err := p.ready(); err != nil {
		return endpoint.Session{}, err
	}
	target, now := p.Plan.Target(), p.clock.Now()
	usable := inHand.ID == target.ID && rules.Usable(inHand.Session, now) && rules.Valid(inHand.Session, now)
	got, cached := p.Cached(p.Plan)
	if fresh := usable && rules.Fresh(inHand.Session, now); !cached && !fresh {
		err := p.notRecursing(name)
		if err == nil {
			got, err = p.session(ctx, session.Options{})
		}
		if err != nil && !usable {
			return endpoint.Session{}, err
		}
	}
	now = p.clock.Now() // a call to AWS may have shown it
	if got.AccessKeyID != "" && (!usable || got.AccessKeyID != inHand.Credentials.AccessKeyID) {
		inHand = endpoint.Session{ID: target.ID, Session: creds.Session{Credentials: got, Minted: now}}
	}
	if target.Role != nil {
		inHand.RoleARN = target.Role.ARN
	}
	inHand.Left = inHand.Remaining(now)
	return inHand, nil
}

// listen returns the socket that systemd has handed over, or a new one.
func (a *app) listen(ctx context.Context, o serveOptions) (net.Listener, error) {
	if a.getenv("LISTEN_PID") == strconv.Itoa(os.Getpid()) {
		const first = 3 // sd_listen_fds(3)
		socket := os.NewFile(first, "LISTEN_FDS")
		listener, err := net.FileListener(socket)
		if err != nil || a.getenv("LISTEN_FDS") != "1" {
			return nil, fault.New(fault.Config, "LISTEN_FDS", "give the unit one ListenStream=127.0.0.1:9911", "systemd did not hand over one socket")
		}
		_ = socket.Close() // the listener has its own
		return listener, endpoint.CheckAddress(listener.Addr().String(), !o.noToken)
	}
	if err := endpoint.CheckAddress(o.listen, !o.noToken); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return nil, fault.New(fault.Config, "--listen "+o.listen, "give another port, or an address of this computer", "%s", securefile.Reason(err))
	}
	return listener, nil
}

// varToken has the token of an endpoint that shares it with its clients, as in a pod, where it is theirs, too.
const varToken = "AWS_CONTAINER_AUTHORIZATION_TOKEN" //nolint:gosec // the name of a variable

// endpointToken returns the token that clients have to send, and the file that it is in, if there are any.
func (a *app) endpointToken(o serveOptions) (token creds.Secret, path string, err error) {
	given := a.getenv(varToken)
	switch {
	case o.noToken:
		return creds.Secret{}, "", nil
	case given == "" || o.tokenFile != "":
		if path, err = a.tokenPath(o.tokenFile); err == nil {
			token, err = tokenIn(path)
		}
		return token, path, err
	case len(given) < endpoint.TokenLength:
		return creds.Secret{}, "", fault.New(fault.Config, varToken, "run: export "+varToken+"=$(head -c 32 /dev/urandom | base64)", "is shorter than %d characters, and could be guessed", endpoint.TokenLength)
	}
	return creds.NewSecret(given), "", nil
}

// tokenPath returns where the token of an endpoint rests, for which path was asked.
func (a *app) tokenPath(path string) (string, error) {
	if path != "" {
		return filepath.Abs(path)
	}
	dir, err := a.configDir()
	return filepath.Join(dir, "endpoint.token"), err
}

// tokenIn returns the token in the file path. If there is none, it makes one: a client keeps its token when
// the endpoint is started anew. There is no newline after it, because SDKs send what is in the file.
func tokenIn(path string) (creds.Secret, error) {
	dir, err := securefile.MakeDir(filepath.Dir(path), securefile.Writable)
	if err != nil {
		return creds.Secret{}, securefile.Fault(path, err)
	}
	defer func() { _ = dir.Close() }()
	token, err := endpoint.NewToken(rand.Reader)
	if err != nil {
		return creds.Secret{}, err
	}
	err = dir.Create(filepath.Base(path), []byte(token.Reveal()), securefile.Options{})
	if errors.Is(err, fs.ErrExist) {
		var text []byte
		text, err = dir.Read(filepath.Base(path), endpoint.TokenLength)
		token = creds.NewSecret(string(text))
		if errors.Is(err, securefile.ErrUnusable) || err == nil && len(text) != endpoint.TokenLength {
			return creds.Secret{}, fault.New(fault.Permissions, path, "run: rm "+fault.Shell(path), "is no token of an endpoint in a file that only you can read")
		}
	}
	if err != nil {
		return creds.Secret{}, securefile.Fault(path, err)
	}
	return token, nil
}

// notify tells systemd about the state of this service, if it wants to hear of it.
func (a *app) notify(ctx context.Context, state string) {
	socket := a.getenv("NOTIFY_SOCKET")
	if socket == "" {
		return
	}
	if conn, err := (&net.Dialer{}).DialContext(ctx, "unixgram", socket); err == nil {
		_, _ = conn.Write([]byte(state))
		_ = conn.Close()
	}
}
