// Command run installs what the tests use, where it can, runs all of them, and ends with what was skipped
// and why. It needs git and Go; flags and packages are those of go test:
//
//	go run ./test/run [-no-install] [flags of go test] [packages]
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

const module = "github.com/aws-mfa-creds/aws-mfa-creds"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	began := time.Now()
	if slices.ContainsFunc(args, func(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }) {
		fmt.Println("usage: go run ./test/run [-no-install] [flags of go test] [packages]")
		return 0
	}
	noInstall := func(arg string) bool { return arg == "-no-install" || arg == "--no-install" }
	if !slices.ContainsFunc(args, noInstall) {
		install(ctx)
	}
	args = slices.DeleteFunc(args, noInstall)
	r := newReport(os.Stdout)
	err := r.test(ctx, groups(args))
	r.summary(time.Since(began))
	switch {
	case ctx.Err() != nil:
		fmt.Println("interrupted")
		return 130
	case err != nil || r.failed > 0:
		return 1
	}
	return 0
}

func isPackage(arg string) bool {
	return arg == "." || strings.HasPrefix(arg, "./") || strings.HasPrefix(arg, module)
}

// install runs the scripts that install what the tests use. What cannot be had is not the end: the tests
// that need it are skipped, or fail where CI=true.
func install(ctx context.Context) {
	for _, program := range []string{"bash", "apt-get"} {
		if _, err := exec.LookPath(program); err != nil {
			fmt.Printf("nothing is installed, for want of %s: the tests of missing programs are skipped\n", program)
			return
		}
	}
	fmt.Println("installing what the tests use and this machine lacks, with apt and npm: five minutes the first time, or -no-install")
	for _, script := range []string{"scripts/install-test-tools", "scripts/install-clients"} {
		cmd := command(ctx, "bash", script)
		cmd.Stdout = os.Stdout
		if err := cmd.Run(); err != nil && ctx.Err() == nil {
			fmt.Printf("%s: %v\n", script, err)
		}
	}
}

// groups are the arguments of the calls of go test that run at once: the tests of whole processes mostly
// wait, and the others compute.
func groups(args []string) [][]string {
	if slices.ContainsFunc(args, isPackage) {
		return [][]string{args}
	}
	return [][]string{
		slices.Concat(args, []string{"./test/..."}),
		slices.Concat(args, []string{"./cmd/...", "./internal/...", "./packaging/..."}),
	}
}

// test runs go test and follows what it reports.
func (r *report) test(ctx context.Context, groups [][]string) error {
	rooms, err := newRooms()
	if err != nil {
		return err
	}
	env, results := rooms.env(ctx), make(chan error)
	for _, args := range groups {
		fmt.Fprintln(r.out, "go test "+strings.Join(args, " "))
		go func() { results <- goTest(ctx, r, env, args) }()
	}
	for range groups {
		err = errors.Join(err, <-results)
	}
	left, failed := rooms.close()
	if r.litter(left); failed != nil {
		fmt.Fprintln(r.out, failed)
	}
	return err
}

func goTest(ctx context.Context, r *report, env, args []string) error {
	cmd := command(ctx, "go", append([]string{"test", "-json", "-vet=off", "-timeout=40m"}, args...)...)
	cmd.Env = env
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return err
	}
	return errors.Join(r.follow(out), cmd.Wait())
}

// command returns a command that an interrupt ends in its own way, as Ctrl-C does.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = os.Stderr
	return cmd
}
