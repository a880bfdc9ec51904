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
	document := flag.String("doc", "", "write the matrix into this file, between its two marks")
	var o options
	flag.StringVar(&o.binary, "binary", "", "the program to test; it is built if none is named")
	flag.StringVar(&o.only, "run", "", `run only the cells whose "client: case" this regular expression finds`)
	flag.BoolVar(&o.core, "core", false, "run only the few clients and cases that the gate runs")
	flag.BoolVar(&o.required, "required", os.Getenv("CI") == "true", "fail where a client is missing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	matrix, err := conform(ctx, o, os.Stderr)
	if err == nil && *document != "" {
		err = matrix.writeInto(*document)
	}
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

// options say what to run.
type options struct {
	binary, only   string
	core, required bool
}

// conform runs the suite.
func conform(ctx context.Context, o options, log io.Writer) (*matrix, error) {
	pattern, err := regexp.Compile(o.only)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	t, err := newTools(ctx, o.binary)
	if err != nil {
		return nil, err
	}
	defer t.close()
	fmt.Fprintf(log, "built after %.0f s\n", time.Since(began).Seconds())
	s := &suite{tools: t, options: o, chosen: pattern, log: log}
	m := s.run(ctx)
	s.measure(ctx, m)
	fmt.Fprintf(log, "took %.0f s\n", time.Since(began).Seconds())
	return m, nil
}
