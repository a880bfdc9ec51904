package awsapi

import (
	"errors"
	"fmt"
	"testing"

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
	err := fmt.Errorf("enrol: %w", &Error{Kind: Lost, Err: fault.New(fault.Network, "host", "try", "reset")})
	if KindOf(err) != Lost || fault.KindOf(err) != fault.Network || fault.Line(err) != "host: reset; try" {
		t.Errorf("%s, %d, %q", KindOf(err), fault.KindOf(err), fault.Line(err))
	}
	if KindOf(errors.New("x")) != None || KindOf(nil) != None {
		t.Error("a kind out of nothing")
	}
}

// TestNames: every kind has words of its own, every state of a request, too.
func TestNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for k := None; k <= CodeOutOfDate; k++ {
		if name := k.String(); name == "" || seen[name] {
			t.Errorf("kind %d: %q", k, name)
		}
		seen[k.String()] = true
	}
	if CodeOutOfDate.String() != "code out of date" || Answered.String() != "answered" {
		t.Error("the names do not fit the kinds")
	}
}

// TestDeliveryOf: what is not known to be unsent may have been seen.
func TestDeliveryOf(t *testing.T) {
	t.Parallel()
	lost := &Error{Kind: Unreachable, Delivery: Unsent, Err: fault.New(fault.Network, "", "", "x")}
	for want, err := range map[Delivery]error{Answered: nil, Unknown: errors.New("x"), Unsent: fmt.Errorf("x: %w", lost)} {
		if got := DeliveryOf(err); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}
