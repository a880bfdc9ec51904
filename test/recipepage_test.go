//go:build linux

package test

import (
	"os"
	"strings"
	"testing"
)

// block is a fenced code block of a recipe. What is done with it stands after its language, where no
// reader of the rendered page sees it:
//
//	sh run              run it with bash, and go on only if it succeeds
//	LANGUAGE file=PATH  write it to PATH; mode=755 if it is a program
//	... before          as the reader has it before he begins, his secrets and all
//	LANGUAGE run=NAME   have the runner NAME of the test run it
//	text shows          lines that have to be in what the last run has printed
//
// A block without any of them is an error: each is either run or looked at.
type block struct {
	page     string
	line     int // of its first line
	language string
	marks    map[string]string
	text     string
}

func (b block) has(mark string) bool { _, ok := b.marks[mark]; return ok }

// readBlocks returns the code blocks of a Markdown page.
func readBlocks(t *testing.T, path string) []block {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	var open *block
	number := 0
	for line := range strings.Lines(string(content)) {
		number++
		info, fence := strings.CutPrefix(strings.TrimRight(line, "\n"), "```")
		switch {
		case fence && open == nil:
			open = newBlock(path, number+1, strings.Fields(info))
		case fence:
			all = append(all, *open)
			open = nil
		case open != nil:
			open.text += line
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the block does not end", path, open.line)
	}
	return all
}

func newBlock(page string, line int, words []string) *block {
	b := &block{page: page, line: line, marks: map[string]string{}}
	for i, word := range words {
		name, value, _ := strings.Cut(word, "=")
		if i == 0 {
			b.language = word
		} else {
			b.marks[name] = value
		}
	}
	return b
}
