package cli

import (
	"context"
	"fmt"
	"io/fs"
	"os"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/doctor"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// fixed is one thing that --fix has done, or could not do.
type fixed struct {
	ID      string `json:"id"`
	Profile string `json:"profile,omitempty"`
	Done    string `json:"done"`
	Problem string `json:"problem,omitempty"`
}

// fixAll makes the changes that findings name, each once.
func (a *app) fixAll(ctx context.Context, found []doctor.Finding) (all []fixed) {
	type change struct {
		doctor.Fix
		profile string
	}
	seen := make(map[change]bool)
	for _, f := range found {
		if f.Fix == nil {
			continue
		}
		c := change{*f.Fix, ""}
		if f.Fix.Kind == doctor.Rewrite {
			c.profile = f.Profile
		}
		if seen[c] {
			continue
		}
		seen[c] = true
		done, err := a.fix(ctx, f)
		result := fixed{ID: f.ID, Profile: f.Profile, Done: done}
		if err != nil {
			result.Problem = fault.Line(err)
		}
		all = append(all, result)
	}
	return all
}

// fix makes one change and tells what it was.
func (a *app) fix(ctx context.Context, f doctor.Finding) (done string, err error) {
	switch f.Fix.Kind {
	case doctor.Protect:
		return "took permissions of others from " + f.Fix.Path, protect(f.Fix.Path, f.Fix.Take)
	case doctor.Sweep:
		return "removed what killed processes have left in " + f.Fix.Path, a.sweep(f.Fix.Path)
	case doctor.Rewrite:
		return "wrote credential_process of " + fault.Printable(f.Profile) + " anew", a.rewrite(ctx, f.Profile)
	}
	return "", fmt.Errorf("no change of kind %d", f.Fix.Kind)
}

// protect takes permissions away. What has been opened is changed, not
// what may be at its path by then.
func protect(path string, take fs.FileMode) error {
	file, err := os.Open(path) //nolint:gosec // one of ours, or of the AWS tools
	if err != nil {
		return securefile.Fault(path, err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err == nil {
		err = file.Chmod(info.Mode().Perm() &^ take)
	}
	if err != nil {
		return securefile.Fault(path, err)
	}
	return nil
}

func (a *app) sweep(path string) error {
	dir, err := securefile.OpenDir(path, securefile.Writable)
	if err != nil {
		return securefile.Fault(path, err)
	}
	defer func() { _ = dir.Close() }()
	if err := dir.Sweep(a.now().Add(-securefile.Abandoned)); err != nil {
		return securefile.Fault(path, err)
	}
	return nil
}

// rewrite writes the registration of a profile again, as its command asks for it, with the path of
// this program, unless that will be gone soon.
func (a *app) rewrite(ctx context.Context, name string) error {
	path, err := programPath("")
	if err != nil {
		return err
	}
	if temporary(path) {
		return fault.New(fault.Usage, path, "install it first", "it is in a directory for temporary files")
	}
	files, err := a.loadFiles()
	if err != nil {
		return err
	}
	o, err := kept(files, registerOptions{profile: name})
	if err != nil {
		return err
	}
	registration, err := o.registration()
	if err != nil {
		return err
	}
	_, err = a.editor().Register(ctx, name, registration)
	return err
}
