package main

import (
	"cmp"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cli"
)

// contract is what the page about get as a credential process has of its own: headings in capitals, and text as
// help has it.
//
//go:embed credential-process.txt
var contract string

const contractName = "aws-mfa-creds-credential-process"

// manual returns all pages by file name: one for each command, and the contract.
func manual(date, version string) map[string]string {
	root := cli.Commands(nil)
	root.InitDefaultHelpCmd()
	source := strings.TrimSpace(root.Name() + " " + version)
	pages := make(map[string]string)
	var add func(*cobra.Command)
	add = func(cmd *cobra.Command) {
		if !cmd.IsAdditionalHelpTopicCommand() {
			p := newPage(title(cmd), 1, date, source, cmd.Short)
			p.command(cmd)
			pages[title(cmd)+".1"] = p.String()
		}
		for _, sub := range cmd.Commands() {
			add(sub)
		}
	}
	add(root)
	p := newPage(contractName, 5, date, source, "what "+root.Name()+" get promises the AWS CLI and the SDKs")
	for _, section := range strings.Split(strings.TrimSpace(contract), "\n\n\n") {
		heading, text, _ := strings.Cut(section, "\n\n")
		p.section(heading)
		p.text(text)
	}
	p.topics(root, "files", "environment", "exit-codes")
	p.seeAlso([]*cobra.Command{root, called(root, "get"), called(root, "register"), called(root, "serve"), called(root, "doctor")},
		verbatim("https://docs.aws.amazon.com/sdkref/")+`\:`+verbatim("latest/guide/feature-process-credentials.html"))
	pages[contractName+".5"] = p.String()
	return pages
}

// title returns the name of the page of cmd.
func title(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// command writes the page of cmd, after its name.
func (p *page) command(cmd *cobra.Command) {
	p.section("SYNOPSIS")
	p.synopsis(cmd)
	p.section("DESCRIPTION")
	p.text(cmp.Or(cmd.Long, cmd.Short+"."))
	p.commands(cmd)
	p.section("OPTIONS")
	cmd.InitDefaultHelpFlag()
	common, others := cli.Flags(cmd)
	p.flags(common)
	if common.HasAvailableFlags() {
		p.subsection("Other options")
	}
	p.flags(others)
	if cmd.Example != "" {
		p.section("EXAMPLES")
		p.code(cmd.Example)
	}
	if root := cmd.Root(); cmd == root || !cmd.HasSubCommands() && (cmd.GroupID != "" || cmd.Parent() != root) {
		p.topics(root, "files", "environment")
	}
	p.topics(cmd.Root(), "exit-codes")
	var pages []string
	if regexp.MustCompile(`credential.process`).MatchString(cmd.Long) {
		pages = append(pages, link(contractName, 5))
	}
	p.seeAlso(related(cmd), pages...)
}

// synopsis writes the line of usage, with what is typed in bold.
func (p *page) synopsis(cmd *cobra.Command) {
	rest := strings.Replace(strings.TrimPrefix(cmd.UseLine(), cmd.CommandPath()), "[flags]", "[OPTIONS]", 1)
	rest = regexp.MustCompile(`-*[a-z][a-z-]*|[A-Z]+`).ReplaceAllStringFunc(rest, func(word string) string {
		if word == strings.ToUpper(word) {
			return italic(word)
		}
		return bold(word)
	})
	fmt.Fprintf(p, "%s%s\n", bold(cmd.CommandPath()), rest)
}

// commands lists the commands of cmd, by topic as help does.
func (p *page) commands(cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	p.section("COMMANDS")
	list := func(group string) {
		for _, sub := range cmd.Commands() {
			if sub.GroupID == group && !sub.IsAdditionalHelpTopicCommand() {
				p.item(link(title(sub), 1), sub.Short+".", "")
			}
		}
	}
	for _, group := range cmd.Groups() {
		p.subsection(group.Title)
		list(group.ID)
	}
	if len(cmd.Groups()) > 0 {
		p.subsection("Other commands")
	}
	list("")
}

// flags lists flags.
func (p *page) flags(set *pflag.FlagSet) {
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		variable, usage := pflag.UnquoteUsage(f)
		term := bold("--" + f.Name)
		if f.Shorthand != "" {
			term = bold("-"+f.Shorthand) + ", " + term
		}
		if variable != "" {
			term += " " + italic(variable)
		}
		if !slices.Contains([]string{"", "false", "0", "0s", "[]"}, f.DefValue) {
			usage += " (default " + f.DefValue + ")"
		}
		p.item(term, strings.ToUpper(usage[:1])+usage[1:]+".", variable)
	})
}

// topics writes topics of help as the sections that manual pages have for them.
func (p *page) topics(root *cobra.Command, names ...string) {
	for _, name := range names {
		p.section(map[string]string{"files": "FILES", "environment": "ENVIRONMENT", "exit-codes": "EXIT STATUS"}[name])
		p.text(called(root, name).Long)
	}
}

// related returns the commands around cmd, and those that its help tells to use.
func related(cmd *cobra.Command) []*cobra.Command {
	all := append([]*cobra.Command{cmd.Root()}, cmd.Commands()...)
	if cmd.HasParent() {
		all = append(all, cmd.Parent())
	}
	for _, match := range regexp.MustCompile(`(?:`+cmd.Root().Name()+`|see|use|what) ([a-z]+(?: [a-z]+)?)`).FindAllStringSubmatch(cmd.Long, -1) {
		if other, _, err := cmd.Root().Find(strings.Fields(match[1])); err == nil {
			all = append(all, other)
		}
	}
	return slices.DeleteFunc(all, func(c *cobra.Command) bool { return c == cmd || c.IsAdditionalHelpTopicCommand() })
}

// seeAlso refers to the pages of commands, in the order of their names, and to others.
func (p *page) seeAlso(commands []*cobra.Command, others ...string) {
	p.section("SEE ALSO")
	slices.SortFunc(commands, func(a, b *cobra.Command) int { return strings.Compare(a.CommandPath(), b.CommandPath()) })
	var links []string
	for _, cmd := range slices.Compact(commands) {
		links = append(links, link(title(cmd), 1))
	}
	fmt.Fprintln(p, strings.Join(append(links, others...), ",\n"))
}

// link returns a reference to a page.
func link(name string, section int) string { return fmt.Sprintf("%s(%d)", bold(name), section) }

// called returns the command of root with a name.
func called(root *cobra.Command, name string) *cobra.Command {
	cmd, _, err := root.Find([]string{name})
	if err != nil {
		panic(err) // the name is in the source
	}
	return cmd
}
