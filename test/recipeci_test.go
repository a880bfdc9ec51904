//go:build linux

package test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
)

// ciRecipe is a CI system that has the secrets of an IAM user whose MFA device has that name.
func ciRecipe(t *testing.T, device string) (r *recipe, key sandbox.Key, seed, serial string) {
	t.Helper()
	needAWSCLI(t)
	r = plain(t, device)
	world := r.Server.World()
	found := world.Device(world.DeviceARN(device))
	r.dir = aliceHome + "/repository"
	r.check = func(t *testing.T) {
		t.Helper()
		r.wantNoSecretAt(t, aliceHome)
	}
	return r, r.key(), found.Seed, found.Serial
}

// workflow is what a GitHub workflow says, as far as the recipes go.
type workflow struct{ Jobs map[string]jobOfWorkflow }

type jobOfWorkflow struct {
	Needs    string
	Services map[string]struct {
		Image string
		Ports []string
	}
	Env      map[string]string
	Strategy struct{ Matrix map[string][]string }
	Steps    []step
}

type step struct {
	Name, Uses, Run string
	With            map[string]any
	Env             map[string]string
}

// githubJob does with the steps of a job what GitHub's runner does.
type githubJob struct {
	*recipe
	contexts map[string]string // "secrets.NAME", "vars.NAME", "runner.temp"
	env      map[string]string // that earlier steps have set
	path     []string          // likewise
	masks    []string
	log      strings.Builder // as GitHub shows it
}

const runnerTemp = aliceHome + "/_temp"

func githubRecipe(t *testing.T) *recipe {
	t.Helper()
	need(t, "jq", "apt-get install jq")
	need(t, "keyctl", "apt-get install keyutils")
	r := beginner(t)
	r.check = nil // alice has removed all herself
	r.forgetful = true
	r.copyDouble(t, "gh")
	// Go is there, but not the module proxy: go install yields the program under test.
	r.copyDouble(t, "go")
	r.sharedCache(t)
	r.copyDouble(t, "docker")
	r.with["6380"] = strconv.Itoa(sparePort(t))
	run := 0
	r.runners["github"] = func(t *testing.T, _ block, text string) string {
		r.wantNoSecretAt(t, aliceHome)
		r.forgetCodes(t)
		job := &githubJob{recipe: r, env: map[string]string{}, contexts: map[string]string{"runner.temp": runnerTemp}}
		for kind, context := range map[string]string{"secret": "secrets.", "variable": "vars."} {
			for name, value := range r.handedOver(t, "/var/"+kind) {
				job.contexts[context+name] = value
				if kind == "secret" {
					job.masks = append(job.masks, value)
				}
			}
		}
		before := calls(r.Bed, "GetSessionToken")
		for range 1 + strings.Count(text, "restore-keys") { // what is kept serves the next run, too
			run++
			job.contexts["github.run_id"], job.contexts["github.run_attempt"] = strconv.Itoa(run), "1"
			job.play(t, text)
		}
		if n := calls(r.Bed, "GetSessionToken") - before; n != 1 {
			t.Errorf("%d calls for one workflow", n)
		}
		return job.log.String()
	}
	return r
}

// handedOver returns what gh has got, by name.
func (r *recipe) handedOver(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := os.ReadDir(r.path(dir))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, file := range files {
		content, err := os.ReadFile(r.path(path.Join(dir, file.Name())))
		if err != nil {
			t.Fatal(err)
		}
		all[file.Name()] = strings.TrimSpace(string(content))
	}
	return all
}

// forgetCodes has AWS forget which codes it has seen: weeks pass between the enrollment of a device for CI and a job,
// and days between two workflows.
func (r *recipe) forgetCodes(t *testing.T) {
	t.Helper()
	r.forgetful = true
	must(t, r.Server.Update(func(w *sandbox.World) {
		for i := range w.Devices {
			w.Devices[i].LastStep = 0
		}
	}))
}

// play runs the jobs of a workflow one after the other, each on a new runner: those first that others need.
func (j *githubJob) play(t *testing.T, text string) {
	t.Helper()
	var w workflow
	if err := json.Unmarshal([]byte(jsonOfYAML(t, text)), &w); err != nil || len(w.Jobs) == 0 {
		t.Fatalf("%d jobs, %v", len(w.Jobs), err)
	}
	for _, job := range slices.SortedFunc(maps.Values(w.Jobs), func(a, b jobOfWorkflow) int { return strings.Compare(a.Needs, b.Needs) }) {
		ran := false
		for name, values := range job.Strategy.Matrix {
			for _, value := range values {
				j.contexts["matrix."+name] = value
				j.job(t, job)
				ran = true
			}
		}
		if !ran {
			j.job(t, job)
		}
	}
}

func (j *githubJob) job(t *testing.T, job jobOfWorkflow) {
	t.Helper()
	j.env, j.path = map[string]string{}, nil
	for range job.Services { // there is one at most, and it is a server on the port that the page has
		j.serve(t, "valkey-server --save '' --port "+j.with["6380"], j.with["6380"])
	}
	saves := []func(){func() { j.wantMasked(t) }}
	for _, s := range job.Steps {
		switch {
		case strings.HasPrefix(s.Uses, "actions/cache"):
			saves = append(saves, j.cache(t, s))
		case s.Uses == "": // else another action of GitHub's
			j.step(t, job.Env, s)
		}
	}
	for _, save := range saves {
		save()
	}
	for _, dir := range []string{runnerTemp, aliceHome + "/.aws", aliceHome + "/go"} {
		_ = os.RemoveAll(j.recipeMachine.path(dir))
	}
	if got := j.run(t, "/", j.recipeMachine.env(), "keyctl", "clear", "@u"); got.code != 0 { // the next runner has a kernel of its own
		t.Error(got.stderr)
	}
}

// cache does what actions/cache does: it restores the archive of the key, or the newest of a name that begins with
// one of restore-keys, and saves one after the job if there was none of the key. The commands are those of the action.
func (j *githubJob) cache(t *testing.T, s step) (save func()) {
	t.Helper()
	with := func(name string) string { return j.expand(t, fmt.Sprint(s.With[name])) }
	const shell = `umask 022; mkdir -p /var/archives; cd ~; exact=/var/archives/$1.tar; found=$exact
		[ -f "$found" ] || found=$(ls -t /var/archives/"$2"*.tar 2>/dev/null | head -n 1)
		[ -z "$found" ] || tar -xf "$found" -P -C ~; [ -f "$exact" ]`
	hit := j.run(t, aliceHome, j.recipeMachine.env(), "/bin/bash", "-c", shell, "bash", with("key"), with("restore-keys")).code == 0
	if !hit && with("fail-on-cache-miss") == "true" {
		t.Fatalf("nothing is kept under %s", with("key"))
	}
	if hit || strings.Contains(s.Uses, "/restore@") {
		return func() {}
	}
	return func() {
		got := j.run(t, aliceHome, j.recipeMachine.env(), "tar", "--posix", "-cf", "/var/archives/"+with("key")+".tar", "-P", "-C", aliceHome, with("path"))
		if got.code != 0 {
			t.Fatal(got.stderr)
		}
		j.wantNoSecretAt(t, "/var/archives")
	}
}

// step runs one run: step with GitHub's shell for those that name none.
func (j *githubJob) step(t *testing.T, jobEnv map[string]string, s step) {
	t.Helper()
	for _, file := range []string{"env", "path", "script"} {
		j.write(t, runnerTemp+"/"+file, "", 0o600)
	}
	j.write(t, runnerTemp+"/script", j.expand(t, s.Run), 0o600)
	env := append(j.way(), "HOME="+aliceHome, "PATH="+strings.Join(append(slices.Clone(j.path), usualPath), ":"), "CI=true", "GITHUB_ACTIONS=true",
		"RUNNER_TEMP="+runnerTemp, "GITHUB_ENV="+runnerTemp+"/env", "GITHUB_PATH="+runnerTemp+"/path", "LANG=C.UTF-8")
	for _, more := range []map[string]string{j.env, jobEnv, s.Env} {
		for name, value := range more {
			env = append(env, name+"="+j.expand(t, value))
		}
	}
	got := j.run(t, j.dir, env, "/bin/bash", "-e", runnerTemp+"/script")
	j.wantNoSecretIn(t, "what step "+s.Name+" prints", got.stdout+got.stderr) // GitHub's masks are a second line
	j.show(got.stdout + got.stderr)
	if got.code != 0 {
		t.Fatalf("step %s: exit %d\n%s", s.Name, got.code, j.log.String())
	}
	maps.Copy(j.env, runnerEnv(t, j.left(t, "env")))
	for line := range strings.Lines(j.left(t, "path")) {
		j.path = append([]string{strings.TrimSuffix(line, "\n")}, j.path...)
	}
}

// left returns what a step has left in a file of the runner.
func (j *githubJob) left(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(j.recipeMachine.path(path.Join(runnerTemp, file)))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// show adds output to the log: from an ::add-mask:: on, its value is hidden.
func (j *githubJob) show(output string) {
	for line := range strings.Lines(output) {
		if mask, ok := strings.CutPrefix(strings.TrimSpace(line), "::add-mask::"); ok {
			j.masks = append(j.masks, mask)
		}
		for _, mask := range j.masks {
			line = strings.ReplaceAll(line, mask, "***")
		}
		j.log.WriteString(line)
	}
}

var expression = regexp.MustCompile(`\$\{\{\s*(.*?)\s*\}\}`)

// expand evaluates the expressions in a text.
func (j *githubJob) expand(t *testing.T, text string) string {
	t.Helper()
	return expression.ReplaceAllStringFunc(text, func(found string) string {
		name := expression.FindStringSubmatch(found)[1]
		value, ok := j.contexts[name]
		if !ok {
			t.Errorf("there is no %s here", name)
		}
		return value
	})
}

// wantMasked looks for what a later step could print unmasked.
func (j *githubJob) wantMasked(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		if value := j.env[name]; value != "" && !slices.Contains(j.masks, value) {
			t.Errorf("%s is not masked", name)
		}
	}
	if strings.Contains(j.log.String(), "SessionToken\"") {
		t.Errorf("a session is in the log: %s", j.log.String())
	}
}

// gitlabRecipe has the variables of a project, two of them of the type File: those are files of
// a directory beside that of the project.
func gitlabRecipe(t *testing.T) *recipe {
	t.Helper()
	r, key, seed, serial := ciRecipe(t, "ci")
	need(t, "keyctl", "apt-get install keyutils")
	r.sharedCache(t)
	const files = "/run/builds/project.tmp"
	env := append(r.way(), "HOME="+aliceHome, "PATH="+usualPath, "CI=true", "GITLAB_CI=true",
		"AWS_MFA_CREDS_ACCESS_KEY_ID="+key.ID, "AWS_MFA_CREDS_SECRET_ACCESS_KEY_FILE="+files+"/key", "AWS_MFA_CREDS_SEED_FILE="+files+"/seed", "AWS_MFA_CREDS_SERIAL="+serial)
	// In a container, GitLab's umask is 0.
	r.write(t, files+"/key", key.Secret, 0o666)
	r.write(t, files+"/seed", seed, 0o666)
	r.write(t, files+"/password", "", 0o666)
	r.runners["gitlab"] = func(t *testing.T, _ block, text string) string { return r.pipeline(t, text, env) }
	r.runners["gitlab-shared"] = func(t *testing.T, _ block, text string) string {
		r.write(t, files+"/password", readFile(t, r.path("/etc/valkey/password")), 0o666)
		return r.pipeline(t, text, append(slices.Clone(env), "AWS_MFA_CREDS_SHARED_CACHE="+r.replace("rediss://ci@cache.example.com:6379?prefix=ci:"), "AWS_MFA_CREDS_SHARED_CACHE_PASSWORD_FILE="+files+"/password"))
	}
	r.checkMemory()
	return r
}

// gitlabJob is a job of a pipeline, or a template.
type gitlabJob struct {
	Extends, Stage string
	Variables      map[string]string
	BeforeScript   []string `json:"before_script"`
	Script         []string
	Parallel       int
	Cache          struct {
		Paths  []string
		Policy string
	}
}

// pipeline runs the jobs of a pipeline twice, each in a new container, those of the stage .pre first. However many
// there are, they need one code, and those of a pipeline that keeps a cache none the second time.
func (r *recipe) pipeline(t *testing.T, text string, env []string) (printed string) {
	t.Helper()
	var raw map[string]json.RawMessage
	var jobs map[string]gitlabJob
	content := []byte(jsonOfYAML(t, text))
	must(t, json.Unmarshal(content, &raw))
	must(t, json.Unmarshal(content, &jobs))
	for name, job := range jobs {
		if job.Extends != "" {
			whole := jobs[job.Extends]
			must(t, json.Unmarshal(raw[name], &whole)) // what the job has goes over that of its template
			jobs[name] = whole
		}
	}
	r.forgetCodes(t)
	before := calls(r.Bed, "GetSessionToken")
	for range 1 + strings.Count(text, "pull-push") {
		for _, name := range slices.SortedFunc(maps.Keys(jobs), func(a, b string) int { return strings.Compare(jobs[b].Stage, jobs[a].Stage) }) {
			if job := jobs[name]; !strings.HasPrefix(name, ".") {
				for range max(1, job.Parallel) {
					printed += r.gitlabJob(t, job, env)
				}
			}
		}
	}
	if n := calls(r.Bed, "GetSessionToken") - before; n != 1 {
		t.Errorf("%d calls for the pipeline", n)
	}
	return printed
}

// gitlabJob runs one job in a container that is new but for the clone of the project. What a cache restores may be
// written by all, as GitLab has it.
func (r *recipe) gitlabJob(t *testing.T, job gitlabJob, env []string) string {
	t.Helper()
	for name, value := range job.Variables {
		env = append(slices.Clone(env), name+"="+value)
	}
	const around = `umask 0; keyctl clear @u; rm -rf /dev/shm/* ~/.aws; mkdir -p /var/archives; rm -rf $paths
		[ ! -f /var/archives/cache.zip ] || [ -z "$paths" ] || { unzip -qo /var/archives/cache.zip; chmod -R a+rwX $paths; }
		bash -eo pipefail -c "$script" || exit
		[ "$policy" = pull ] || [ -z "$paths" ] || zip -qr /var/archives/cache.zip $paths`
	script := strings.Join(append(job.BeforeScript, job.Script...), "\n")
	env = append(env, "script="+script, "paths="+strings.Join(job.Cache.Paths, " "), "policy="+job.Cache.Policy)
	got := r.run(t, r.dir, env, "/bin/bash", "-c", around)
	if got.code != 0 {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	return got.stdout + got.stderr
}

// checkMemory has a look at /dev/shm in the end: sessions are there, and no secrets.
func (r *recipe) checkMemory() {
	disk := r.check
	r.check = func(t *testing.T) {
		t.Helper()
		disk(t)
		r.wantNoSecretAt(t, "/dev/shm")
	}
}

// What a declarative pipeline says, as far as the recipe goes. There is no Jenkins here: these
// expressions stand for its parser.
var (
	jenkinsVariable = regexp.MustCompile(`(?m)^\s+(\w+) = (?:'([^']*)'|"\$\{WORKSPACE_TMP\}([^"]*)"|credentials\('([^']*)'\))$`)
	jenkinsScript   = regexp.MustCompile(`(?s)sh '''(.*?)'''`)
)

func jenkinsRecipe(t *testing.T) *recipe {
	t.Helper()
	r, key, seed, _ := ciRecipe(t, "ci")
	r.sharedCache(t)
	secrets := map[string]string{
		"aws-mfa-access-key-id": key.ID, "aws-mfa-secret-access-key": key.Secret, "aws-mfa-seed": seed, "aws-mfa-cache-password": readFile(t, r.path("/etc/valkey/password")),
	}
	whole := "" // the Jenkinsfile
	r.runners["jenkins"] = func(t *testing.T, _ block, text string) string {
		whole = text
		return r.build(t, text, secrets)
	}
	r.runners["agents"] = func(t *testing.T, _ block, text string) (printed string) {
		r.forgetCodes(t)
		before := calls(r.Bed, "GetSessionToken")
		for range 3 { // agents, none of which has built before
			must(t, os.RemoveAll(r.path("/dev/shm/aws-mfa-creds")))
			r.inShell(t, block{language: "sh"}, "keyctl clear @u")
			printed += r.build(t, strings.Replace(whole, "environment {\n", "environment {\n"+text, 1), secrets)
		}
		if n := calls(r.Bed, "GetSessionToken") - before; n != 1 {
			t.Errorf("%d calls for three agents", n)
		}
		return printed
	}
	r.checkMemory()
	return r
}

// build runs the script of a Jenkinsfile.
func (r *recipe) build(t *testing.T, text string, secrets map[string]string) string {
	t.Helper()
	const tmp = aliceHome + "/workspace@tmp"
	env := append(r.way(), "HOME="+aliceHome, "PATH="+usualPath, "WORKSPACE_TMP="+tmp)
	for _, found := range jenkinsVariable.FindAllStringSubmatch(text, -1) {
		value := found[2]
		switch {
		case found[3] != "":
			value = tmp + found[3]
		case found[4] != "" && secrets[found[4]] == "":
			t.Fatalf("there is no credential %s", found[4])
		case found[4] != "":
			value = secrets[found[4]]
		}
		env = append(env, found[1]+"="+value)
	}
	scripts := jenkinsScript.FindAllStringSubmatch(text, -1)
	if len(scripts) != 1 {
		t.Fatalf("%d scripts", len(scripts))
	}
	r.write(t, tmp+"/script.sh", scripts[0][1], 0o600)
	got := r.run(t, r.dir, env, "/bin/sh", "-xe", tmp+"/script.sh")
	if got.code != 0 {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	// Not even -x shows a secret, so that masking is a second line.
	return got.stdout + got.stderr
}
