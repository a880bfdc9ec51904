package test

import (
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages returns the text of all Markdown pages of the repository, by path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path != ".." && entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".github" || entry.Name() == "dist" || entry.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		content, err := os.ReadFile(path)
		all[path] = string(content)
		return err
	})
	if err != nil || len(all) < 20 {
		t.Fatalf("%d pages, %v", len(all), err)
	}
	return all
}

var (
	fencedBlock = regexp.MustCompile("(?ms)^```.*?^```$")
	codeSpan    = regexp.MustCompile("`[^`\n]+`")
	pageLink    = regexp.MustCompile(`\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)|(?:src|href)="([^"]+)"`)
	pageHeading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors returns the headings of a page as GitHub links to them.
func anchors(page string) map[string]bool {
	all := map[string]bool{}
	for _, heading := range pageHeading.FindAllStringSubmatch(fencedBlock.ReplaceAllString(page, ""), -1) {
		all[strings.ReplaceAll(strings.ToLower(notInAnchor.ReplaceAllString(heading[1], "")), " ", "-")] = true
	}
	return all
}

// TestPagesLinkWhatThereIs follows every link of every page to a file, and to a heading in it. Each page of docs is
// in the table of contents.
func TestPagesLinkWhatThereIs(t *testing.T) {
	t.Parallel()
	all := pages(t)
	listed := map[string]bool{"../docs/README.md": true}
	for path, page := range all {
		text := codeSpan.ReplaceAllString(fencedBlock.ReplaceAllString(page, ""), "")
		for _, link := range pageLink.FindAllStringSubmatch(text, -1) {
			target, err := url.Parse(link[1] + link[2] + link[3])
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			if target.Scheme != "" {
				continue
			}
			file := path
			if target.Path != "" {
				file = filepath.Join(filepath.Dir(path), target.Path)
			}
			if path == "../docs/README.md" {
				listed[file] = true
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			if target.Fragment != "" && !anchors(all[file])[target.Fragment] {
				t.Errorf("%s: no heading %q in %s", path, target.Fragment, file)
			}
		}
	}
	for path := range all {
		if strings.HasPrefix(path, "../docs/") && !listed[path] {
			t.Errorf("%s is not in the table of contents, docs/README.md", path)
		}
	}
}

var (
	codeOfPage   = regexp.MustCompile("(?ms)^```.*?^```$|^    \\S[^\n]*$|`[^`\n]+`")
	quotedWord   = regexp.MustCompile(`'[^']*'|"[^"]*"|\$\{\{.*?\}\}`)
	namedCommand = regexp.MustCompile("(?m)(?:^[ \\-]*|[`(|&;\"] ?|bin/|(?:sudo|do|then|run:) )aws-mfa-creds ([a-z][^`|<>;&#)\n]*)")
)

// TestPagesNameWhatThereIs looks whether the commands that pages name exist, with these flags.
func TestPagesNameWhatThereIs(t *testing.T) {
	t.Parallel()
	tried := map[string]bool{}
	for path, page := range pages(t) {
		for _, code := range codeOfPage.FindAllString(page, -1) {
			code = quotedWord.ReplaceAllString(strings.ReplaceAll(code, "\\\n", ""), "word")
			for _, command := range namedCommand.FindAllStringSubmatch(code, -1) {
				ours, _, _ := strings.Cut(command[1], " -- ") // what exec runs is not ours
				if tried[ours] {
					continue
				}
				tried[ours] = true
				args := append(strings.Fields(ours), "--help")
				out, err := exec.CommandContext(t.Context(), binary, args...).CombinedOutput()
				if err != nil || args[0] != "help" && !strings.Contains(string(out), "Usage:\n  aws-mfa-creds "+args[0]) {
					t.Errorf("%s: %s: %v: %s", path, ours, err, out)
				}
			}
		}
	}
	if len(tried) < 50 {
		t.Errorf("%d commands were found", len(tried))
	}
	t.Logf("%d commands", len(tried))
}
