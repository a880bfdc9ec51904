//go:build linux

package test

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// recipe plays one page of docs/guides or docs/recipes on a machine of its own.
type recipe struct {
	*recipeMachine
	dir     string             // where alice is
	with    map[string]string  // what the reader replaces
	runners map[string]runner  // by the name that run= has
	printed string             // by the last run
	check   func(t *testing.T) // after all

	// forgetful: the page has several computers, which do not know of each other's codes.
	forgetful bool
}

// runner runs a block that is not a shell script of alice's, and returns what her terminal, or
// the log of the CI, shows.
type runner func(t *testing.T, b block, text string) string

// recipes are what each page needs beyond its own text.
var recipes = map[string]func(t *testing.T) *recipe{
	"cdk.md":             cdkRecipe,
	"ci.md":              ciGuide,
	"containers.md":      containersRecipe,
	"cron.md":            cronRecipe,
	"docker.md":          dockerRecipe,
	"from-aws-mfa.md":    fromAWSMFA,
	"from-aws-vault.md":  fromAWSVault,
	"from-plain-keys.md": fromPlainKeys,
	"github-actions.md":  githubRecipe,
	"gitlab-ci.md":       gitlabRecipe,
	"tools.md":           beginner,
	"jenkins.md":         jenkinsRecipe,
	"kubernetes.md":      kubernetesRecipe,
	"laptop.md":          beginner,
	"sdks.md":            beginner,
	"shared-cache.md":    sharedCacheRecipe,
	"ssh.md":             sshRecipe,
	"systemd.md":         systemdRecipe,
	"terraform.md":       terraformRecipe,
}

// TestRecipes does what the pages in docs/guides and docs/recipes say, as they say it. What is replaced is what
// a reader replaces (the access key, the code of the phone, the account numbers), and what cannot
// run here: see testdata/recipes and the runners.
func TestRecipes(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../docs/[gr]*/*.md") // guides and recipes
	if err != nil || len(pages) < len(recipes) {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, page := range pages {
		name := filepath.Base(page)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if recipes[name] == nil {
				t.Fatal("nobody runs this page: add it to recipes")
			}
			recipes[name](t).play(t, readBlocks(t, page))
		})
	}
}

// play goes through a page from top to bottom.
func (r *recipe) play(t *testing.T, blocks []block) {
	t.Helper()
	ran := 0
	for _, b := range blocks {
		text := r.replace(b.text)
		switch {
		case b.has("before") || b.has("file"):
			r.write(t, r.place(b.marks["file"]), text, mode(t, b))
			if !b.has("run") {
				continue
			}
			fallthrough
		case b.has("run"):
			r.runBlock(t, b, text)
			ran++
		case b.has("shows"):
			r.wantShown(t, b, text)
		default:
			t.Errorf("%s:%d: a block that nobody runs", b.page, b.line)
		}
	}
	if ran == 0 {
		t.Error("nothing was run")
	}
	if !r.forgetful {
		wantNoCodeTwice(t, r.Bed)
	}
	if r.check != nil {
		r.check(t)
	}
}

func (r *recipe) runBlock(t *testing.T, b block, text string) {
	t.Helper()
	run := r.runners[b.marks["run"]]
	if run == nil {
		run = r.inShell
	}
	r.printed = run(t, b, text)
	r.wantNoSecretIn(t, "what "+b.page+":"+strconv.Itoa(b.line)+" prints", r.printed)
}

func (r *recipe) inShell(t *testing.T, b block, text string) string {
	t.Helper()
	if b.language != "sh" {
		t.Fatalf("%s:%d: no runner for it", b.page, b.line)
	}
	got := r.shell(t, r.dir, text)
	if got.code != 0 {
		t.Fatalf("%s:%d: exit %d\n%s%s", b.page, b.line, got.code, got.stdout, got.stderr)
	}
	return got.stdout + got.stderr
}

// wantShown looks for each line in what was printed last.
func (r *recipe) wantShown(t *testing.T, b block, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.Contains(r.printed, line) {
			t.Errorf("%s:%d: it does not show %q but\n%s", b.page, b.line, line, r.printed)
		}
	}
}

// replace does what the reader does: his account, his key, his code.
func (r *recipe) replace(text string) string {
	key := r.key()
	text = strings.NewReplacer(
		"111122223333", "123456789012", "444455556666", "123456789012",
		"AKIAIOSFODNN7EXAMPLE", key.ID, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", key.Secret,
	).Replace(text)
	for from, to := range r.with {
		text = strings.ReplaceAll(text, from, to)
	}
	return text
}

// place returns where on the machine a file of a page belongs.
func (r *recipe) place(name string) string {
	if rest, ok := strings.CutPrefix(name, "~"); ok {
		return aliceHome + rest
	}
	if path.IsAbs(name) {
		return name
	}
	return path.Join(r.dir, name)
}

func mode(t *testing.T, b block) os.FileMode {
	t.Helper()
	if !b.has("mode") {
		return 0o600
	}
	mode, err := strconv.ParseUint(b.marks["mode"], 8, 32)
	if err != nil {
		t.Fatal(err)
	}
	return os.FileMode(mode)
}

// plain is a recipe for somebody who has MFA on the device of that name, or "".
func plain(t *testing.T, device string) *recipe {
	t.Helper()
	return &recipe{recipeMachine: newRecipeMachine(t, device), dir: aliceHome, with: map[string]string{}, runners: map[string]runner{}}
}

// beginner has just got her access key from the console.
func beginner(t *testing.T) *recipe {
	t.Helper()
	r := plain(t, "")
	needAWSCLI(t)
	key := r.key()
	r.write(t, aliceHome+"/key.csv", "Access key ID,Secret access key\r\n"+key.ID+","+key.Secret+"\r\n", 0o600)
	r.check = func(t *testing.T) {
		t.Helper()
		if err := os.Remove(r.path(aliceHome + "/key.csv")); err != nil {
			t.Fatal(err)
		}
		r.wantNoSecretAt(t, aliceHome)
	}
	return r
}

func needAWSCLI(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/usr/bin/aws"); err != nil {
		missing(t, "the AWS CLI", "apt-get install awscli")
	}
}

// phone has the current code of the device, which nobody else has used.
func (r *recipe) phone(t *testing.T, name string) string {
	t.Helper()
	roomInStep()
	world := r.Server.World()
	seed, err := totp.ParseSeed(world.Device(world.DeviceARN(name)).Seed, totp.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	code := seed.Code(totp.StepAt(r.Server.Now()))
	return code.Reveal()
}

// converted is a recipe of somebody whose account demands MFA, and who has a phone.
func converted(t *testing.T) *recipe {
	t.Helper()
	needAWSCLI(t)
	r := plain(t, "alice-phone")
	r.runners["phone"] = func(t *testing.T, b block, text string) string {
		return r.inShell(t, b, strings.ReplaceAll(text, "<<<123456", "<<<"+r.phone(t, "alice-phone")))
	}
	return r
}

func fromPlainKeys(t *testing.T) *recipe {
	t.Helper()
	needAWSCLI(t)
	r := plain(t, "")
	old := r.key()
	r.check = func(t *testing.T) {
		t.Helper()
		r.wantNoSecretAt(t, aliceHome)
		if world := r.Server.World(); len(world.User(testbed.UserName).Keys) != 1 || r.key().ID == old.ID {
			t.Error("the access key was not replaced")
		}
	}
	return r
}

func fromAWSMFA(t *testing.T) *recipe {
	t.Helper()
	r := converted(t)
	r.check = func(t *testing.T) { t.Helper(); r.wantNoSecretAt(t, aliceHome) }
	return r
}

func cdkRecipe(t *testing.T) *recipe {
	t.Helper()
	r := beginner(t)
	cache, _ := os.UserCacheDir()
	modules := filepath.Join(cache, "aws-mfa-creds-conformance", "node_modules")
	if _, err := os.Stat(filepath.Join(modules, "aws-cdk/bin/cdk")); err != nil {
		missing(t, "the AWS CDK", "scripts/install-clients")
	}
	r.bind(modules, "/usr/local/lib/node_modules")
	r.write(t, "/usr/local/bin/cdk", "#!/bin/sh\nexec node /usr/local/lib/node_modules/aws-cdk/bin/cdk \"$@\"\n", 0o755)
	r.runners["cdk"] = func(t *testing.T, b block, text string) string {
		// The reader's app, of one stack. That of the conformance suite fails unless the CDK has
		// found out the account with the credentials.
		app, err := os.ReadFile("conformance/js/app.cjs")
		if err != nil {
			t.Fatal(err)
		}
		r.dir = aliceHome + "/app"
		r.write(t, r.dir+"/cdk.json", `{"app": "node app.cjs"}`, 0o600)
		r.write(t, r.dir+"/app.cjs", strings.ReplaceAll(string(app), "empty", "network"), 0o600)
		return r.inShell(t, b, text)
	}
	return r
}

func terraformRecipe(t *testing.T) *recipe {
	t.Helper()
	terraform, err := exec.LookPath("terraform")
	mirror := terraformMirror()
	if err != nil || mirror == "" {
		t.Skip("SKIPPED: terraform with a file system mirror of hashicorp/aws is optional: set TF_MIRROR to the mirror's directory")
	}
	r := beginner(t)
	r.bind(terraform, "/usr/local/bin/terraform")
	r.bind(mirror, "/usr/local/share/terraform/plugins") // where Terraform looks first
	s3 := newStateBucket(t)
	r.write(t, "/etc/hosts", "127.0.0.1 s3.test example-terraform-state.s3.test\n", 0o644)
	r.runners["terraform"] = func(t *testing.T, b block, text string) string {
		before := calls(r.Bed, "GetSessionToken")
		said := r.inShell(t, b, "export AWS_ENDPOINT_URL_S3=http://s3.test:"+s3.port+"\n"+text)
		if after := calls(r.Bed, "GetSessionToken"); after != before {
			t.Errorf("%d GetSessionToken calls, though there is a session", after-before)
		}
		return said
	}
	tidy := r.check
	r.check = func(t *testing.T) {
		t.Helper()
		tidy(t)
		got := r.shell(t, aliceHome, "aws-mfa-creds get --profile work --role-arn arn:aws:iam::123456789012:role/state")
		if id := credentials(t, got).AccessKeyID; !s3.written || len(s3.keys) != 1 || !s3.keys[id] {
			t.Errorf("the backend has used %v, and not the session %s of its profile", s3.keys, id)
		}
	}
	return r
}
