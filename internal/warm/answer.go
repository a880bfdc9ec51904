package warm

import (
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// Answer returns what the command line args has the process print, if that is a plain get whose
// session is cached. It changes nothing, and a failure or a panic is none: main meets it again, and
// tells it.
func Answer(args []string, getenv func(string) string, now func() time.Time) (json []byte, ok bool) {
	defer func() {
		if recover() != nil {
			json, ok = nil, false
		}
	}()
	name, flags, ok := Parse(args)
	if !ok {
		return nil, false
	}
	homeless := false
	host := Host{Getenv: getenv, Now: now, Home: func() string { homeless = true; return "" }}
	files, err := host.Load()
	if err != nil || homeless {
		return nil, false
	}
	p, err := host.Open(files, name, flags, false)
	if err != nil {
		return nil, false
	}
	defer func() { _ = p.Cache.Close() }()
	credentials, ok := p.Cached(p.Plan)
	if !ok || !p.HasKey() || !p.HasCodes() || p.Settings.Serial == "" {
		return nil, false
	}
	json, err = credentials.ProcessJSON()
	return json, err == nil
}

// Parse reads the command line of a plain get as pflag does; ok is false for everything else. A test
// of internal/cli compares it with the flags of the command.
func Parse(args []string) (name string, flags profile.Flags, ok bool) {
	if len(args) == 0 || args[0] != "get" {
		return "", flags, false
	}
	values := map[string]*string{
		"--profile": &name, "--role-arn": &flags.RoleARN, "--role-session-name": &flags.RoleSessionName,
		"--external-id": &flags.ExternalID, "--duration": &flags.Duration,
	}
	for args = args[1:]; len(args) > 0; args = args[1:] {
		flag, value, joined := strings.Cut(args[0], "=")
		target := values[flag]
		if target == nil {
			return "", flags, false
		}
		if !joined {
			if len(args) < 2 {
				return "", flags, false
			}
			args = args[1:]
			value = args[0]
		}
		*target = value
	}
	return name, flags, name != ""
}
