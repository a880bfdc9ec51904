package cli

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/doctor"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/endpoint"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
)

// profile gathers the facts about one profile.
func (d *diagnosis) profile(ctx context.Context, name string) doctor.Profile {
	p := doctor.Profile{Name: name}
	for _, s := range d.sections {
		if s.Profile == name {
			p.Sections = append(p.Sections, s)
			p.Serial = valueOf(s, "mfa_serial")
		}
	}
	asked, role := d.command(&p)
	own, known, err := edit.ReadOwn(d.files, name)
	p.InOwn, p.Used = known, d.used[name]
	if err == nil && own.Serial != "" {
		p.Serial = own.Serial
	}
	static, err := d.files.StaticKeys(name)
	for _, s := range static {
		p.Static = append(p.Static, doctor.StaticKey{Place: s.Place, Credentials: s.File == 0, Temporary: s.Temporary})
	}
	if role || err != nil {
		p.Unusable = err
		return p // an SDK assumes it, from the session of another profile
	}
	w, err := d.open(wanted{profile: asked.profile, flags: asked.flags, files: d.files})
	if err != nil {
		p.Unusable = err
		return p
	}
	d.settings(&p, w)
	if p.Unusable = w.ready(); p.Unusable != nil {
		return p
	}
	d.secrets(ctx, &p, w)
	d.history(&p, w)
	if d.options.online && p.Key == nil {
		p.Online = d.ask(ctx, w, p)
	}
	return p
}

// command gathers what the AWS config has consumers run. It returns how they call get, and whether the
// profile is a role for an SDK to assume from another profile of ours.
func (d *diagnosis) command(p *doctor.Profile) (asked getOptions, role bool) {
	line := d.files.CredentialProcess(p.Name)
	if !doctor.Ours(line) {
		return getOptions{profile: p.Name}, line == "" && d.assumedBySDK(p.Sections)
	}
	c := doctor.Command{Line: line}
	for _, s := range p.Sections {
		for _, o := range s.Options {
			if o.Key == "credential_process" {
				c.Place = o.Place
			}
		}
	}
	c.Program, _ = doctor.FirstWord(line)
	c.State = stateOf(c.Program)
	c.Temp = temporary(c.Program)
	asked, c.Accepted = parseProcess(line)
	if !c.Accepted {
		asked = getOptions{profile: p.Name}
	}
	p.Command, p.Register = c, registerCommand(p.Name, asked)
	return asked, false
}

// assumedBySDK reports whether the sections are of a role whose source is a profile that this program is
// the credential process of. What such a profile needs, that one has.
func (d *diagnosis) assumedBySDK(sections []doctor.Section) bool {
	for _, s := range sections {
		source := valueOf(s, "source_profile")
		if valueOf(s, "role_arn") != "" && source != s.Profile && doctor.Ours(d.files.CredentialProcess(source)) {
			return true
		}
	}
	return false
}

// sources returns the profiles on whose access key another profile lives.
func (d *diagnosis) sources() map[string]bool {
	used := make(map[string]bool)
	for _, s := range d.sections {
		source := valueOf(s, "source_profile")
		if line := valueOf(s, "credential_process"); doctor.Ours(line) {
			asked, _ := parseProcess(line)
			source = asked.profile
		}
		if source != s.Profile {
			used[source] = true
		}
	}
	return used
}

// registerCommand is what writes the same registration anew.
func registerCommand(name string, o getOptions) string {
	words := []string{program, "register", "--profile", fault.Shell(name)}
	source := o.profile
	if source == name {
		source = ""
	}
	for _, flag := range [][2]string{
		{"--source-profile", source},
		{"--role-arn", o.flags.RoleARN},
		{"--role-session-name", o.flags.RoleSessionName},
		{"--external-id", o.flags.ExternalID},
		{"--duration", o.flags.Duration},
	} {
		if flag[1] != "" {
			words = append(words, flag[0], fault.Shell(flag[1]))
		}
	}
	return strings.Join(words, " ")
}

// stateOf tells what is at the path of a program. Of paths that depend on who asks, nothing is known.
func stateOf(path string) doctor.ProgramState {
	if !filepath.IsAbs(path) {
		return doctor.This
	}
	info, err := os.Stat(path)
	executable, failed := os.Executable()
	switch {
	case err != nil:
		return doctor.Gone
	case info.IsDir():
		return doctor.Directory
	case runtime.GOOS != "windows" && info.Mode()&0o111 == 0:
		return doctor.NotExecutable
	case failed == nil && !sameFile(path, executable):
		return doctor.Another
	}
	return doctor.This
}

// temporary reports whether a program is where things are only for a while.
func temporary(path string) bool {
	dir := filepath.Clean(os.TempDir()) + string(os.PathSeparator)
	return strings.HasPrefix(path, dir) || strings.Contains(path, "go-build")
}

// settings gathers what get would work with.
func (*diagnosis) settings(p *doctor.Profile, w *opened) {
	s := w.settings
	p.Notes, p.KeyStore, p.SeedStore, p.MFAProcess = s.Notes, s.KeyStore, s.SeedStore, s.MFAProcess
	p.Serial, p.Shortest = s.Serial, s.Duration
	for _, role := range s.Roles {
		p.Roles = append(p.Roles, role.ARN)
		p.Shortest = role.Duration // consumers see the last one
	}
	if u, err := url.Parse(s.Endpoint); err == nil && s.Endpoint != "" {
		p.Endpoint = doctor.Endpoint{Host: u.Host, Loopback: endpoint.Loopback(u.Hostname())}
	}
	p.CABundle = awsapi.CheckBundle(s.CABundle)
}

// secretFact is what is known of a secret without itself.
type secretFact struct {
	err  error
	bits int // of a seed
}

// secrets tries whether access key and seed can be read, each once however many profiles share it.
func (d *diagnosis) secrets(ctx context.Context, p *doctor.Profile, w *opened) {
	p.Key = d.once("key "+w.settings.KeyStore+" "+w.settings.Identity+" "+w.settings.AccessKeyID, func() secretFact {
		d.mayAsk(ctx, w.settings.KeyStore, w.settings.Identity)
		_, err := w.AccessKey(ctx)
		return secretFact{err: err}
	}).err
	if w.codeFromProgram() {
		return
	}
	seed := d.once("seed "+w.settings.SeedStore+" "+w.settings.Serial, func() secretFact {
		seed, err := w.Seed(ctx)
		return secretFact{err, seed.Bits()}
	})
	p.Seed, p.SeedBits = seed.err, seed.bits
}

func (d *diagnosis) once(name string, look func() secretFact) secretFact {
	if _, done := d.secretFacts[name]; !done {
		d.secretFacts[name] = look()
	}
	return d.secretFacts[name]
}

// mayAsk lets macOS ask whether this program may read the item: after an update it does not trust
// it any more, and get never asks.
func (d *diagnosis) mayAsk(ctx context.Context, store, identity string) {
	if store != keystore.KindKeychain || d.options.asJSON {
		return
	}
	ask := d.asker(false)
	defer ask.close()
	if items, err := d.items(store, ask); err == nil && ask.present() {
		_, _ = items.AccessKey(ctx, identity) // whether it helped shows in the next read
	}
}

// history gathers what is known of the sessions and of the clock.
func (d *diagnosis) history(p *doctor.Profile, w *opened) {
	for _, status := range w.broker.Status(w.plan) {
		p.Sessions = append(p.Sessions, sessionFact(status))
	}
	if cached, ok := w.broker.Cached(w.plan); ok && len(p.Sessions) > 0 {
		p.Sessions[0].Size = printed(cached)
	}
	p.Skew = w.clock.LoadClock().SkewAt(d.now())
}

// printed is the size of what get prints, in bytes.
func printed(c creds.Credentials) int {
	json, _ := c.ProcessJSON()
	defer clear(json)
	return len(json)
}

func sessionFact(s session.Status) doctor.Session {
	fact := doctor.Session{Role: s.RoleARN, Cached: s.Left > time.Minute}
	if s.Failure != nil {
		fact.Failure = &doctor.Failure{
			At: s.Failure.At, Until: s.Failure.Until, Err: s.Failure.Err(), Count: s.Failure.Count,
			Code: strings.Contains(s.Failure.Cause, "refused the token code"),
		}
	}
	return fact
}
