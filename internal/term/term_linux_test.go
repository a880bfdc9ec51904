package term

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

// roleVar makes the test binary a program that asks.
const roleVar = "AWS_MFA_CREDS_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVar)
	if role == "" {
		os.Exit(m.Run())
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	t, err := Open()
	if err != nil {
		fmt.Println("answer:", err)
		os.Exit(1)
	}
	var answer any
	switch role {
	case "line":
		answer, err = t.Line(ctx, "Name")
	case "secret":
		s, failed := t.Secret(ctx, "Seed")
		answer, err = len(s.Reveal()), failed
	case "confirm":
		answer, err = t.Confirm(ctx, "Sure?")
	}
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(2)
	}
	fmt.Println("answer:", answer)
}

// ask starts the program on a terminal of its own, with stdin and stdout elsewhere.
func ask(t *testing.T, role string) (*terminal.Console, *strings.Builder) {
	t.Helper()
	var stdout strings.Builder
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), roleVar+"="+role)
	cmd.Stdin, cmd.Stdout = strings.NewReader("not this\n"), &stdout
	console, err := terminal.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return console, &stdout
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAsks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ role, prompt, typed, stdout, shown string }{
		"line":             {"line", "Name: ", "  alice \n", "answer: alice\n", "Name:   alice \r\n"},
		"secret":           {"secret", "Seed (not shown): ", "JBSWY3DP\n", "answer: 8\n", "Seed (not shown): \r\n"},
		"corrected secret": {"secret", "Seed (not shown): ", "JBX\x7fSWY3DP\n", "answer: 8\n", "Seed (not shown): \r\n"},
		"yes":              {"confirm", "Sure? [y/N]: ", "Yes\n", "answer: true\n", "Sure? [y/N]: Yes\r\n"},
		"nothing":          {"confirm", "Sure? [y/N]: ", "\n", "answer: false\n", "Sure? [y/N]: \r\n"},
		"something":        {"confirm", "Sure? [y/N]: ", "yup\n", "answer: false\n", "Sure? [y/N]: yup\r\n"},
		"end of input":     {"line", "Name: ", "\x04", "failed: EOF\n", "Name: \r\n"},
		"interrupt":        {"line", "Name: ", "\x03", "failed: ", "Name: ^C\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			console, stdout := ask(t, test.role)
			must(t, console.Expect(test.prompt))
			must(t, console.Type(test.typed))
			if _, err := console.Wait(); err != nil {
				t.Fatal(err)
			}
			if got := console.Shown(); got != test.shown || !strings.HasPrefix(stdout.String(), test.stdout) {
				t.Errorf("shown %q, stdout %q", got, stdout)
			}
		})
	}
}

// TestEchoComesBack interrupts a hidden prompt: whoever uses the terminal next sees what is typed.
func TestEchoComesBack(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", "trap : INT; "+roleVar+"=secret "+os.Args[0]+"; echo over; read line; echo got $line")
	console, err := terminal.Start(cmd)
	must(t, err)
	must(t, console.Expect("(not shown): "))
	must(t, console.Type("hidden\x03"))
	must(t, console.Expect("over"))
	must(t, console.Type("plain\n"))
	must(t, console.Expect("plain\r\n"))
	must(t, console.Expect("got plain"))
	if _, err := console.Wait(); err != nil || strings.Contains(console.Shown(), "hidden") {
		t.Errorf("%v: %q", err, console.Shown())
	}
}

func TestNoTerminal(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "setsid", os.Args[0])
	cmd.Env = append(os.Environ(), roleVar+"=line")
	out, err := cmd.Output()
	exit, _ := errors.AsType[*exec.ExitError](err)
	if exit == nil || exit.ExitCode() != 1 || string(out) != "answer: "+ErrNone.Error()+"\n" {
		t.Errorf("%v: %q", err, out)
	}
}
