package edit

import (
	"context"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// RemoveStaticKey deletes the access key of the profile name, in all its parts and however
// often it stands there, from a file of the AWS tools. The other keys of the section and
// all comments stay; a section with no key left goes.
//
// A copy of the file as it was stays beside it, as NAME.aws-mfa-creds-backup, or with a number
// behind if there is one already, unless NoBackup is set. It is private, but it has the key in clear.
func (e Editor) RemoveStaticKey(ctx context.Context, source profile.StaticFile, name string) (Change, error) {
	if name == "" {
		return Change{}, fault.New(fault.Usage, "--profile", "give the name of a profile", "is empty")
	}
	var t *target
	err := e.transact(ctx, func() (_ []*target, err error) {
		if t, err = openTarget(e.Paths.Static(source), false); err != nil {
			return nil, err
		}
		t.backup = !e.NoBackup
		return []*target{t}, t.edit(source.Dialect(), name, (*edit).removeStaticKey)
	})
	if err != nil {
		return Change{}, err
	}
	return t.change(), nil
}

func (e *edit) removeStaticKey() error {
	before := len(e.file.Data)
	for _, key := range profile.StaticKeyNames() {
		if err := e.remove(key); err != nil {
			return err
		}
	}
	if len(e.file.Data) == before {
		return nil
	}
	return e.removeIfEmpty()
}
