// Gzip compresses files into FILE.gz, with the same bytes on every system: those of gzip(1) differ.
package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"os"
)

func main() {
	for _, name := range os.Args[1:] {
		if err := compress(name); err != nil {
			fmt.Fprintln(os.Stderr, "gzip:", err)
			os.Exit(1) //nolint:forbidigo // of this program's own process
		}
	}
}

func compress(name string) error {
	text, err := os.ReadFile(name) //nolint:gosec // the files of a package
	if err != nil {
		return err
	}
	f, err := os.Create(name + ".gz") //nolint:gosec // as above
	if err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression) // Debian wants no less
	if err == nil {
		_, err = z.Write(text)
		err = errors.Join(err, z.Close())
	}
	return errors.Join(err, f.Close(), os.Remove(name)) //nolint:gosec // as above
}
