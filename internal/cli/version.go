package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.print(fmt.Appendf(nil, "%s %s %s %s/%s\n", program, a.versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH))
		},
	}
}

// versionText returns the version of the release, or else the module's, as the Go tool recorded it.
func (a *app) versionText() string {
	if a.version != "" {
		return a.version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
