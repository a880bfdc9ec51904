package cli

import (
	"cmp"
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build is where this program comes from, as version --json prints it. What is not known is left out.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Date    string `json:"date,omitempty"` // of the commit, in RFC 3339
	Sum     string `json:"sum,omitempty"`  // of the module, as in go.sum, if `go install` fetched it
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func newVersionCommand(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: `  aws-mfa-creds version --json`,
		RunE: func(*cobra.Command, []string) error {
			info, _ := debug.ReadBuildInfo()
			b := describe(a.version, info)
			if asJSON {
				return a.printJSON(b)
			}
			return a.print(fmt.Appendf(nil, "%s %s %s %s/%s\n", program, b.Version, b.Go, b.OS, b.Arch))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with commit and date")
	return cmd
}

// describe returns what is known of a program with the version that the linker has set, if any, and what
// the Go tool recorded: the state of the repository that it was built in, or the module that it fetched.
func describe(version string, info *debug.BuildInfo) build {
	b := build{Version: version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if info != nil {
		b.Version, b.Sum = cmp.Or(version, info.Main.Version), info.Main.Sum
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.time":
				b.Date = s.Value
			}
		}
		// A version that was made from a commit, such as v0.0.0-20260102030405-0123456789ab.
		pseudo := regexp.MustCompile(`[-.](\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)-([0-9a-f]{12})$`)
		if m := pseudo.FindStringSubmatch(info.Main.Version); m != nil && b.Commit == "" {
			b.Commit, b.Date = m[7], pseudo.ReplaceAllString(m[0], "$1-$2-${3}T$4:$5:${6}Z")
		}
	}
	b.Version = cmp.Or(b.Version, "(devel)")
	return b
}
