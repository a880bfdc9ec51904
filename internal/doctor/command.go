package doctor

import (
	"slices"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// Program is the name of this program.
const Program = profile.Program

// asked returns the profile whose credentials the AWS CLI uses when a line runs it, and whether the
// line does: the one of --profile, of a variable before it, of AWS_PROFILE, or default.
func asked(argv []string, env map[string]string) (name string, ok bool) {
	at := slices.IndexFunc(argv, isProgram)
	if at < 0 || profile.ProgramName(argv[at]) != "aws" {
		return "", false
	}
	name = "default"
	for _, variable := range []string{envProfile, envDefault} {
		if env[variable] != "" {
			name = env[variable]
		}
	}
	for i, word := range argv {
		key, value, assigned := strings.Cut(word, "=")
		switch {
		case word == "--profile" && i+1 < len(argv):
			return argv[i+1], true
		case assigned && key == "--profile":
			return value, true
		case assigned && key == envProfile && i < at:
			name = value
		}
	}
	return name, true
}

// isProgram reports the first word of a command line that is not an assignment, an option, or a
// program that only runs another one.
func isProgram(word string) bool {
	switch profile.ProgramName(word) {
	case "env", "sh", "bash", "dash", "zsh", "nice", "exec", "cmd":
		return false
	}
	return !strings.Contains(word, "=") && !strings.HasPrefix(word, "-") && !strings.EqualFold(word, "/c")
}

// broken is the finding of a registered command that does not work.
func (p Profile) broken(what, consequence string) Finding {
	remedy := p.register()
	if p.Command.First {
		remedy = "delete the line, and run: " + remedy
	}
	return failure(fault.Config, p.Command.Place, what, consequence, remedy)
}

// rewritten returns the finding with the fix that registers the profile again.
func (f Finding) rewritten(p Profile) Finding {
	if p.Register != "" && !p.Command.First {
		f.Fix = &Fix{Kind: Rewrite, Profile: p.Name}
	}
	return f
}

// program is the first word of the command, for people.
func (p Profile) program() string { return fault.Printable(fault.Conceal(p.Command.Program)) }

// register is the command that registers the profile again, with the same settings.
func (p Profile) register() string {
	if p.Register != "" {
		return p.Register
	}
	return command("register", p.Name)
}

func commandShell(f Facts, p Profile) []Finding {
	special := "|&;<>()`*?[]{}!$"
	if f.GOOS == "windows" {
		special = "|&<>%"
	}
	line := strings.Replace(profile.Uncommented(p.Command.Line), p.Command.Program, "", 1) // which has rules of its own
	i := strings.IndexAny(line, special)
	if i < 0 {
		return nil
	}
	return []Finding{p.broken("the command needs a shell, because of its "+line[i:i+1],
		"the AWS CLI and boto3 run no shell and pass it on as an argument; SDK for C++ and CRT add a redirection to the command").rewritten(p)}
}

func (p Profile) commented() bool { return profile.Uncommented(p.Command.Line) != p.Command.Line }

func commandComment(_ Facts, p Profile) []Finding {
	return when(p.commented(), p.broken("the command is followed by a comment",
		"the AWS CLI and boto3 pass its words on as arguments, which get refuses; Go and JS drop them").rewritten(p))
}

func commandRefused(_ Facts, p Profile) []Finding {
	return when(p.ours() && !p.Command.Accepted && !p.commented(),
		p.broken("get does not accept the arguments of the command: --profile is missing, or a flag is unknown", "every tool fails, with exit code 2 of "+Program))
}

func programUnexpanded(_ Facts, p Profile) []Finding {
	program := p.Command.Program
	return when(strings.HasPrefix(program, "~") || strings.ContainsAny(program, "$%"), p.broken("nothing expands "+p.program(),
		"the AWS CLI, boto3 and Ruby look for a file of exactly that name and fail; SDKs that run a shell (Go, JS, Java) find it").rewritten(p))
}

func programRelative(_ Facts, p Profile) []Finding {
	program := p.Command.Program
	if program == "" || profile.IsAbs(false, program) || profile.IsAbs(true, program) || strings.HasPrefix(program, "~") || strings.ContainsAny(program, "$%") || profile.ProgramName(program) == "env" {
		return nil
	}
	found := p.broken("the path "+p.program()+" is relative", "tools look for it in the directory that they run in, and mostly fail")
	if !strings.ContainsAny(program, `/\`) {
		found = p.broken(p.program()+" is looked for in PATH", "tools with another PATH (cron, systemd, IDEs) fail, or run another program of that name").demoted(Warning)
	}
	return []Finding{found.rewritten(p)}
}

func programQuoted(f Facts, p Profile) []Finding {
	program := p.Command.Program
	if !strings.ContainsAny(strings.TrimSpace(p.Command.Line + "-")[:1], `"'`) {
		return nil
	}
	found := p.broken("the path of the program is quoted", "Go SDK v1 drops everything after it, so get runs without --profile; some versions of others fail, too").demoted(Warning)
	if f.GOOS == "windows" {
		found.Consequence = "Go SDK v1 drops everything after it; on Windows, Go SDK v2, Terraform, .NET and PowerShell fail in some versions"
	}
	if strings.Contains(program, " ") {
		found.What = "the path of the program has a space, so it has to be quoted"
		found.Remedy = "install " + Program + " at a path without spaces, and from there run: " + p.register()
		return []Finding{found}
	}
	return []Finding{found.rewritten(p)}
}

func programGone(_ Facts, p Profile) []Finding {
	what, ok := map[ProgramState]string{Gone: "does not exist", Directory: "is a directory", NotExecutable: "cannot be executed"}[p.Command.State]
	return when(ok, p.broken(p.program()+" "+what,
		"every tool fails: the AWS CLI says why, Terraform and Go show an exit status (127, 126), JS's default chain goes on to other credentials").rewritten(p))
}

func programOther(f Facts, p Profile) []Finding {
	program := p.program()
	// There is no fix: which of the two is meant is for a person to say.
	found := p.broken("tools run "+program+", but this program is "+fault.Printable(f.Program), "that may be another version, with other settings").demoted(Warning)
	if !profile.IsOurs(p.Command.Program) {
		found = p.broken("tools run "+program+", which is to run "+Program, "what it does is not checked").demoted(Info)
	}
	return when(p.Command.State == Another, found)
}

func programTemporary(_ Facts, p Profile) []Finding {
	found := p.broken(p.program()+" is in a directory for temporary files", "once it is deleted, every tool fails").demoted(Warning)
	found.Remedy = "install it (go install, or make build), and from there run: " + p.register()
	return when(p.Command.Temp && p.Command.State != Gone, found)
}

// settingsMoved finds variables that only this shell has, and the command does not set: tools that a desktop,
// cron or systemd starts have others. It also finds a home that only the command has.
func settingsMoved(_ Facts, p Profile) (all []Finding) {
	if !p.ours() {
		return nil
	}
	if p.OtherHome != "" {
		return []Finding{warning(p.Command.Place, "the command sets "+fault.Printable(p.OtherHome)+", which leads to other settings than this shell has",
			"tools get the credentials that are set up there; what "+Program+" shows here is not about them", "export "+fault.Shell(p.OtherHome))}
	}
	for _, m := range p.Moved {
		const lack = "IDEs, cron and services lack the variables of the shell: there, get does not find "
		found := warning(m.Name, "decides in this shell where "+Program+" finds "+m.Lacks, lack+m.Lacks, "set it for the whole session (~/.config/environment.d, launchctl setenv, setx), or unset it, and move what it names to the usual place")
		if m.Word != "" {
			found = p.broken("the command does not set "+m.Name+", as this shell does", lack+m.Lacks).demoted(Warning).rewritten(p)
		}
		all = append(all, when(m.Word == "" || !slices.Contains(p.Command.Variables, strings.Trim(m.Word, `"`)), found)...)
	}
	return all
}
