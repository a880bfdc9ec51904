package profile

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// TestPool: our own settings may name several devices, the AWS tools' may not.
func TestPool(t *testing.T) {
	t.Parallel()
	second, odd := serial+"-2", "arn:aws:iam::123456789012:mfa/a,b=c@d"
	for name, text := range map[string]string{
		"spaces":   serial + " " + second + "  " + odd,
		"tabs":     serial + "\t" + second + "\t" + odd + " ",
		"comments": serial + " " + second + " " + odd + " # three",
	} {
		s := resolve(t, "", "[x]\nmfa_serial = "+text+"\n")
		if s.Serial != serial || !slices.Equal(s.Others, []string{second, odd}) {
			t.Errorf("%s: %q and %q", name, s.Serial, s.Others)
		}
	}
	env := environment()
	env.Identity, env.AccessKeyID, env.Serial = true, "AKIAIOSFODNN7EXAMPLE", serial+"\n"+second+"\n"
	if s, err := load(t, "", "").Resolve(Call{Profile: "x"}, env); err != nil || !slices.Equal(s.Devices(), []string{serial, second}) {
		t.Errorf("environment: %q, %v", s.Devices(), err)
	}
	for name, c := range map[string]struct{ aws, own, want string }{
		"AWS config": {aws: "[profile x]\nmfa_serial = " + serial + " " + second + "\n", want: "U+0020"},
		"twice":      {own: "[x]\nmfa_serial = " + serial + " " + second + " " + serial + "\n", want: "named twice"},
		"nine":       {own: "[x]\nmfa_serial = " + nine() + "\n", want: "9 MFA devices"},
		"nonsense":   {own: "[x]\nmfa_serial = " + serial + " nonsense\n", want: `"nonsense" is not`},
	} {
		_, err := load(t, c.aws, c.own).Resolve(Call{Profile: "x"}, environment())
		if fault.KindOf(err) != fault.Config || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func nine() string {
	var all []string
	for i := range 9 {
		all = append(all, serial+string(rune('a'+i)))
	}
	return strings.Join(all, " ")
}
