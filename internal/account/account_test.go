package account

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

func TestIdentity(t *testing.T) {
	t.Parallel()
	for arn, want := range map[string]struct {
		user, partition string
		root            bool
	}{
		"arn:aws:iam::123456789012:user/alice":                   {user: "alice", partition: "aws"},
		"arn:aws-cn:iam::123456789012:user/team/b/alice@example": {user: "alice@example", partition: "aws-cn"},
		"arn:aws:iam::123456789012:root":                         {root: true, partition: "aws"},
		"arn:aws:iam::123456789012:user/root":                    {user: "root", partition: "aws"},
		"arn:aws:sts::123456789012:assumed-role/user/x":          {partition: "aws"},
		"arn:aws:sts::123456789012:federated-user/bob":           {partition: "aws"},
		"":    {},
		"arn": {},
	} {
		i := Identity{ARN: arn}
		if i.User() != want.user || i.Partition() != want.partition || i.Root() != want.root {
			t.Errorf("%q: %q, %q, %t", arn, i.User(), i.Partition(), i.Root())
		}
	}
}

func TestDeviceName(t *testing.T) {
	t.Parallel()
	for serial, want := range map[string]string{
		"arn:aws:iam::123456789012:mfa/alice": "alice", "arn:aws:iam::123456789012:mfa/team/laptop": "laptop",
		"GAHT12345678": "", "arn:aws:iam::123456789012:sms-mfa/alice": "", "": "",
	} {
		if got := (Device{Serial: serial}).Name(); got != want {
			t.Errorf("%q: %q, want %q", serial, got, want)
		}
	}
}

// TestErrorTellsBoth: the orchestrator reads the reason, main the exit code.
func TestErrorTellsBoth(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("enrol: %w", &Error{Reason: Lost, Err: fault.New(fault.Network, "host", "try", "reset")})
	if ReasonOf(err) != Lost || fault.KindOf(err) != fault.Network || fault.Line(err) != "host: reset; try" {
		t.Errorf("%s, %d, %q", ReasonOf(err), fault.KindOf(err), fault.Line(err))
	}
	if ReasonOf(errors.New("x")) != Other || ReasonOf(nil) != Other {
		t.Error("a reason out of nothing")
	}
}

// TestNames: every reason has words, and every verdict of the connection a reason of its own.
func TestNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for r := Other; r <= CodeOutOfDate; r++ {
		if name := r.String(); name == "" || name == "?" || seen[name] {
			t.Errorf("reason %d: %q", r, name)
		}
		seen[r.String()] = true
	}
	if Reason(99).String() != "?" {
		t.Error("a name for no reason")
	}
	for v, want := range map[exchange.Verdict]Reason{
		exchange.OK: Other, exchange.Refused: Other, exchange.CodeRefused: CodeRefused, exchange.ClockRefused: ClockRefused, exchange.Throttled: Throttled,
		exchange.ServerError: ServerError, exchange.Lost: Lost, exchange.Unreachable: Unreachable, exchange.CodeOutOfDate: CodeOutOfDate,
	} {
		if got := ReasonFor(v); got != want {
			t.Errorf("verdict %d: %s", v, got)
		}
	}
}
