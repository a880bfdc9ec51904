package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/enroll"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/warm"
)

// manager runs the flows of package enroll for a command: it adds AWS and the person at the terminal.
type manager struct {
	*app
	*enroll.Manager
	other otherDevice
	clock storedClock

	pending creds.AccessKey // that is to be stored before the first change; zero: the stored one
	region  string          // that the profile is to have; "": that of its settings
	checked creds.AccessKey // whose user is who
	who     awsapi.Identity

	sent   []creds.Secret // codes of the other device that AWS has seen
	waited bool           // a wait was shown, where there is no terminal
}

// manager returns the manager of the profile's identity. seedStore is where a new seed is to
// be stored, or "".
func (a *app) manager(ctx context.Context, name, seedStore string, other otherDevice) (*manager, error) {
	p, err := a.open(getOptions{Call: profile.Call{Profile: name}, iam: true})
	if err != nil {
		return nil, err
	}
	if p.Settings.KeyStore == "" && !p.KeyFromEnv() {
		return nil, p.ready()
	}
	if len(p.Settings.MFAProcess) > 0 {
		return nil, a.codesElsewhere(p.Settings.Identity)
	}
	return a.managerOf(ctx, p, seedStore, other)
}

// managerOf is manager for a profile that need not have an access key yet.
func (a *app) managerOf(ctx context.Context, p *opened, seedStore string, other otherDevice) (*manager, error) {
	journal, err := a.journal(p.Settings.Identity)
	if err != nil {
		return nil, err
	}
	m := &manager{app: a, Manager: &enroll.Manager{Journal: journal}, other: other, clock: p.clock}
	m.Paths, m.Cache = a.editor().Paths, p.Cache
	m.Open = func(store string) (keystore.Items, error) { return a.items(store, &a.ask) }
	m.Resolve, m.Identify, m.Dial, m.Prove, m.Join, m.Forget = m.resolve, m.identify, m.dial, m.prove, m.join, m.forget
	m.Now, m.Sleep = p.clock.Now, sleeper(os.Getppid)
	m.Progress = func(line string) { m.show("%s", fault.Printable(line)) }
	m.Countdown, m.Confirm = m.showWait, m.confirmLast
	unfinished, _, err := m.Unfinished(enroll.Device)
	if err != nil {
		return nil, err
	}
	m.SeedStore, err = a.seedStore(ctx, cmp.Or(unfinished.Store, seedStore), p.Settings, m.show)
	return m, err
}

// journal returns the journal of the unfinished runs of a profile.
func (a *app) journal(name string) (enroll.Journal, error) {
	dir, err := a.configDir()
	return enroll.Journal{Dir: filepath.Join(dir, "unfinished"), Profile: name, Now: a.now, Log: a.log()}, err
}

func (a *app) codesElsewhere(name string) error {
	return fault.New(fault.Config, "profile "+name, "to have this program generate them, delete mfa_process from "+a.editor().Paths.Own, "a program prints its codes (mfa_process), so a seed here is not used")
}

func (m *manager) resolve(name string) (profile.Settings, error) {
	p, err := m.open(getOptions{Call: profile.Call{Profile: name}, iam: true, fresh: true})
	if err != nil {
		return profile.Settings{}, err
	}
	return p.Settings, nil
}

// withKey opens the profile, and reads its access key unless one is given.
func (m *manager) withKey(ctx context.Context, key creds.AccessKey) (*opened, creds.AccessKey, error) {
	p, err := m.open(getOptions{Call: profile.Call{Profile: m.Profile}, iam: true, fresh: true})
	if err != nil {
		return nil, key, err
	}
	p.Settings.Region = cmp.Or(m.region, p.Settings.Region)
	if key.ID == "" {
		key = m.pending
	}
	if key.ID == "" {
		key, err = p.AccessKey(ctx)
	}
	return p, key, err
}

// identify asks STS whose the key is; zero is the stored one.
func (m *manager) identify(ctx context.Context, key creds.AccessKey) (awsapi.Identity, error) {
	p, key, err := m.withKey(ctx, key)
	if err != nil {
		return awsapi.Identity{}, err
	}
	if key.ID == m.checked.ID && key.Secret.Equal(m.checked.Secret) {
		return m.who, nil
	}
	who, err := m.aws(p).Account(key, creds.Secret{}).GetCallerIdentity(ctx)
	if err == nil {
		m.checked, m.who = key, who
	}
	return who, err
}

// aws returns a client that signs for the corrected time, and keeps the skew that the answers show.
func (m *manager) aws(p *opened) *awsapi.Client {
	o := p.awsOptions()
	o.Skew = m.clock.Skew
	o.Observe = func(server, local time.Time) { session.Learn(m.clock, server, local) }
	return awsapi.New(o)
}

// dial returns a client of IAM that signs with the stored access key, or with a session that has
// MFA.
func (m *manager) dial(ctx context.Context, withMFA bool) (enroll.IAM, error) {
	p, key, err := m.withKey(ctx, creds.AccessKey{})
	if err != nil {
		return nil, err
	}
	var token creds.Secret
	if withMFA {
		s, err := m.mfaSession(ctx, p, key)
		if err != nil {
			return nil, err
		}
		key, token = creds.AccessKey{ID: s.AccessKeyID, Secret: s.SecretAccessKey}, s.SessionToken
	}
	return m.aws(p).Account(key, token), nil
}

// mfaSession returns a session with MFA: of the profile's own device, or of another one whose
// code a person types: also where the seed of its own has got lost, or AWS refuses what it makes.
func (m *manager) mfaSession(ctx context.Context, p *opened, key creds.AccessKey) (creds.Credentials, error) {
	if p.ready() == nil && (m.pending.ID == "" || m.pending.ID == p.Settings.AccessKeyID) {
		p.broker.Waiting = m.showCode
		if s, err := p.session(ctx, session.Options{}); fault.KindOf(err) != fault.NoSecret && fault.KindOf(err) != fault.Refused {
			return s, err
		}
	}
	return m.typedSession(ctx, p, key)
}

// prove makes a new session with the device, and with the key if one is given.
func (m *manager) prove(ctx context.Context, proof enroll.Proof) error {
	p, key, err := m.withKey(ctx, proof.Key)
	if err != nil {
		return err
	}
	_, err = m.sessionWith(ctx, p, proven{m, key, m.SeedStore, proof.Serial}, session.Options{Refresh: true, Ahead: true})
	return err
}

// join joins the hosts that have the stored access key and seed: that of the first device, or seed if there is none.
func (m *manager) join(ctx context.Context, seed totp.Seed) (secret creds.Secret, f session.Fleet, err error) {
	p, key, err := m.withKey(ctx, creds.AccessKey{})
	if err != nil || p.broker.Fleet == nil {
		return key.Secret, nil, err
	}
	if first, err := p.Seed(ctx, p.Plan.Serial); err == nil {
		seed = first
	}
	f, err = p.broker.Fleet(key.Secret, seed.Base32(), p.Plan)
	return key.Secret, f, err
}

// forget deletes the sessions that were not made with the access key that the profile has now.
func (m *manager) forget(ctx context.Context) error {
	p, err := m.open(getOptions{Call: profile.Call{Profile: m.Profile}, fresh: true})
	if err != nil {
		return err
	}
	return clearSessions(ctx, p.Cache, p.Settings.Devices(), p.broker.Forget(p.Plan)...)
}

// sessionWith gets a base session with other secrets than the profile's.
func (m *manager) sessionWith(ctx context.Context, p *opened, secrets proven, o session.Options) (creds.Credentials, error) {
	s := p.Settings
	s.Serial, s.Others, s.AccessKeyID, s.Roles = secrets.serial, nil, secrets.key.ID, nil
	p.broker.Secrets, p.broker.Waiting = secrets, m.showCode
	return p.broker.Get(ctx, warm.PlanOf(s), o)
}

// proven are the secrets that a session is to prove.
type proven struct {
	m             *manager
	key           creds.AccessKey
	store, serial string // of the seed
}

// AccessKey implements session.Secrets.
func (p proven) AccessKey(context.Context) (creds.AccessKey, error) { return p.key, nil }

// Codes implements session.Secrets.
func (p proven) Codes(ctx context.Context, _ string) (session.Codes, error) {
	items, err := p.m.Open(p.store)
	if err != nil {
		return session.Codes{}, err
	}
	return session.CodesOf(items.Seed(ctx, p.serial))
}

// show shows a line to the person at the terminal, if there is one.
func (m *manager) show(format string, args ...any) {
	if m.ask.present() {
		fmt.Fprintf(m.ask.terminal, format+"\n", args...)
	}
}

// showWait counts a wait down, on one line of the terminal. Without a terminal it says so once.
func (m *manager) showWait(what string, left time.Duration) {
	switch {
	case m.ask.present() && left > 0:
		_ = m.ask.terminal.Status("waiting for "+what+": "+fault.About(left), fault.About(left))
	case m.ask.present():
		_ = m.ask.terminal.Status()
	case left > 0 && !m.waited:
		m.waited = true
		fmt.Fprintf(m.stderr, "%s: waiting up to %s for %s\n", program, fault.About(left), what)
	}
}

// showCode is showWait for a token code.
func (m *manager) showCode(left time.Duration) {
	if left > 0 {
		left = left.Truncate(time.Second) + time.Second
	}
	m.showWait("the next token code", left)
}

// confirmLast has a person type the name of a user whose last MFA device is about to be removed.
func (m *manager) confirmLast(ctx context.Context, last enroll.LastDevice) error {
	if m.ask.yes {
		return nil
	}
	what := "is the last MFA device of"
	if !last.Sure {
		what = "may be the last MFA device of"
	}
	prompt := fmt.Sprintf("%s %s user %s, who may then be locked out of everything that requires MFA.\nType the name of the user to remove it", last.Serial, what, last.User)
	return m.ask.word(ctx, prompt, last.User)
}

// sayNext names the command that makes the AWS CLI and the SDKs able to use the profile, if something is
// left to do.
func (a *app) sayNext(name string) error {
	files, err := a.loadFiles()
	if err != nil {
		return err
	}
	p, err := a.openIn(files, getOptions{Call: profile.Call{Profile: name}, fresh: true})
	if err != nil {
		return err
	}
	switch quoted := fault.Shell(p.Settings.Identity); {
	case !p.HasKey() && ofRoot(p.Settings.Serial): // it should have none
	case !p.HasKey() || p.deviceReady() != nil:
		a.say("Next, set up the rest: %s setup --profile %s", program, quoted)
	case !p.KeyFromEnv() && !files.Used()[p.Settings.Identity] && profile.Callable(p.Settings.Identity):
		a.say("Next, let the AWS CLI and the SDKs use the profile: %s register --profile %s", program, quoted)
	}
	return nil
}

// unfinished returns what an earlier run has left undone, as list and doctor show it; "" if nothing.
func (a *app) unfinished(name string) string {
	journal, err := a.journal(name)
	if err != nil {
		return ""
	}
	var all []string
	for _, about := range []enroll.Subject{enroll.Device, enroll.AccessKey, enroll.Console} {
		e, ok, err := journal.Unfinished(about)
		switch {
		case err != nil:
			all = append(all, fault.Line(err))
		case ok && e.Phase != enroll.Awaiting:
			all = append(all, e.Line(name, a.now()))
		}
	}
	return strings.Join(all, "; ")
}

// otherDevice is an MFA device that works and is not here, a phone: where an account demands MFA
// already, a code of it authorizes the first device of this computer.
type otherDevice struct {
	serial   string
	codeFile string
}

func (o *otherDevice) define(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.serial, "mfa-serial", "", "if the account already requires MFA: the serial (`ARN`) of a device that works, such as your phone")
	cmd.Flags().StringVar(&o.codeFile, "mfa-code-file", "", "read its current code from `FILE`, or from stdin for -, instead of asking for it")
	rare(cmd, "mfa-serial", "mfa-code-file")
	needs(cmd, "mfa-serial", "mfa-code-file")
}

// otherSession is how long a session lasts that is made with a typed code: as long as the change
// needs.
const otherSession = 15 * time.Minute

// typedSession makes a session with a typed code. If there is no one to type it, the error is
// enroll.ErrNoSession.
func (m *manager) typedSession(ctx context.Context, p *opened, key creds.AccessKey) (creds.Credentials, error) {
	devices := []string{m.other.serial}
	if m.other.serial == "" {
		devices = m.devices(ctx)
	}
	if store, serial := m.seedHere(ctx, devices); store != "" && m.other.codeFile == "" {
		return m.sessionWith(ctx, p, proven{m, key, store, serial}, session.Options{})
	}
	serial, err := m.otherDevice(ctx, devices)
	if err != nil {
		return creds.Credentials{}, err
	}
	client := awsapi.New(p.awsOptions())
	for try := 1; ; try++ {
		code, err := m.otherCode(ctx, serial)
		if err != nil {
			return creds.Credentials{}, err
		}
		m.sent = append(m.sent, code)
		result := client.Call(ctx, awsapi.Request{Key: key, Serial: serial, Code: code, Duration: otherSession, Skew: m.clock.Skew()})
		if awsapi.KindOf(result.Err) != awsapi.CodeRefused {
			return result.Credentials, result.Err
		}
		err = fault.New(fault.Refused, "MFA device "+serial, "wait for its next code and give that", "AWS refused the code: it was used before, mistyped, or from another device")
		if m.other.codeFile != "" || try == tries {
			return creds.Credentials{}, err
		}
		m.ask.complain(err)
	}
}

// otherDevice returns the serial of the other device: the one named, or the one that is chosen.
func (m *manager) otherDevice(ctx context.Context, devices []string) (string, error) {
	switch {
	case m.other.serial != "":
		return profile.CheckSerial("--mfa-serial", m.other.serial)
	case m.other.codeFile != "" || !m.ask.present():
		return "", enroll.ErrNoSession
	}
	prompt, suggestion := "The account requires MFA. Serial (ARN) of a device that works, such as your phone's", ""
	switch len(devices) {
	case 0:
		prompt += " (the console shows it under Security credentials)"
	case 1:
		suggestion = devices[0]
	default:
		m.show("The user has these MFA devices:\n  %s", strings.Join(devices, "\n  "))
	}
	return m.ask.serial(ctx, prompt, "--mfa-serial ARN", suggestion)
}

// seedHere finds one of the devices whose seed another profile of this computer has, and its store: nobody
// has to type a code of it.
func (m *manager) seedHere(ctx context.Context, serials []string) (store, serial string) {
	files, err := m.loadFiles()
	if err != nil {
		return "", ""
	}
	for _, serial := range serials {
		for _, name := range edit.Sharing(files, serial) {
			own, _, err := edit.ReadOwn(files, name)
			if err != nil || own.WhereSeed() == "" || own.WhereSeed() == keystore.KindEnv {
				continue
			}
			items, err := m.Open(own.WhereSeed())
			if err != nil {
				continue
			}
			if _, err := items.Seed(ctx, serial); err == nil {
				return own.WhereSeed(), serial
			}
		}
	}
	return "", ""
}

// devices returns the serials of the user's devices that make codes; none if AWS does not say.
func (m *manager) devices(ctx context.Context) (serials []string) {
	api, err := m.dial(ctx, false)
	if err != nil {
		return nil
	}
	all, err := api.ListMFADevices(ctx, "")
	if err != nil {
		return nil
	}
	for _, device := range all {
		if serial, err := profile.CheckSerial("", device.Serial); err == nil {
			serials = append(serials, serial)
		}
	}
	return serials
}

// otherCode returns a code that was not sent yet. It is good for one call only, so that it may be seen.
func (m *manager) otherCode(ctx context.Context, serial string) (creds.Secret, error) {
	if m.other.codeFile != "" {
		text, err := m.ask.text(ctx, "--mfa-code-file", m.other.codeFile)
		if err != nil {
			return creds.Secret{}, err
		}
		return m.typedCode("--mfa-code-file", text)
	}
	return insist(ctx, &m.ask, m.ask.line, fmt.Sprintf("Its current code (%s)", serial), "--mfa-code-file FILE", func(text string) (creds.Secret, error) { return m.typedCode("", text) })
}

// typedCode returns the code in text, which apps show in two groups. from is the flag that gave it, or "".
func (m *manager) typedCode(from, text string) (creds.Secret, error) {
	text = strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(text)
	code := creds.NewSecret(text)
	switch {
	case len(text) != 6 || strings.Trim(text, "0123456789") != "":
		return creds.Secret{}, fault.New(fault.Usage, from, "give the six digits that the device shows now", "a code has six digits")
	case slices.ContainsFunc(m.sent, code.Equal):
		return creds.Secret{}, fault.New(fault.Usage, from, "wait for the next one", "this code was already sent")
	}
	return code, nil
}
