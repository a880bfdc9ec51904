package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
)

type removeOptions struct {
	profile string
	serial  string
	aws     bool
	other   otherDevice
}

func newRemoveCommand(a *app) *cobra.Command {
	var o removeOptions
	cmd := &cobra.Command{
		Use:   "remove [NAME]",
		Short: "Delete the stored access key and seed of a profile",
		Long: `Delete the access key and the seed of a profile from their stores, its section in profiles.ini, all
cached sessions, and what register wrote into the AWS config. A seed that another profile uses
stays. Other profiles get new sessions when they need them.

It does not contact AWS, where access key and MFA device exist until you delete them. Without its
seed the device generates no codes, so set up another one first. With --aws, the MFA device is
removed from IAM first; the access key stays there. Of a pool, all devices are; with --serial, that
one alone, and the profile stays.`,
		Example: `  aws-mfa-creds remove --profile work --aws`,
		RunE:    a.interactive(func(ctx context.Context) error { return runRemove(ctx, a, o) }),
	}
	profileFlag(cmd, &o.profile)
	cmd.Flags().BoolVar(&o.aws, "aws", false, "remove the MFA device from IAM too")
	cmd.Flags().StringVar(&o.serial, "serial", "", "with --aws: remove only the device with this serial (`ARN`)")
	needs(cmd, "aws", "serial")
	o.other.define(cmd)
	cmd.Flags().BoolVar(&a.ask.yes, "yes", false, "do not ask for confirmation")
	return cmd
}

func runRemove(ctx context.Context, a *app, o removeOptions) error {
	files, err := a.loadFiles()
	if err != nil {
		return err
	}
	gone, err := a.planRemoval(ctx, files, o)
	switch {
	case err != nil:
		return err
	case gone.own == (edit.Own{}):
		a.say("Nothing is stored for profile %s.", fault.Printable(o.profile))
		if _, called := profile.ParseProcess(files.CredentialProcess(o.profile).Value); called || gone.registered {
			a.say("To remove it from the AWS config, run: %s unregister --profile %s", program, fault.Shell(o.profile))
		}
		return nil
	case o.serial != "":
		return removeOne(ctx, a, o, gone.own)
	}
	if err := gone.confirm(ctx); err != nil {
		return err
	}
	if gone.aws {
		devices := gone.own.Devices()
		slices.Reverse(devices) // the first is the last to go: sessions are made with it
		if err := removeDevice(ctx, a, o, devices...); err != nil {
			return err
		}
		if err := gone.detach(ctx); err != nil {
			return err
		}
	}
	return gone.run(ctx)
}

// planRemoval finds what there is to remove, and what would stop that half-way.
func (a *app) planRemoval(ctx context.Context, files *profile.Files, o removeOptions) (gone removal, err error) {
	gone = removal{app: a, profile: o.profile, roles: a.roleProfiles(files, o.profile)}
	if gone.own, _, err = edit.ReadOwn(files, o.profile); err != nil {
		return gone, err
	}
	if _, gone.registered, err = edit.ReadRegistration(files, o.profile); err != nil {
		return gone, err
	}
	if gone.stray = gone.own == (edit.Own{}); gone.stray {
		gone.own = a.strayKey(ctx, o.profile)
	} else if err := a.mayRemove(ctx, files, o.profile, gone.registered); err != nil {
		return gone, err
	}
	gone.aws = o.aws && gone.own.Serial != ""
	gone.sharing = seedUsers(files, o.profile, gone.own, gone.own.Devices()...)
	return gone, nil
}

// mayRemove looks for what would stop the removal of a profile half-way.
func (a *app) mayRemove(ctx context.Context, files *profile.Files, name string, registered bool) error {
	trial, c := a.editor(), changes{profile: name}
	trial.DryRun = true
	if registered {
		c.files = []string{trial.Paths.AWSConfig}
		if _, err := trial.Unregister(ctx, name); err != nil {
			return err
		}
	}
	if _, err := trial.Remove(ctx, name); err != nil {
		return err
	}
	return a.preflight(files, c)
}

// strayKey finds the access key of a profile that profiles.ini does not know: versions before this one stored it
// for names that no section can have. Nobody is asked for a passphrase.
func (a *app) strayKey(ctx context.Context, name string) (own edit.Own) {
	for _, kind := range keystore.Kinds() {
		items, usable := a.usable(ctx, kind)
		if !usable {
			continue
		}
		if key, err := items.AccessKey(ctx, name); err == nil {
			return edit.Own{Store: kind, AccessKeyID: key.ID}
		}
	}
	return own
}

// roleProfiles returns the other profiles whose sessions come from the access key of name.
func (a *app) roleProfiles(files *profile.Files, name string) (roles []string) {
	for _, other := range othersThan(name, files.Names()) {
		s, err := files.Resolve(files.Registered(other), profile.Env{Getenv: a.getenv})
		if err == nil && s.Identity == name {
			roles = append(roles, other)
		}
	}
	return roles
}

// removeOne removes one device of a pool, and leaves the profile.
func removeOne(ctx context.Context, a *app, o removeOptions, own edit.Own) error {
	serial, err := ofPool(own.Devices(), o.serial)
	if err == nil {
		err = a.ask.confirm(ctx, "Permanently remove MFA device "+serial+" from IAM, and delete its seed?")
	}
	if err != nil {
		return err
	}
	return removeDevice(ctx, a, o, serial)
}

// removeDevice removes MFA devices of a profile from IAM, and their seeds from the store.
func removeDevice(ctx context.Context, a *app, o removeOptions, serials ...string) error {
	m, err := a.manager(ctx, o.profile, "", o.other)
	if err != nil {
		return err
	}
	result, err := m.RemoveDevice(ctx, serials[0], serials[1:]...)
	if err == nil {
		a.say("Removed %s of user %s from IAM, and %s from the store.", enumerated(serials), fault.Printable(result.User),
			map[bool]string{true: "the seed", false: "the seeds"}[len(serials) == 1])
	}
	return err
}

func othersThan(name string, names []string) []string {
	return slices.DeleteFunc(names, func(n string) bool { return n == name })
}

// seedUsers returns the other profiles whose codes are made of the seeds of these devices in the store of own.
func seedUsers(files *profile.Files, name string, own edit.Own, serials ...string) (users []string) {
	for _, serial := range serials {
		for _, other := range othersThan(name, edit.Sharing(files, serial)) {
			theirs, _, err := edit.ReadOwn(files, other)
			if err != nil || theirs.MFAProcess == "" && theirs.WhereSeed() == own.WhereSeed() {
				users = append(users, other)
			}
		}
	}
	slices.Sort(users)
	return slices.Compact(users)
}

// removal deletes all that is kept of one profile.
type removal struct {
	*app
	profile    string
	own        edit.Own
	stray      bool     // profiles.ini has nothing of it
	registered bool     // register has written it into the AWS config
	aws        bool     // its MFA device goes from IAM, too
	sharing    []string // the other profiles that use its seed
	roles      []string // the other profiles that use its access key
}

// losesSeed reports whether the device stays in IAM, and nothing makes its codes any more.
func (r removal) losesSeed() bool {
	kind := r.own.WhereSeed()
	return !r.aws && len(r.sharing) == 0 && r.own.Serial != "" && r.own.MFAProcess == "" && kind != "" && kind != keystore.KindEnv
}

// confirm asks whether to delete all this. To delete a seed whose device stays, which may lock the user
// out, takes more than a y.
func (r removal) confirm(ctx context.Context) error {
	if err := r.ask.confirm(ctx, r.question()); err != nil || r.ask.yes || !r.losesSeed() {
		return err
	}
	return r.ask.word(ctx, "Nothing generates the codes of "+enumerated(r.own.Devices())+" any more, unless a phone has a copy of the seed (see export).\nType the name of the profile to delete its seed", r.profile)
}

// detach takes the device, which is gone, from the profiles that shared it.
func (r removal) detach(ctx context.Context) error {
	for _, name := range r.sharing {
		left := false
		err := r.update(ctx, name, func(own *edit.Own) {
			if left = own.Serial != ""; !left {
				own.ForgetDevice()
			}
		})
		if err != nil {
			return err
		}
		if left {
			continue
		}
		r.say("Profile %s has no MFA device any more. To give it one, run: %s enroll --profile %s", fault.Printable(name), program, fault.Shell(name))
	}
	return nil
}

func (r removal) question() string {
	var secrets []string
	if kind := r.own.WhereKey(); kind != "" && r.own.AccessKeyID != "" {
		secrets = append(secrets, fmt.Sprintf("access key %s (%s)", r.own.AccessKeyID, kind))
	}
	if kind := r.own.WhereSeed(); kind != "" && r.own.Serial != "" && (r.aws || len(r.sharing) == 0) {
		secrets = append(secrets, fmt.Sprintf("the seed of %s (%s)", enumerated(r.own.Devices()), kind))
	}
	if r.aws {
		secrets = append(secrets, fmt.Sprintf("the MFA device %s in IAM", enumerated(r.own.Devices())))
	}
	rest := "settings and sessions"
	if r.registered {
		rest = "settings, sessions and registration"
	}
	rest = fmt.Sprintf("the %s of profile %s", rest, fault.Printable(r.profile))
	if len(secrets) == 0 {
		return "Delete " + rest + "?"
	}
	question := "Permanently delete " + enumerated(secrets) + "? T" + rest[1:] + " are deleted too."
	if r.aws && len(r.sharing) > 0 {
		question += " These profiles lose the device too: " + fault.Printable(strings.Join(r.sharing, ", ")) + "."
	}
	if len(r.roles) > 0 {
		question += " These profiles use its access key, and stop working: " + fault.Printable(strings.Join(r.roles, ", ")) + "."
	}
	return question + r.stays()
}

// stays says what IAM still has afterwards.
func (r removal) stays() string {
	var active []string
	if r.own.AccessKeyID != "" {
		active = append(active, "the access key")
	}
	if r.losesSeed() {
		active = append(active, "the MFA device (remove --aws removes it too)")
	}
	if len(active) == 0 {
		return ""
	}
	return " In IAM, " + enumerated(active) + " will stay active."
}

// enumerated joins things as a sentence does.
func enumerated(things []string) string {
	last := len(things) - 1
	if last < 2 {
		return strings.Join(things, " and ")
	}
	return strings.Join(things[:last], ", ") + ", and " + things[last]
}

// run takes back the registration, of which profiles.ini knows, deletes sessions and secrets, and
// the settings last: what an interruption leaves is found by the next run.
func (r removal) run(ctx context.Context) error {
	if err := r.unregister(ctx); err != nil {
		return err
	}
	if kind := r.own.WhereKey(); kind != "" && kind != keystore.KindEnv {
		items, err := r.items(kind, &r.ask)
		if err != nil {
			return err
		}
		// With the key goes that of a rotation that did not finish.
		if err := errors.Join(items.Store.Delete(ctx, keystore.KeyName(r.profile)), items.Store.Delete(ctx, keystore.NewKeyName(r.profile))); err != nil {
			return err
		}
	}
	if err := r.deleteSeed(ctx); err != nil {
		return err
	}
	cached, err := r.host().OpenCache(noKey())
	if err == nil {
		err = clearSessions(ctx, cached, r.own.Devices())
	}
	if err != nil {
		return err
	}
	if !r.stray {
		if _, err := r.editor().Remove(ctx, r.profile); err != nil {
			return err
		}
	}
	r.say("Deleted what was stored for profile %s.", fault.Printable(r.profile))
	return nil
}

// clearSessions deletes all sessions but those with the ids keep, because nothing tells those of a profile's
// earlier access keys from others: to get another costs one call. A get that has read the secrets is waited
// for; its session goes, too.
func clearSessions(ctx context.Context, cached *cache.Cache, serials []string, keep ...string) error {
	defer cached.Close()
	waiting, end := context.WithTimeout(ctx, time.Minute) // longer than any get lives
	defer end()
	for _, serial := range serials {
		if unlock, err := cached.Scope(rules.DeviceScope(serial)).Lock(waiting); err == nil {
			defer unlock()
		}
	}
	_, err := cached.Clear(keep...)
	return err
}

func (r removal) unregister(ctx context.Context) error {
	if !r.registered {
		return nil
	}
	done, err := r.editor().Unregister(ctx, r.profile)
	if err == nil && done.Config.Changed {
		r.say("Removed profile %s from %s.", fault.Printable(r.profile), done.Config.Path)
	}
	return err
}

func (r removal) deleteSeed(ctx context.Context) error {
	kind := r.own.WhereSeed()
	if kind == "" || kind == keystore.KindEnv {
		return nil
	}
	items, err := r.items(kind, &r.ask)
	if err == nil {
		err = r.forgetConsole(ctx, r.profile, items)
	}
	if err != nil || r.own.Serial == "" || r.aws { // with the device went its seed
		return err
	}
	files, err := r.loadFiles() // again: another profile may have come to use it while a person was asked
	if err != nil {
		return err
	}
	for _, serial := range r.own.Devices() {
		if users := seedUsers(files, r.profile, r.own, serial); len(users) > 0 {
			r.say("Kept the seed of %s: profile %s uses it.", serial, fault.Printable(users[0]))
		} else if err := items.DeleteSeed(ctx, serial); err != nil {
			return err
		}
	}
	return nil
}
