package warm

import (
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
	if len(args) == 0 || args[0] != "get" {
		return nil, false
	}
	call, rest := profile.ParseGet(args[1:])
	if len(rest) > 0 || call.Profile == "" {
		return nil, false
	}
	homeless := false
	host := Host{Getenv: getenv, Now: now, Home: func() string { homeless = true; return "" }}
	files, err := host.Load()
	if err != nil || homeless {
		return nil, false
	}
	p, err := host.Open(files, call, false)
	if err != nil {
		return nil, false
	}
	defer p.Cache.Close()
	credentials, ok := p.Cached(p.Plan)
	if !ok || !p.HasKey() || !p.HasCodes() || p.Settings.Serial == "" {
		return nil, false
	}
	json, err = credentials.ProcessJSON()
	return json, err == nil
}
