package profile

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// Registration is what register writes into a profile of the AWS config: a command for the
// SDKs to run, or a role for them to assume. Exactly one of Command and RoleARN is set.
type Registration struct {
	Command string // credential_process, as CommandLine makes it

	RoleARN       string
	SourceProfile string        // whose credentials assume the role
	ExternalID    string        // "": none
	SessionName   string        // "": the SDK makes one
	Duration      time.Duration // whole seconds; 0: the SDK's default

	// Region and Output, if they are not "", are written where the profile does not have
	// them yet, and with Force in any case.
	Region string
	Output string
	Force  bool
}

// Registered is what Register or Unregister has done, or with DryRun would do.
type Registered struct {
	Config Change // of the AWS config
	Own    Change // of profiles.ini, which remembers what was there before

	// Others are the keys of the profile beside those of the registration, sorted. SDK
	// for .NET refuses such a profile, and with static keys, role_arn or source_profile
	// among them most SDKs do not run the command.
	Others []string
}

// Register writes r into the profile name of the AWS config, and makes the profile if it
// is not there. What it adds and replaces is remembered in profiles.ini, for Unregister. To
// register again updates what register wrote, and nothing else.
//
// A section that SDKs do not agree on, such as that of [ profile x ], is a *fault.Error of kind
// Config.
func (e Editor) Register(ctx context.Context, name string, r Registration) (Registered, error) {
	return e.editBoth(ctx, name, func(aws, own *edit) error {
		if err := aws.checkSection(); err != nil {
			return err
		}
		past, err := recall(own)
		if err != nil {
			return err
		}
		now, err := aws.register(r, past)
		if err != nil {
			return err
		}
		return now.remember(own)
	}, r.keys())
}

// Unregister takes back what Register did: lines that it added go, those that it replaced
// come back as they were, and a section that it made goes if nothing else is in it. A value
// that was changed by hand since is not touched. If nothing is remembered, as for a profile that was
// written by hand, only a credential_process that runs program goes.
func (e Editor) Unregister(ctx context.Context, name, program string) (Registered, error) {
	return e.editBoth(ctx, name, func(aws, own *edit) error {
		past, err := recall(own)
		if err != nil {
			return err
		}
		if err := aws.unregister(past, program); err != nil {
			return err
		}
		if err := own.remove(keyRegistered); err != nil || past.empty() {
			return err
		}
		return own.removeIfEmpty()
	}, nil)
}

// editBoth changes the profile's sections in both files.
func (e Editor) editBoth(ctx context.Context, name string, work func(aws, own *edit) error, known []string) (Registered, error) {
	if err := checkName(name); err != nil {
		return Registered{}, err
	}
	var result Registered
	var aws, own *target
	err := e.transact(ctx, func() (_ []*target, err error) {
		if aws, err = openTarget(e.Paths.AWSConfig, false); err != nil {
			return nil, err
		}
		if own, err = openTarget(e.Paths.Own, true); err != nil {
			return nil, err
		}
		err = aws.edit(awsConfig, name, func(a *edit) error {
			err := own.edit(ownConfig, name, func(o *edit) error { return work(a, o) })
			result.Others = a.file.keys(name, known)
			return err
		})
		// The memory takes its place first: without it, what was replaced would be lost.
		return []*target{own, aws}, err
	})
	if err != nil {
		return Registered{}, err
	}
	result.Config, result.Own = aws.change(), own.change()
	return result, nil
}

// keys are those that a registration may consist of. For .NET nothing else may be beside a
// command.
func (r Registration) keys() []string {
	if r.Command != "" {
		return []string{keyCommand, keyRegion, keyOutput}
	}
	return []string{keyRole, keySource, keyExternalID, keySessionName, keySeconds, keyRegion, keyOutput}
}

// lines are the keys that are written in any case, and their values.
func (r Registration) lines() ([][2]string, error) {
	if (r.Command == "") == (r.RoleARN == "") || (r.RoleARN == "") != (r.SourceProfile == "") {
		return nil, fault.New(fault.Usage, "--role-arn", "give a role and a source profile, or neither", "a registration is either of a command or of a role with its source profile")
	}
	seconds := ""
	if r.Duration > 0 {
		seconds = strconv.FormatInt(int64(r.Duration/time.Second), 10)
	}
	all := [][2]string{
		{keyCommand, r.Command},
		{keyRole, r.RoleARN},
		{keySource, r.SourceProfile},
		{keyExternalID, r.ExternalID},
		{keySessionName, r.SessionName},
		{keySeconds, seconds},
	}
	return slices.DeleteFunc(all, func(l [2]string) bool { return l[1] == "" }), nil
}

// register writes the registration and returns what is to be remembered of it.
func (e *edit) register(r Registration, past memory) (memory, error) {
	wanted, err := r.lines()
	if err != nil {
		return memory{}, err
	}
	now := memory{Section: past.Section || len(e.file.spellings(e.name)) == 0}
	for _, l := range [][2]string{{keyRegion, r.Region}, {keyOutput, r.Output}} {
		if l[1] != "" && (r.Force || e.free(l[0], past)) {
			wanted = append(wanted, l)
		}
	}
	for _, l := range wanted {
		if err := e.registerLine(l[0], l[1], past, &now); err != nil {
			return memory{}, err
		}
	}
	return now, e.settle(past, &now)
}

// free reports whether register may write the key: nobody else has.
func (e *edit) free(key string, past memory) bool {
	n, ok := e.file.last(e.name, key)
	return !ok || past.wrote(key, n.value())
}

// registerLine sets key and remembers what stood there before register came.
func (e *edit) registerLine(key, text string, past memory, now *memory) error {
	n, ok := e.file.last(e.name, key)
	switch {
	case ok && len(n.more) > 0:
		return e.file.fault(n.more[0].offset, "begin the line at the margin", "it is indented, and so a part of the value of %s above it", key)
	case ok && past.wrote(key, n.value()):
		now.keep(key, text, past.Was[key])
	case ok && n.reads(e.file.restated(n, key, text)):
		return nil // it was there before, and is not ours to take away
	case ok:
		now.keep(key, text, string(e.file.data[n.offset:textEnd(e.file.data, n.offset)]))
	default:
		now.keep(key, text, "")
	}
	return e.set(key, text)
}

// settle deals with what register wrote formerly and is not asked for now. A region and an
// output stay. What belongs to the other form of registration, or to a role of other terms, is
// taken back, because no SDK accepts both forms in one profile.
func (e *edit) settle(past memory, now *memory) error {
	for _, key := range slices.Sorted(maps.Keys(past.Set)) {
		text := past.Set[key]
		n, ok := e.file.last(e.name, key)
		if _, again := now.Set[key]; again || !ok || n.value() != text {
			continue
		}
		if key == keyRegion || key == keyOutput {
			now.keep(key, text, past.Was[key])
			continue
		}
		if err := e.takeBack(key, text, past); err != nil {
			return err
		}
	}
	return nil
}

func (e *edit) unregister(past memory, program string) error {
	if n, ok := e.file.last(e.name, keyCommand); ok && program != "" && strings.Contains(n.value(), program) {
		// Also if somebody has changed the path of the program in it.
		past.keep(keyCommand, n.value(), past.Was[keyCommand])
	}
	for _, key := range slices.Sorted(maps.Keys(past.Set)) {
		if err := e.takeBack(key, past.Set[key], past); err != nil {
			return err
		}
	}
	if past.Section {
		return e.removeIfEmpty()
	}
	return nil
}

// takeBack undoes one line, if it still is as register wrote it.
func (e *edit) takeBack(key, text string, past memory) error {
	n, ok := e.file.last(e.name, key)
	if !ok || n.value() != text || len(n.more) > 0 {
		return nil
	}
	data, was := e.file.data, past.Was[key]
	if was == "" {
		return e.rescan(cutLine(data, n.offset))
	}
	return e.splice(data, n.offset, textEnd(data, n.offset), was)
}

// keys returns the keys in all spellings of a section but some, sorted, each once.
func (f *file) keys(name string, without []string) []string {
	var keys []string
	for _, h := range f.spellings(name) {
		for _, n := range statements(f.data, h) {
			if key := n.key(); key != "" && !slices.Contains(without, key) {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
