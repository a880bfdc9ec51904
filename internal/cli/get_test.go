package cli

import (
	"reflect"
	"testing"

	"github.com/spf13/pflag"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// TestParseGet compares the command with what is read of its flags without pflag, on the warm path and
// in the lines of the AWS config: each that takes a value, in both spellings, and none of the others.
func TestParseGet(t *testing.T) {
	t.Parallel()
	cmd := newGetCommand(&app{})
	var apart, joined []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Value.Type() != "string" {
			if _, rest := profile.ParseGet([]string{"--profile", "work", "--" + f.Name}); len(rest) == 0 {
				t.Errorf("--%s is taken, and nothing is known of it", f.Name)
			}
			return
		}
		if _, rest := profile.ParseGet([]string{"--" + f.Name + "="}); len(rest) == 0 {
			t.Errorf("--%s is taken without a value", f.Name)
		}
		apart = append(apart, "--"+f.Name, "the-"+f.Name)
		joined = append(joined, "--"+f.Name+"=the-"+f.Name)
	})
	want := profile.Call{Profile: "the-profile", Flags: profile.Flags{
		RoleARN: "the-role-arn", RoleSessionName: "the-role-session-name", ExternalID: "the-external-id", Duration: "the-duration",
	}}
	for _, args := range [][]string{apart, joined} {
		if call, rest := profile.ParseGet(args); call != want || len(rest) > 0 {
			t.Errorf("%q: %+v, and %q is left", args, call, rest)
		}
	}
	if want := 1 + reflect.TypeFor[profile.Flags]().NumField(); len(joined) != want {
		t.Errorf("get has %d flags that take a value, and %d are known", len(joined), want)
	}
}
