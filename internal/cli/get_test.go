package cli

import (
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/warm"
)

// TestWarmParsesTheFlagsOfGet compares the command with what the warm path makes of its flags: each that
// takes a value, in both spellings, and none of the others.
func TestWarmParsesTheFlagsOfGet(t *testing.T) {
	t.Parallel()
	apart, joined := []string{"get"}, []string{"get"}
	newGetCommand(&app{}).Flags().VisitAll(func(f *pflag.Flag) {
		if f.Value.Type() != "string" {
			if _, _, ok := warm.Parse([]string{"get", "--profile", "work", "--" + f.Name}); ok {
				t.Errorf("the warm path takes --%s, and knows nothing of it", f.Name)
			}
			return
		}
		apart = append(apart, "--"+f.Name, "the-"+f.Name)
		joined = append(joined, "--"+f.Name+"=the-"+f.Name)
	})
	for _, args := range [][]string{apart, joined} {
		var warmed getOptions
		var ok bool
		warmed.profile, warmed.flags, ok = warm.Parse(args)
		command, valid := parseProcess(program + " " + strings.Join(args, " "))
		if !ok || !valid || warmed != command {
			t.Errorf("%q: the warm path reads %+v (%v), the command %+v (%v)", args, warmed, ok, command, valid)
		}
	}
	if want := 1 + reflect.TypeFor[profile.Flags]().NumField(); len(joined)-1 != want {
		t.Errorf("get has %d flags that take a value, the warm path %d", len(joined)-1, want)
	}
}
