package main

import (
	"fmt"
	"regexp"
	"strings"
)

// page is a manual page in the making, in the language of man(7).
type page struct{ strings.Builder }

// newPage begins the page name(section), of which about says in one line what it describes.
func newPage(name string, section int, date, source, about string) *page {
	p := new(page)
	volume := map[int]string{1: "User Commands"}[section] // the other name is long, and its section says enough
	fmt.Fprintf(p, ".TH %s %d %s \"%s\" \"%s\"\n", verbatim(strings.ToUpper(name)), section, date, verbatim(source), volume)
	fmt.Fprint(p, ".ad l\n") // lines of names and paths are not to be stretched
	p.section("NAME")
	fmt.Fprint(p, wrap(verbatim(name)+` \- `+escape(strings.ToLower(about[:1])+about[1:], "-")))
	return p
}

func (p *page) section(heading string)    { fmt.Fprintf(p, ".SH %s\n", heading) }
func (p *page) subsection(heading string) { fmt.Fprintf(p, ".SS %s\n", heading) }

// item writes a term, in a font, and what text says about it. The word variable of text stands for something.
func (p *page) item(term, text, variable string) {
	fmt.Fprintf(p, ".TP\n%s\n%s", term, prose(text, variable))
}

// text writes what help has as plain text: paragraphs; indented lines to type; and indented lists, whose items
// have their text after two spaces, or on lines that are indented further. All are indented by four.
func (p *page) text(text string) {
	for i, block := range strings.Split(strings.Trim(text, "\n"), "\n\n") {
		if i > 0 {
			fmt.Fprint(p, ".PP\n")
		}
		switch {
		case !strings.HasPrefix(block, " "):
			fmt.Fprint(p, prose(block, ""))
		case regexp.MustCompile(`\S  |\n {5}`).MatchString(block):
			p.list(block)
		default:
			p.code(block)
		}
	}
}

// list writes a block of items: beside their terms, if these are short.
func (p *page) list(block string) {
	var terms, texts []string
	width := 0
	for _, item := range regexp.MustCompile(`(?m)^    \S.*(\n {5}.*)*`).FindAllString(block, -1) {
		term, text, _ := strings.Cut(strings.Replace(strings.TrimSpace(item), "\n", "  ", 1), "  ")
		terms, texts, width = append(terms, term), append(texts, text), max(width, len(term))
	}
	tag, space := ".TP", ".PD"
	if width <= 16 {
		tag, space = fmt.Sprintf(".TP %d", width+2), ".PD 0"
	}
	fmt.Fprintln(p, space)
	for i, term := range terms {
		fmt.Fprintf(p, "%s\n%s\n%s", tag, bold(term), prose(texts[i], ""))
	}
	fmt.Fprintln(p, ".PD")
}

// code writes lines as they are.
func (p *page) code(block string) {
	fmt.Fprint(p, ".RS 4\n.EX\n")
	for line := range strings.Lines(block) {
		line = verbatim(strings.TrimSpace(line))
		if strings.HasPrefix(line, ".") {
			line = `\&` + line // is no request
		}
		fmt.Fprintln(p, line)
	}
	fmt.Fprint(p, ".EE\n.RE\n")
}

// typed finds in prose what is typed: a command in quotes, a flag, a lone -, the name of this program or of a
// variable or key; and in its second group what stands for something: a URL or a path.
const typed = `("aws-mfa-creds [^"]*"|\B--?[a-z][a-z-]*|\B-\B|\baws-mfa-creds\b|\w*_\w+)|([a-z]+://[^\s,;)]+|\B[~/][\w~/.-]*[\w/]`

// prose returns a paragraph with what is typed in bold, and with variables, such as NAME, in italics.
func prose(text, variable string) string {
	if variable != "" {
		variable = `|\b` + regexp.QuoteMeta(variable) + `\b`
	}
	text = strings.Join(strings.Fields(text), " ")
	var out strings.Builder
	end := 0
	for _, at := range regexp.MustCompile(typed+variable+")").FindAllStringSubmatchIndex(text, -1) {
		font := bold
		if at[4] >= 0 {
			font = italic
		}
		out.WriteString(escape(text[end:at[0]], "-") + font(strings.Trim(text[at[0]:at[1]], `"`)))
		end = at[1]
	}
	return wrap(out.String() + escape(text[end:], "-"))
}

func bold(text string) string   { return `\fB` + whole(text) + `\fR` }
func italic(text string) string { return `\fI` + whole(text) + `\fR` }

// whole returns text that can be pasted from the page, and whose words are not hyphenated.
func whole(text string) string { return `\%` + strings.ReplaceAll(verbatim(text), " ", ` \%`) }

// verbatim returns text that can be pasted from the page.
func verbatim(text string) string { return escape(text, `\-`) }

// escape returns text that stands for itself, with dash for a hyphen.
func escape(text, dash string) string {
	return strings.NewReplacer(`\`, `\e`, "-", dash, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, `"`, `\(dq`).Replace(text)
}

// wrap returns the words of text on lines that are short enough for a reader of the source.
func wrap(text string) string {
	var out strings.Builder
	width := 0
	for word := range strings.FieldsSeq(text) {
		if width > 0 && width+len(word) > 78 {
			if strings.ContainsAny(out.String()[out.Len()-1:], ".:!?") {
				out.WriteString(`\&`) // or else two spaces follow
			}
			out.WriteString("\n")
			width = 0
		}
		switch {
		case width > 0:
			out.WriteString(" ")
		case word[0] == '.':
			out.WriteString(`\&`) // is no request
		}
		out.WriteString(word)
		width += len(word) + 1
	}
	return out.String() + "\n"
}
