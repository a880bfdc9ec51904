package cli

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/enroll"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
)

// changes are what a command is about to do. "" and nil: nothing of that.
type changes struct {
	profile string   // that is written to profiles.ini
	region  string   // that it gets
	device  string   // the name of its new MFA device
	stores  []string // that get a secret
	files   []string // of the AWS tools, that are rewritten
}

// preflight looks for what would stop the changes half-way, before the first of them. It changes nothing.
// The access key and what the AWS config has already are looked at by checkKey and mayRegister.
func (a *app) preflight(files *profile.Files, c changes) error {
	if !slices.Contains(files.Names(), c.profile) { // one that is there is somebody's choice
		if err := profile.CheckName(c.profile); err != nil {
			return err
		}
	}
	if c.region != "" {
		if err := profile.CheckRegion("--region", c.region); err != nil {
			return err
		}
	}
	if c.device != "" {
		if err := enroll.CheckName(c.device); err != nil {
			return err
		}
	}
	dir, err := a.configDir()
	if err != nil {
		return err
	}
	paths := append([]string{a.editor().Paths.Own}, c.files...)
	if slices.Contains(c.stores, keystore.KindAge) {
		paths = append(paths, filepath.Join(dir, "age", "new"))
	}
	for _, path := range paths {
		if err := edit.CheckWritable(path); err != nil {
			return err
		}
	}
	return nil
}

// sayNext names the command that makes the AWS CLI and the SDKs able to use the profile, if something is
// left to do.
func (a *app) sayNext(name string) error {
	files, err := a.loadFiles()
	if err != nil {
		return err
	}
	p, err := a.openIn(files, getOptions{profile: name, fresh: true})
	if err != nil {
		return err
	}
	switch quoted := fault.Shell(p.Settings.Identity); {
	case !p.HasKey() && ofRoot(p.Settings.Serial): // it should have none
	case !p.HasKey() || p.deviceReady() != nil:
		a.say("Next, set up the rest: %s setup --profile %s", program, quoted)
	case !p.KeyFromEnv() && !files.Used()[p.Settings.Identity]:
		a.say("Next, let the AWS CLI and the SDKs use the profile: %s register --profile %s", program, quoted)
	}
	return nil
}

// unfinished returns what an earlier run has left undone, as list and doctor show it; "" if nothing.
func (a *app) unfinished(name string) string {
	dir, err := a.configDir()
	if err != nil {
		return ""
	}
	m := enroll.Manager{Profile: name, JournalDir: journalDir(dir)}
	var all []string
	for _, about := range []enroll.Subject{enroll.Device, enroll.AccessKey, enroll.Console} {
		e, ok, err := m.Unfinished(about)
		switch {
		case err != nil:
			all = append(all, fault.Line(err))
		case ok && e.Phase != enroll.Awaiting:
			all = append(all, e.Line(name))
		}
	}
	return strings.Join(all, "; ")
}
