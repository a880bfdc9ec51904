//go:build packages && linux

// Package packages tests what make snapshot wrote, as those get it who install it. It needs root, and what
// scripts/packages installs: run make packages.
package packages

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const program = "aws-mfa-creds"

// sh runs a script in the repository, and returns what it prints.
func sh(t *testing.T, script string, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s\n%v\n%s%s", script, err, out, &stderr)
	}
	return string(out)
}

// released returns the absolute paths of the files of the release that match.
func released(t *testing.T, pattern string) []string {
	t.Helper()
	dir, _ := filepath.Abs("../../dist/release")
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: none in dist/release, %v", pattern, err)
	}
	return names
}

// sums are those of checksums.txt, by the name of the file.
func sums(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for line := range strings.Lines(sh(t, "cd dist/release; sha256sum -c --quiet checksums.txt; cat checksums.txt")) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		all[name] = sum
	}
	return all
}

// TestArchives looks for all files in each archive, and at its program, SBOM and checksum.
func TestArchives(t *testing.T) {
	all := sums(t)
	for platform, kind := range map[string]string{
		"linux_amd64.tar.gz": "x86-64.*statically linked", "linux_arm64.tar.gz": "ARM aarch64.*statically linked", "linux_armv7.tar.gz": "ARM, EABI5.*statically linked",
		"linux_386.tar.gz": "Intel 80386.*statically linked", "linux_riscv64.tar.gz": "RISC-V.*statically linked",
		"windows_amd64.zip": `PE32\+ executable \(console\) x86-64`, "windows_arm64.zip": `PE32\+ executable \(console\) Aarch64`,
		"darwin_amd64.tar.gz": "Mach-O 64-bit x86_64", "darwin_arm64.tar.gz": "Mach-O 64-bit arm64",
	} {
		archive, dir := released(t, program+"_*_"+platform)[0], t.TempDir()
		if all[filepath.Base(archive)] == "" || all[filepath.Base(archive)+".cdx.json"] == "" {
			t.Errorf("%s or its SBOM is not in checksums.txt", platform)
		}
		binary := program
		unpack := "tar -xzf %s -C %s"
		if strings.HasSuffix(platform, ".zip") {
			binary += ".exe"
			unpack = "unzip -q %s -d %s"
		}
		sh(t, fmt.Sprintf(unpack, archive, dir))
		for _, name := range append(pages(t, "man/", ""), "LICENSE", "README.md", binary, "completions/bash/"+program, "completions/zsh/_"+program, "completions/fish/"+program+".fish", "systemd/"+program+"@.socket") {
			if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
				t.Errorf("%s: %s: %v", platform, name, err)
			}
		}
		if got := sh(t, "file -b "+filepath.Join(dir, binary)); !regexp.MustCompile(kind).MatchString(got) {
			t.Errorf("%s: %s", platform, got)
		}
		checkSBOM(t, archive+".cdx.json")
	}
}

// checkSBOM looks for the version, and for the modules with their licenses.
func checkSBOM(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(name)
	var bom struct {
		BOMFormat string
		Metadata  struct {
			Component struct{ Name, Version string }
		}
		Components []struct {
			Name, Version string
			Evidence      struct{ Licenses []any }
		}
	}
	if err == nil {
		err = json.Unmarshal(text, &bom)
	}
	licensed := 0
	for _, c := range bom.Components {
		if len(c.Evidence.Licenses) > 0 {
			licensed++
		}
	}
	if c := bom.Metadata.Component; err != nil || bom.BOMFormat != "CycloneDX" || !strings.HasSuffix(c.Name, program) || !strings.HasPrefix(c.Version, "v") || licensed < 10 {
		t.Errorf("%s: %v, %+v, %d of %d modules have a license", name, err, bom.Metadata, licensed, len(bom.Components))
	}
}

// pages are the names of the manual pages that the program has, each between the two texts.
func pages(t *testing.T, before, after string) []string {
	t.Helper()
	var all []string
	for name := range strings.FieldsSeq(sh(t, "cd dist/share/man; echo *")) {
		all = append(all, before+name+after)
	}
	if len(all) < 20 {
		t.Fatalf("manual pages: %q", all)
	}
	return all
}

// tree returns owner, mode and sum of each file below dir, by its path.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		read := os.ReadFile
		if d.Type()&fs.ModeSymlink != 0 {
			read = func(link string) ([]byte, error) { to, err := os.Readlink(link); return []byte(to), err }
		}
		text, err := read(path)
		owner := info.Sys().(*syscall.Stat_t)
		files[strings.TrimPrefix(path, dir)] = fmt.Sprintf("%d:%d %v %x", owner.Uid, owner.Gid, info.Mode(), sha256.Sum256(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestPackagesAgree unpacks the packages of each architecture, and installs the rpm: all have the same files, with
// the same owner, mode and content, as far as their systems do not want them elsewhere.
func TestPackagesAgree(t *testing.T) {
	for arch, names := range map[string][]string{
		"amd64": {"x86_64", "x86_64", "x86_64"}, "arm64": {"aarch64", "aarch64", "aarch64"}, "armv7": {"armv7hl", "armv7", "armv7h"}, "386": {"i386", "x86", "i686"}, "riscv64": {"riscv64", "riscv64", ""},
	} {
		want := make(map[string]string)
		for name, file := range tree(t, unpack(t, arch, ".deb", "dpkg-deb -x %s .")) {
			if !regexp.MustCompile(`/copyright$|\.Debian\.gz$|/lintian/`).MatchString(name) {
				want[strings.Replace(name, "zsh/vendor-completions", "zsh/site-functions", 1)] = file
			}
			mode := "0:0 -rw-r--r-- "
			if name == "/usr/bin/"+program {
				mode = "0:0 -rwxr-xr-x "
			}
			if !strings.HasPrefix(file, mode) {
				t.Errorf("%s: %s: %s", arch, name, file)
			}
		}
		if program := tree(t, unpack(t, arch, ".tar.gz", "tar -xzf %s"))["/"+program]; program != want["/usr/bin/aws-mfa-creds"] {
			t.Errorf("%s: the program of the package is not that of the archive: %s", arch, program)
		}
		for i, kind := range []struct{ suffix, unpack, info string }{
			{".rpm", "rpm=\"rpm --root $PWD --dbpath /db\"; $rpm --nodeps --ignorearch -U %s 2>/dev/null; $rpm -V aws-mfa-creds; rm -rf db", "rpm -qp --qf 'name %%{NAME} arch %%{ARCH} license %%{LICENSE} url %%{URL} of [%%{FILEUSERNAME}:%%{FILEGROUPNAME} ]' %s"},
			{".apk", "tar -xzf %s --warning=no-unknown-keyword", "tar -xzOf %s .PKGINFO --warning=no-unknown-keyword"},
			{".pkg.tar.zst", "tar --zstd -xf %s", "tar --zstd -xOf %s .PKGINFO"},
		} {
			if names[i] == "" {
				continue // a system that Arch does not know
			}
			got := tree(t, unpack(t, arch, kind.suffix, kind.unpack))
			if license := "/usr/share/licenses/" + program + "/LICENSE"; got[license] == "" {
				t.Errorf("%s%s: no license", arch, kind.suffix)
			}
			maps.DeleteFunc(got, func(name, _ string) bool {
				return strings.HasPrefix(name, "/.") || strings.Contains(name, "/licenses/")
			})
			if !maps.Equal(got, want) {
				t.Errorf("%s%s: %v\nwant %v", arch, kind.suffix, got, want)
			}
			info := strings.ReplaceAll(sh(t, fmt.Sprintf(kind.info, packageOf(t, arch, kind.suffix))), " = ", " ")
			for _, field := range []string{"name " + program, "arch " + names[i], "license Apache-2.0", "url https://github.com/aws-mfa-creds/aws-mfa-creds"} {
				if !strings.Contains(info, field) {
					t.Errorf("%s%s: no %q in %s", arch, kind.suffix, field, info)
				}
			}
			if kind.suffix == ".rpm" && strings.Trim(strings.SplitAfter(info, " of ")[1], "rot: ") != "" {
				t.Errorf("%s: owners: %s", arch, info)
			}
		}
	}
}

func packageOf(t *testing.T, arch, suffix string) string {
	t.Helper()
	return released(t, program+"_*_linux_"+arch+suffix)[0]
}

// unpack unpacks the package of arch into a new directory.
func unpack(t *testing.T, arch, suffix, command string) string {
	t.Helper()
	dir := t.TempDir()
	sh(t, "cd "+dir+"; umask 0; "+fmt.Sprintf(command, packageOf(t, arch, suffix)))
	return dir
}

// TestLint has lintian and mandoc read what is installed.
func TestLint(t *testing.T) {
	if got := sh(t, "lintian --allow-root --no-cfg --fail-on none "+strings.Join(released(t, "*.deb"), " ")); strings.TrimSpace(got) != "" {
		t.Errorf("lintian:\n%s", got)
	}
	sh(t, "cd dist/share/man; mandoc -T lint -W warning *")
	sh(t, "for package in dist/release/*.rpm; do rpm -K --nosignature $package; done")
}

// TestCatalogs looks for the right sums in what Homebrew, Scoop, winget and the AUR get, and installs as the AUR does.
func TestCatalogs(t *testing.T) {
	all := sums(t)
	for name, platforms := range map[string][]string{
		"homebrew/Casks/*.rb":     {"darwin_amd64.tar.gz", "darwin_arm64.tar.gz"},
		"scoop/*.json":            {"windows_amd64.zip", "windows_arm64.zip"},
		"winget/*/*/*/*/*/*.yaml": {"windows_amd64.zip", "windows_arm64.zip"},
		"aur/*.pkgbuild":          {"linux_amd64.tar.gz", "linux_arm64.tar.gz", "linux_armv7.tar.gz", "linux_386.tar.gz"},
	} {
		text := sh(t, "cat "+strings.Join(released(t, name), " "))
		for _, platform := range platforms {
			sum := all[filepath.Base(released(t, program+"_*_"+platform)[0])]
			if !strings.Contains(strings.ToLower(text), sum) || !strings.Contains(text, "https://github.com/aws-mfa-creds/aws-mfa-creds/releases/download/v") {
				t.Errorf("%s: no %s (%s) in %s", name, platform, sum, text)
			}
		}
	}
	cask := sh(t, "cat dist/release/homebrew/Casks/*.rb")
	for _, page := range pages(t, "man/", "") {
		if !strings.Contains(cask, `"`+page+`"`) {
			t.Errorf("the cask has not %s", page)
		}
	}
	dir := t.TempDir()
	sh(t, "mkdir "+dir+"/src; tar -xzf "+packageOf(t, "amd64", ".tar.gz")+" -C "+dir+"/src; . "+released(t, "aur/*.pkgbuild")[0]+"; cd "+dir+"/src; [ -f aws-mfa-creds ]; pkgdir="+dir+"/installed; package")
	installed := slices.Sorted(maps.Keys(tree(t, dir+"/installed")))
	for _, name := range []string{"/usr/bin/" + program, "/usr/share/man/man5/aws-mfa-creds-credential-process.5", "/usr/share/fish/vendor_completions.d/" + program + ".fish", "/usr/lib/systemd/user/" + program + "@.socket"} {
		if !slices.Contains(installed, name) {
			t.Errorf("the AUR's package has not %s: %q", name, installed)
		}
	}
}

// TestReadme looks in the release for what the README's install lines name.
func TestReadme(t *testing.T) {
	for _, file := range regexp.MustCompile(program+`_1\.0\.0(_\S+?)\x60`).FindAllStringSubmatch(sh(t, "cat README.md"), -1) {
		released(t, program+"_*"+file[1])
	}
	for _, link := range regexp.MustCompile(`(?m)(?:\]\(|^\[.*\]: )(\S+)`).FindAllStringSubmatch(sh(t, "cat dist/share/README.md"), -1) {
		if !strings.HasPrefix(link[1], "https://") {
			t.Errorf("where it is installed, the README's link to %s leads nowhere", link[1])
		}
	}
	for name, catalog := range map[string]string{
		program + "/tap/" + program:                  "homebrew/Casks/" + program + ".rb",
		"yay -S " + program + "-bin":                 "aur/" + program + "-bin.pkgbuild",
		"winget install " + program + "." + program:  "winget/*/*/*/*/*/" + program + "." + program + ".yaml",
		"scoop-bucket/raw/HEAD/" + program + ".json": "scoop/" + program + ".json",
	} {
		sh(t, "grep -qF '"+name+"' README.md")
		released(t, catalog)
	}
}

// TestFlake checks that the flake of Nix can be read, and knows the modules of go.mod. It builds nothing.
func TestFlake(t *testing.T) {
	sh(t, "nix-instantiate --parse flake.nix >/dev/null")
	dir := t.TempDir()
	hash := strings.TrimSpace(sh(t, "go mod vendor -o "+dir+"/vendor; nix --extra-experimental-features nix-command hash path "+dir+"/vendor"))
	if flake := sh(t, "cat flake.nix"); !strings.Contains(flake, `"`+hash+`"`) {
		t.Errorf("flake.nix: vendorHash must be %s", hash)
	}
}

// TestGoInstall installs the program as users of Go do: from a proxy that has this commit as a version.
func TestGoInstall(t *testing.T) {
	const module = "github.com/aws-mfa-creds/aws-mfa-creds"
	dir := t.TempDir()
	commit, time := strings.TrimSpace(sh(t, "git rev-parse HEAD")), strings.TrimSpace(sh(t, "TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd"))
	digits := regexp.MustCompile(`\D`).ReplaceAllString(time, "")
	for version, want := range map[string][]string{
		"v1.2.3":                               {`"version": "v1.2.3"`, `"sum": "h1:`},
		"v0.0.0-" + digits + "-" + commit[:12]: {`"version": "v0.0.0-` + digits, `"commit": "` + commit[:12] + `"`, `"date": "` + time + `"`},
	} {
		sh(t, `at=$DIR/proxy/$MODULE/@v; mkdir -p $at
			echo $VERSION >>$at/list
			git show HEAD:go.mod >$at/$VERSION.mod
			echo "{\"Version\":\"$VERSION\",\"Time\":\"$TIME\"}" >$at/$VERSION.info
			git archive --prefix=$MODULE@$VERSION/ -o $at/$VERSION.zip HEAD . ':!test' ':!tools'
			GOPROXY=file://$DIR/proxy,file://$(go env GOMODCACHE)/cache/download GOMODCACHE=$DIR/mod GOSUMDB=off \
				GOFLAGS='-modcacherw -trimpath' CGO_ENABLED=0 GOBIN=$DIR go install $MODULE/cmd/aws-mfa-creds@$VERSION`,
			"DIR="+dir, "VERSION="+version, "TIME="+time, "MODULE="+module)
		got := sh(t, dir+"/"+program+" version --json")
		for _, field := range want {
			if !strings.Contains(got, field) {
				t.Errorf("%s: no %s in %s", version, field, got)
			}
		}
	}
}

// TestAgain makes the release again in another directory, by another user's settings: all bytes are the same.
// But winget's lists have the day of the build, and no order. This time it is signed, with keys that are made for it.
func TestAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a longer path", program)
	const build = `umask 077; git clone -q . "$DIR"; ln -s "$PWD/.tools" "$DIR"; cd "$DIR"
		minisign -G -W -s ../key -p ../public >/dev/null
		TZ=Asia/Tokyo MINISIGN_KEY=$PWD/../key make -o .tools/bin/goreleaser snapshot >../log 2>&1 || { cat ../log; exit 1; }
		minisign -V -p ../public -m dist/release/checksums.txt
		version=$(sed -n 's/.*"version":"\([^"]*\)".*/v\1/p' dist/release/metadata.json) # as a user builds it, and compiled anew
		GOCACHE=$PWD/../cache make build VERSION=$version
		cmp dist/aws-mfa-creds dist/release/aws-mfa-creds_linux_$(go env GOARCH)*/aws-mfa-creds`
	sh(t, build, "DIR="+dir)
	if diff := sh(t, `cd dist/release; for f in checksums.txt homebrew scoop aur; do diff -r "$f" "$DIR/dist/release/$f" || true; done`, "DIR="+dir); diff != "" {
		t.Errorf("built again:\n%s", diff)
	}
	const sign = `cd "$DIR/.."; openssl req -x509 -newkey rsa:2048 -nodes -keyout tls.key -out tls.pem -days 2 -subj /CN=test -addext extendedKeyUsage=codeSigning 2>/dev/null
		printf secret >password; openssl pkcs12 -export -inkey tls.key -in tls.pem -out certificate.p12 -passout file:password; cd "$DIR"
		GOOS=windows GOARCH=amd64 WINDOWS_CERTIFICATE=$PWD/../certificate.p12 WINDOWS_CERTIFICATE_PASSWORD_FILE=$PWD/../password \
			.tools/bin/goreleaser build --snapshot --clean --single-target >../log 2>&1 || { cat ../log; exit 1; }
		osslsigncode verify -CAfile ../tls.pem -in dist/release/*windows*/aws-mfa-creds.exe`
	if got := sh(t, sign, "DIR="+dir); !strings.Contains(got, "Signature verification: ok") {
		t.Errorf("osslsigncode: %s", got)
	}
}
