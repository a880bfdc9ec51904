package edit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// contextLines is how many unchanged lines are shown around a change.
const contextLines = 3

// diffLine is one line of the comparison of two texts.
type diffLine struct {
	mark byte   // ' ', '-' or '+'
	text string // with its line end, if it has one
}

// Diff returns the change as a unified diff, or "" if there is none. It is for a person to
// read: the values of keys that hold secrets are hidden, control characters are escaped, and a
// CR at the end of a line is not shown.
func (c Change) Diff() string {
	all := compareLines(strings.SplitAfter(c.Old.Reveal(), "\n"), strings.SplitAfter(c.New.Reveal(), "\n"))
	conceal(all)
	var b strings.Builder
	for from, to := range hunks(all) {
		if b.Len() == 0 {
			path := visible(c.Path)
			b.WriteString("--- " + path + "\n+++ " + path + "\n")
		}
		writeHunk(&b, all, from, to)
	}
	return b.String()
}

// compareLines returns both texts as one list. What is the same at the beginning and at
// the end of both, nearly all as a rule, costs nothing to find.
func compareLines(before, after []string) []diffLine {
	head := 0
	for head < min(len(before), len(after)) && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < min(len(before), len(after))-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	all := marked(nil, ' ', before[:head])
	all = append(all, compareRest(before[head:len(before)-tail], after[head:len(after)-tail])...)
	all = marked(all, ' ', before[len(before)-tail:])
	return slices.DeleteFunc(all, func(l diffLine) bool { return l.text == "" })
}

func marked(all []diffLine, mark byte, lines []string) []diffLine {
	for _, text := range lines {
		all = append(all, diffLine{mark, text})
	}
	return all
}

// compareRest finds a longest common subsequence, unless that would take too long.
func compareRest(before, after []string) []diffLine {
	const most = 4 << 20
	if len(before)*len(after) > most {
		return marked(marked(nil, '-', before), '+', after)
	}
	// common[i][j] is how many lines before[i:] and after[j:] have in common.
	common := make([][]int, len(before)+1)
	for i := range common {
		common[i] = make([]int, len(after)+1)
	}
	for i := range slices.Backward(before) {
		for j := range slices.Backward(after) {
			common[i][j] = max(common[i+1][j], common[i][j+1])
			if before[i] == after[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	var all []diffLine
	i, j := 0, 0
	for i < len(before) && j < len(after) {
		switch {
		case before[i] == after[j]:
			all = append(all, diffLine{' ', before[i]})
			i, j = i+1, j+1
		case common[i+1][j] >= common[i][j+1]:
			all = append(all, diffLine{'-', before[i]})
			i++
		default:
			all = append(all, diffLine{'+', after[j]})
			j++
		}
	}
	return marked(marked(all, '-', before[i:]), '+', after[j:])
}

// hunks yields the stretches of lines to show, as from and to.
func hunks(all []diffLine) func(yield func(from, to int) bool) {
	return func(yield func(from, to int) bool) {
		from, to := -1, 0
		for i, l := range all {
			if l.mark == ' ' {
				continue
			}
			if from >= 0 && i-contextLines > to {
				if !yield(from, to) {
					return
				}
				from = -1
			}
			if from < 0 {
				from = max(0, i-contextLines)
			}
			to = min(len(all), i+1+contextLines)
		}
		if from >= 0 {
			yield(from, to)
		}
	}
}

func writeHunk(b *strings.Builder, all []diffLine, from, to int) {
	fmt.Fprintf(b, "@@ -%s +%s @@\n", hunkRange(all, from, to, '-'), hunkRange(all, from, to, '+'))
	for _, l := range all[from:to] {
		text, whole := strings.CutSuffix(l.text, "\n")
		b.WriteByte(l.mark)
		b.WriteString(visible(strings.TrimSuffix(text, "\r")) + "\n")
		if !whole {
			b.WriteString("\\ No newline at end of file\n")
		}
	}
}

// hunkRange returns where a hunk is in one of the texts, as "line,count".
func hunkRange(all []diffLine, from, to int, side byte) string {
	before, count := 0, 0
	for i, l := range all[:to] {
		if l.mark != ' ' && l.mark != side {
			continue
		}
		if i < from {
			before++
		} else {
			count++
		}
	}
	if count > 0 {
		before++
	}
	return strconv.Itoa(before) + "," + strconv.Itoa(count)
}

// conceal hides the values of secrets, also in the lines that continue them.
func conceal(all []diffLine) {
	secret := false
	for i, l := range all {
		if indented := l.text[0] == ' ' || l.text[0] == '\t'; indented && secret {
			all[i].text = "  [hidden]" + lastEOL(l.text)
			continue
		}
		end := strings.IndexAny(l.text, "=:")
		if secret = end >= 0 && namesSecret(strings.ToLower(l.text[:end])); secret {
			all[i].text = l.text[:end+1] + " [hidden]" + lastEOL(l.text)
		}
	}
}

func namesSecret(key string) bool {
	return strings.Contains(key, "secret") || strings.Contains(key, "token") || strings.Contains(key, "password")
}

func lastEOL(text string) string { return text[len(text)-trailingEOL(text):] }

// visible escapes what a terminal would take for a command.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) || r == '\t' {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}
