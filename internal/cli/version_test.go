package cli

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	vcs := []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}}
	for name, test := range map[string]struct {
		version string
		info    *debug.BuildInfo
		want    build
	}{
		"a release":             {"v1.2.3", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3+dirty"}, Settings: vcs}, build{Version: "v1.2.3", Commit: "0123456789abcdef", Date: "2026-01-02T03:04:05Z"}},
		"in the repository":     {"", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.4-0.20260102030405-0123456789ab+dirty"}, Settings: vcs}, build{Version: "v1.2.4-0.20260102030405-0123456789ab+dirty", Commit: "0123456789abcdef", Date: "2026-01-02T03:04:05Z"}},
		"go install @v1.2.3":    {"", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3", Sum: "h1:x="}}, build{Version: "v1.2.3", Sum: "h1:x="}},
		"go install @main":      {"", &debug.BuildInfo{Main: debug.Module{Version: "v0.0.0-20260102030405-0123456789ab"}}, build{Version: "v0.0.0-20260102030405-0123456789ab", Commit: "0123456789ab", Date: "2026-01-02T03:04:05Z"}},
		"after a release":       {"", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.4-0.20260102030405-0123456789ab"}}, build{Version: "v1.2.4-0.20260102030405-0123456789ab", Commit: "0123456789ab", Date: "2026-01-02T03:04:05Z"}},
		"after a pre-release":   {"", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3-rc.1.0.20260102030405-0123456789ab"}}, build{Version: "v1.2.3-rc.1.0.20260102030405-0123456789ab", Commit: "0123456789ab", Date: "2026-01-02T03:04:05Z"}},
		"without a repository":  {"", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, build{Version: "(devel)"}},
		"without what Go knows": {"", nil, build{Version: "(devel)"}},
	} {
		test.want.Go, test.want.OS, test.want.Arch = runtime.Version(), runtime.GOOS, runtime.GOARCH
		if got := describe(test.version, test.info); got != test.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
