package doctor

import (
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// mended is f with the remedy of writing the registration anew.
func mended(f Finding, p Profile) []Finding {
	f.Place = p.Command.Place
	f.Remedy = p.register()
	if p.Register != "" {
		f.Fix = &Fix{Kind: Rewrite}
	}
	return []Finding{f}
}

// register is the command that registers the profile anew, as it is registered.
func (p Profile) register() string {
	if p.Register != "" {
		return p.Register
	}
	return command("register", p.Name)
}

func broken(what, consequence string) Finding {
	return Finding{Severity: Error, Kind: fault.Config, What: what, Consequence: consequence}
}

func commandShell(f Facts, p Profile) []Finding {
	special := "|&;<>()`*?[]{}!$"
	if f.GOOS == "windows" {
		special = "|&<>%"
	}
	line := strings.TrimSuffix(p.Command.Line, comment(p.Command.Line))
	line = strings.Replace(line, p.Command.Program, "", 1) // which has rules of its own
	i := strings.IndexAny(line, special)
	if i < 0 {
		return nil
	}
	return mended(broken("the command has a "+line[i:i+1]+", for which it needs a shell",
		"the AWS CLI and boto3 run no shell and pass it on as an argument; SDK for C++ and CRT put a redirection behind the command"), p)
}

func commandComment(_ Facts, p Profile) []Finding {
	if comment(p.Command.Line) == "" {
		return nil
	}
	return mended(broken("a comment stands behind the command",
		"the AWS CLI and boto3 pass its words on as arguments, which get refuses; Go and JS cut it off"), p)
}

func commandRefused(_ Facts, p Profile) []Finding {
	if !p.ours() || p.Command.Accepted || comment(p.Command.Line) != "" {
		return nil
	}
	found := broken("get does not take the arguments of the command: --profile is missing, or a flag is unknown", "every consumer fails, with exit code 2 of "+Program)
	found.Place, found.Remedy = p.Command.Place, p.register()
	return []Finding{found}
}

func programUnexpanded(_ Facts, p Profile) []Finding {
	program := p.Command.Program
	if !strings.HasPrefix(program, "~") && !strings.ContainsAny(program, "$%") {
		return nil
	}
	return mended(broken("nothing expands "+fault.Printable(program),
		"the AWS CLI, boto3 and Ruby look for a file of that very name and fail; SDKs that run a shell (Go, JS, Java) find it"), p)
}

func programRelative(_ Facts, p Profile) []Finding {
	program := p.Command.Program
	if program == "" || absolute(program) || strings.HasPrefix(program, "~") || strings.ContainsAny(program, "$%") || base(program) == "env" {
		return nil
	}
	found := broken("the path "+fault.Printable(program)+" is relative", "consumers look for it in the directory that they happen to run in, and mostly fail")
	if !strings.ContainsAny(program, `/\`) {
		found = broken(fault.Printable(program)+" is looked for in PATH", "consumers fail where PATH is another one (cron, systemd, IDEs), or run what somebody else has put there")
		found.Severity, found.Kind = Warning, 0
	}
	return mended(found, p)
}

func programQuoted(f Facts, p Profile) []Finding {
	program, quoted := FirstWord(p.Command.Line)
	if !quoted {
		return nil
	}
	found := broken("the path of the program is quoted", "Go SDK v1 drops all that follows, so get is run without --profile; some versions of others stumble, too")
	found.Severity, found.Kind = Warning, 0
	if f.GOOS == "windows" {
		found.Consequence = "Go SDK v1 drops all that follows; on Windows, Go SDK v2, Terraform, .NET and PowerShell fail in some versions"
	}
	if strings.Contains(program, " ") {
		found.What = "the path of the program has a space, and so has to be quoted"
		found.Place, found.Remedy = p.Command.Place, "install "+Program+" at a path without spaces, and there run: "+p.register()
		return []Finding{found}
	}
	return mended(found, p)
}

func programGone(_ Facts, p Profile) []Finding {
	program := fault.Printable(p.Command.Program)
	what := ""
	switch p.Command.State {
	case Gone:
		what = program + " does not exist"
	case Directory:
		what = program + " is a directory"
	case NotExecutable:
		what = program + " cannot be executed"
	case This, Another:
		return nil
	}
	return mended(broken(what, "every consumer fails: the AWS CLI tells of it, Terraform and Go show an exit status (127, 126), JS's default chain goes on to other credentials"), p)
}

func programOther(f Facts, p Profile) []Finding {
	if p.Command.State != Another {
		return nil
	}
	found := broken("consumers run "+fault.Printable(p.Command.Program)+", and this is "+fault.Printable(f.Program),
		"they may run another version, with other settings")
	found.Severity, found.Kind = Warning, 0
	if !strings.HasPrefix(base(p.Command.Program), Program) {
		found.Severity = Info
		found.What = "consumers run " + fault.Printable(p.Command.Program) + ", which is to run " + Program
		found.Consequence = "what that does is not checked"
		found.Place, found.Remedy = p.Command.Place, p.register()
		return []Finding{found}
	}
	found = mended(found, p)[0]
	found.Fix = nil // which of the two is meant is for people to say
	return []Finding{found}
}

func programTemporary(_ Facts, p Profile) []Finding {
	if !p.Command.Temp || p.Command.State == Gone {
		return nil
	}
	found := broken(fault.Printable(p.Command.Program)+" is in a directory for temporary files", "it will be gone some day, and then every consumer fails")
	found.Severity, found.Kind, found.Place = Warning, 0, p.Command.Place
	found.Remedy = "install it (go install, or make build), and there run: " + p.register()
	return []Finding{found}
}
