// Command conformance runs the real program under the real AWS clients, each as a process
// against a sandbox of its own, and prints a matrix: a row for each client, a column for
// each case. Every cell is a run. Clients that cannot run here are models of how they
// call a credential process, and their rows say so.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"time"
)

func main() {
	markdown := flag.Bool("markdown", false, "print the matrix as Markdown")
	binary := flag.String("binary", "", "the program to test; it is built if none is named")
	only := flag.String("run", "", `run only the cells whose "client: case" this regular expression finds`)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	matrix, err := conform(ctx, *binary, *only, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if *markdown {
		matrix.writeMarkdown(os.Stdout)
	} else {
		matrix.writeText(os.Stdout)
	}
	if failures := matrix.failures(); len(failures) > 0 {
		fmt.Fprintf(os.Stderr, "\n%d failures:\n%s\n", len(failures), strings.Join(failures, "\n"))
		os.Exit(1)
	}
}

// conform runs the suite.
func conform(ctx context.Context, binary, only string, log io.Writer) (*matrix, error) {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	t, err := newTools(ctx, binary)
	if err != nil {
		return nil, err
	}
	defer t.close()
	fmt.Fprintf(log, "built after %.0f s\n", time.Since(began).Seconds())
	s := &suite{tools: t, only: pattern, log: log}
	m := s.run(ctx)
	s.measure(ctx, m)
	fmt.Fprintf(log, "took %.0f s\n", time.Since(began).Seconds())
	return m, nil
}
