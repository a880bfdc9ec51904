package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

type consoleOptions struct {
	handedOut
	service string
	print   bool
}

func newConsoleCommand(a *app) *cobra.Command {
	var o consoleOptions
	cmd := &cobra.Command{
		Use:   "console --profile NAME",
		Short: "Open the AWS console in the browser, as a role",
		Long: `Open the AWS console in your browser with the session of a role. AWS does not accept the session of
an IAM user there: use a profile with a role, or sign in with your password and the code that
"` + program + ` code" prints.

The console signs you out when the session of the role ends: after an hour, or up to twelve with
--duration, if the role allows that. The browser is the one in BROWSER, or else that of the desktop.
For a browser on another computer, --print prints the URL. It signs in whoever has it, for 15
minutes.`,
		Example: `  aws-mfa-creds console --profile admin
  aws-mfa-creds console admin --service s3 --region eu-west-1
  aws-mfa-creds console admin --duration 8h --print`,
		RunE: func(cmd *cobra.Command, _ []string) error { return runConsole(cmd.Context(), a, o) },
	}
	sessionFlags(cmd, &o.handedOut)
	cmd.Flags().StringVar(&o.service, "service", "console", "`NAME` of the service whose page to open, as its URL has it: s3, ec2, cloudwatch")
	cmd.Flags().BoolVar(&o.print, "print", false, "print the URL, and open nothing")
	return cmd
}

func runConsole(ctx context.Context, a *app, o consoleOptions) error {
	if strings.Trim(o.service, "abcdefghijklmnopqrstuvwxyz0123456789-/") != "" {
		return fault.New(fault.Usage, "--service", "give a name such as s3", "%q is not the name of a service", profile.Shorten(o.service))
	}
	asked := o.Call
	w, region, err := a.asTools(&o.getOptions)
	if err != nil {
		return err
	}
	target := w.Plan.Target()
	if target.Role == nil {
		return a.needsRole(w.Settings)
	}
	options := w.awsOptions()
	options.Partition, options.SigninEndpoint = w.Settings.Partition, a.getenv("AWS_ENDPOINT_URL_SIGNIN")
	if !w.Settings.OfAWS() && options.SigninEndpoint == "" {
		return fault.New(fault.Config, "profile "+strconv.Quote(o.Profile), "set AWS_ENDPOINT_URL_SIGNIN, if there is a console", "its sessions are not of AWS, but of %s", w.Settings.Endpoint)
	}
	if region, err = o.regionOr(w.Settings, cmp.Or(region, w.Settings.Region)); err != nil {
		return err
	}
	session, err := cachedOrNew(ctx, w, o.getOptions)
	if err != nil {
		return err
	}
	ctx, cancel := untilInterrupted(ctx, browserPatience)
	defer cancel()
	url, err := awsapi.New(options).ConsoleURL(ctx, session, o.service, region)
	switch {
	case err != nil:
		return err
	case o.print:
		return a.print([]byte(url.Reveal() + "\n"))
	}
	if err = a.browse(ctx, url); errors.As(err, new(interruptError)) {
		return err
	}
	if err != nil {
		return fault.New(fault.Config, "console", "run: "+program+" console --print "+asked.Words(), "no browser could be opened: %s", err)
	}
	a.say("Opened the console as %s in your browser, until %s.", target.Role.ARN, fault.Time(session.Expiration, a.now()))
	return nil
}

// needsRole refuses a base session, and names the profiles whose role its identity assumes.
func (a *app) needsRole(s profile.Settings) error {
	files, err := a.loadFiles()
	if err != nil {
		return err
	}
	env, err := a.host().Env()
	if err != nil {
		return err
	}
	var roles []string
	for _, name := range files.Names() {
		other, err := files.Resolve(files.Registered(name), env)
		if err == nil && other.AccessKeyID == s.AccessKeyID && other.Serial == s.Serial && len(other.Roles) > 0 {
			roles = append(roles, name)
		}
	}
	thing := "profile " + strconv.Quote(s.Profile)
	if len(roles) == 0 {
		return fault.New(fault.Config, thing, "give the role: --role-arn ARN", "AWS opens the console for the session of a role only, and this is that of an IAM user")
	}
	return fault.New(fault.Config, thing, "run: "+program+" console --profile "+fault.Shell(roles[0]),
		"AWS opens the console for the session of a role only, and this is that of an IAM user; profiles with a role of it: %s", strings.Join(roles, ", "))
}

// browserPatience is how long the browser may take to come for the URL.
const browserPatience = time.Minute

// browse has the user's browser open a URL that is a secret. A program gets its URL as an argument, which on Unix everybody
// can read. So the browser gets one of this process, which leads it on: once, and on Linux no other user's program.
func (a *app) browse(ctx context.Context, url creds.Secret) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	path := creds.NewSecret("/" + rand.Text() + rand.Text())
	done := make(chan error, 2)
	var once sync.Once
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusNotFound
		if r.Method == http.MethodGet && creds.NewSecret(r.URL.Path).Equal(path) && ofUser(r.RemoteAddr, listener.Addr().String()) {
			once.Do(func() { status = http.StatusFound })
		}
		if status == http.StatusFound {
			w.Header().Set("Location", url.Reveal())
			w.Header().Set("Referrer-Policy", "no-referrer")
			defer func() { done <- nil }()
		}
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
	})}
	go func() { _ = server.Serve(listener) }()
	go func() {
		if err := a.startBrowser("http://" + listener.Addr().String() + path.Reveal()); err != nil {
			done <- err
		}
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		if err = context.Cause(ctx); errors.Is(err, context.DeadlineExceeded) {
			err = errors.New("it did not ask for the page within a minute")
		}
	}
	return errors.Join(err, server.Shutdown(ctx)) // once the answer is sent
}

// startBrowser opens a URL in the browser of BROWSER, or of the desktop, and waits until the program that does it ends.
func (a *app) startBrowser(url string) error {
	argv := profile.CommandWords(a.getenv("BROWSER"))
	switch {
	case len(argv) > 0:
	case runtime.GOOS == "windows":
		argv = []string{"rundll32", "url.dll,FileProtocolHandler"}
	case runtime.GOOS == "darwin":
		argv = []string{"open"}
	default:
		argv = []string{"xdg-open"}
	}
	cmd := exec.Command(argv[0], append(argv[1:], url)...) //nolint:gosec,noctx // the user's own choice; it stays when this program ends
	cmd.Env = child.Environ(nil)
	detach(cmd)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", argv[0], err)
	}
	return nil
}

// ofUser reports whether the other end of a connection over loopback to server is of this user, or of root. Only Linux
// tells.
func ofUser(client, server string) bool {
	if runtime.GOOS != "linux" {
		return true
	}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := os.ReadFile(table) //nolint:gosec // the kernel's
		if uid := connectedBy(string(text), client, server); uid != "" {
			return uid == "0" || uid == strconv.Itoa(os.Getuid())
		}
	}
	return false
}

// connectedBy returns the user id of the socket at client, in a table of the kernel, that is connected to server: a port
// alone can be that of several, of other users too.
func connectedBy(table, client, server string) (uid string) {
	at := func(address string) string { // 127.0.0.1, also within an address of IPv6
		_, port, _ := net.SplitHostPort(address)
		number, _ := strconv.Atoi(port)
		return fmt.Sprintf("0100007F:%04X", number)
	}
	const established, of = "01", 7
	for line := range strings.Lines(table) {
		if f := strings.Fields(line); len(f) > of && strings.HasSuffix(f[1], at(client)) && strings.HasSuffix(f[2], at(server)) && f[3] == established {
			return f[of]
		}
	}
	return ""
}
