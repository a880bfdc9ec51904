package sandbox

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// need skips, loudly, what a machine cannot run; in CI nothing may be skipped.
func need(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("this test needs %s", what)
	}
	t.Skipf("SKIPPED: this test needs %s", what)
}

// installedCLIs returns every AWS CLI of the machine: versions differ in how
// they sign and in what they send.
func installedCLIs(t *testing.T) []string {
	t.Helper()
	var found []string
	onPath, _ := exec.LookPath("aws")
	if behindShim, err := exec.Command("pyenv", "which", "aws").Output(); err == nil {
		onPath = strings.TrimSpace(string(behindShim))
	}
	for _, path := range []string{onPath, "/usr/bin/aws"} {
		if _, err := os.Stat(path); err == nil && !slices.Contains(found, path) {
			found = append(found, path)
		}
	}
	if found == nil {
		need(t, "the AWS CLI: apt install awscli")
	}
	return found
}

// forks runs the AWS CLI once for each line of stdin, in a process of its own each, and loads it only once, which
// takes most of its time.
const forks = `
import gc, json, os, sys
gc.disable()
import awscli.clidriver
awscli.clidriver.create_clidriver()  # which loads the rest, and asks lsb_release
for line in sys.stdin:
    call = json.loads(line)
    if os.fork() == 0:
        os.chdir(call["Dir"])
        os.environ.update(pair.split("=", 1) for pair in call["Env"])
        for name, fd in ("stdout", 1), ("stderr", 2):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), fd)
        sys.argv = call["Args"]
        sys.exit(awscli.clidriver.main())
    os.wait()
    print(flush=True)
`

// cli runs one real AWS CLI against a sandbox.
type cli struct {
	t      *testing.T
	path   string
	in     io.Writer // of forks, if it is a script
	out    *bufio.Reader
	server *Server
	dir    string
	id     string
	secret string
	token  string
}

func newCLI(t *testing.T, path string, server *Server) *cli {
	t.Helper()
	world := server.World()
	key := world.User("alice").Keys[0]
	c := &cli{t: t, path: path, server: server, dir: t.TempDir(), id: key.ID, secret: key.Secret}
	script, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := bytes.Cut(script, []byte("\n"))
	python, ok := strings.CutPrefix(string(line), "#!")
	if !ok || !strings.Contains(python, "/python") {
		return c // it is started for each call
	}
	command := exec.Command(strings.TrimSpace(python), "-c", forks)
	command.Env, command.Stderr = withoutAWS(), os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = command.Wait() })
	c.in, c.out = in, bufio.NewReader(out)
	return c
}

func withoutAWS() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
}

func (c *cli) as(session answerOfCLI) *cli {
	c.t.Helper()
	if session.Credentials.AccessKeyID == "" {
		c.t.Fatal("the CLI gave no session")
	}
	other := *c
	other.id, other.secret, other.token = session.Credentials.AccessKeyID, session.Credentials.SecretAccessKey, session.Credentials.SessionToken
	return &other
}

type answerOfCLI struct {
	Credentials struct {
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
	}
	Arn, UserID, Account string
	VirtualMFADevice     struct{ SerialNumber string }
	VirtualMFADevices    []struct{ SerialNumber string }
	MFADevices           []struct{ SerialNumber, UserName string }
	AccessKey            struct {
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
	}
	AccessKeyMetadata []struct{ Status string }
	AccessKeyLastUsed struct{ ServiceName string }
	User              struct{ UserName string }
}

func (c *cli) run(line string) (stdout []byte, stderr string) {
	c.t.Helper()
	args := append(strings.Fields(line), "--endpoint-url", c.server.URL(), "--output", "json")
	env := []string{
		"HOME=" + c.dir, "AWS_CONFIG_FILE=" + filepath.Join(c.dir, "config"), "AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(c.dir, "credentials"),
		"AWS_REGION=eu-central-1", "AWS_DEFAULT_REGION=eu-central-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=", "NO_PROXY=*",
		"AWS_ACCESS_KEY_ID=" + c.id, "AWS_SECRET_ACCESS_KEY=" + c.secret,
	}
	if c.token != "" {
		env = append(env, "AWS_SESSION_TOKEN="+c.token)
	}
	if c.server.options.TLS {
		bundle := filepath.Join(c.dir, "ca.pem")
		if err := os.WriteFile(bundle, c.server.CAPEM(), 0o600); err != nil {
			c.t.Fatal(err)
		}
		env = append(env, "AWS_CA_BUNDLE="+bundle)
	}
	if c.in == nil {
		command := exec.Command(c.path, args...)
		command.Dir, command.Env = c.dir, append(withoutAWS(), env...)
		var errOut strings.Builder
		command.Stderr = &errOut
		out, _ := command.Output() // the callers read stderr
		return out, errOut.String()
	}
	return c.fork(append([]string{"aws"}, args...), env)
}

func (c *cli) fork(args, env []string) (stdout []byte, stderr string) {
	c.t.Helper()
	call := struct {
		Dir       string
		Args, Env []string
	}{c.dir, args, env}
	err := json.NewEncoder(c.in).Encode(call)
	if err == nil {
		_, err = c.out.ReadString('\n')
	}
	if err == nil {
		stdout, err = os.ReadFile(filepath.Join(c.dir, "stdout"))
	}
	said, unread := os.ReadFile(filepath.Join(c.dir, "stderr"))
	if err = cmp.Or(err, unread); err != nil {
		c.t.Fatal(err)
	}
	return stdout, string(said)
}

func (c *cli) ok(line string) (answer answerOfCLI) {
	c.t.Helper()
	stdout, stderr := c.run(line)
	if strings.TrimSpace(stderr) != "" {
		c.t.Errorf("aws %s: %s", line, stderr)
		return answer
	}
	if len(stdout) > 0 {
		if err := json.Unmarshal(stdout, &answer); err != nil {
			c.t.Errorf("aws %s: %v in %s", line, err, stdout)
		}
	}
	return answer
}

func (c *cli) refused(want, line string) {
	c.t.Helper()
	if _, stderr := c.run(line); !strings.Contains(stderr, want) {
		c.t.Errorf("aws %s: got %q, want %q", line, stderr, want)
	}
}

// oathtool makes codes of a seed: the current one of the server, and the next.
func oathtool(t *testing.T, server *Server, seed string) (now, next string) {
	t.Helper()
	path, err := exec.LookPath("oathtool")
	if err != nil {
		need(t, "oathtool: apt install oathtool")
	}
	command := exec.Command(path, "--totp", "-b", "-w", "1", "-N", fmt.Sprintf("@%d", server.Now().Unix()), "-")
	command.Stdin = strings.NewReader(seed + "\n")
	out, err := command.Output()
	codes := strings.Fields(string(out))
	if err != nil || len(codes) != 2 {
		t.Fatalf("oathtool: %v, %d codes", err, len(codes))
	}
	return codes[0], codes[1]
}

// stepper moves the server's clock on by time steps, inside the tolerance of
// signatures, so that no test waits for a code.
func stepper(server *Server) (next func()) {
	offset := -4 * time.Minute
	server.SetClockOffset(offset)
	return func() {
		offset += stepLength
		server.SetClockOffset(offset)
	}
}

func TestCLISTS(t *testing.T) {
	t.Parallel()
	for i, path := range installedCLIs(t) {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			server := startServer(t, Options{TLS: i%2 == 0})
			cliSTS(t, newCLI(t, path, server))
			if got := server.State().Count("GetSessionToken"); got.Accepted != 2 {
				t.Errorf("GetSessionToken: %+v", got)
			}
		})
	}
}

func cliSTS(t *testing.T, alice *cli) {
	server := alice.server
	world := server.World()
	seed := world.Device(laptop).Seed
	next := stepper(server)
	if got := alice.ok("sts get-caller-identity"); got.Arn != "arn:aws:iam::123456789012:user/alice" {
		t.Errorf("caller %q", got.Arn)
	}
	plain := alice.as(alice.ok("sts get-session-token"))
	plain.refused("(SignatureDoesNotMatch)", "iam list-mfa-devices") // signed for eu-central-1
	plain.refused("(InvalidClientTokenId)", "iam list-mfa-devices --region us-east-1")

	code, _ := oathtool(t, server, seed)
	get := "sts get-session-token --serial-number " + laptop + " --token-code "
	session := alice.as(alice.ok(get + code))
	alice.refused("MultiFactorAuthentication failed with invalid MFA one time pass code", get+code)
	next()
	code, _ = oathtool(t, server, seed)
	alice.refused("unable to validate MFA code", "sts get-session-token --serial-number arn:aws:iam::123456789012:mfa/other --token-code "+code)
	alice.refused("must provide both MFA serial number and one time pass code", "sts get-session-token --serial-number "+laptop)
	session.refused("Cannot call GetSessionToken with session credentials", "sts get-session-token")

	assume := "sts assume-role --role-session-name work --role-arn "
	alice.refused("User: arn:aws:iam::123456789012:user/alice is not authorized to perform: sts:AssumeRole on resource: "+roleDeploy, assume+roleDeploy)
	deploy := session.as(session.ok(assume + roleDeploy))
	if got := deploy.ok("sts get-caller-identity"); got.Arn != "arn:aws:sts::123456789012:assumed-role/deploy/work" {
		t.Errorf("caller %q", got.Arn)
	}
	session.refused("exceeds the 1 hour session limit for roles assumed by role chaining", assume+roleDeploy+" --duration-seconds 7200")
	code, _ = oathtool(t, server, seed) // the calls before may have taken long
	alice.ok(assume + roleDeploy + " --duration-seconds 7200 --serial-number " + laptop + " --token-code " + code)

	stranger := *alice
	stranger.secret = strings.Repeat("x", 40)
	stranger.refused("(SignatureDoesNotMatch)", "sts get-caller-identity")
	stranger.id = "AKIAAAAAAAAAAAAAAAAA"
	stranger.refused("(InvalidClientTokenId)", "sts get-caller-identity")
	server.SetClockOffset(10 * time.Minute)
	alice.refused("Signature expired: ", "sts get-caller-identity")
	server.SetClockOffset(-10 * time.Minute)
	alice.refused("Signature not yet current: ", "sts get-caller-identity")
}

func TestCLIIAM(t *testing.T) {
	t.Parallel()
	for i, path := range installedCLIs(t) {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			world := DefaultWorld()
			world.Devices = nil
			cliIAM(t, newCLI(t, path, startServer(t, Options{World: world, TLS: i%2 == 1, AnyIAMRegion: true})))
		})
	}
}

func cliIAM(t *testing.T, alice *cli) {
	server := alice.server
	next := stepper(server)
	create := "iam create-virtual-mfa-device --virtual-mfa-device-name alice-cli --bootstrap-method Base32StringSeed --outfile seed"
	serial := alice.ok(create).VirtualMFADevice.SerialNumber
	alice.refused("(EntityAlreadyExists)", create)
	seedBytes, err := os.ReadFile(filepath.Join(alice.dir, "seed"))
	if err != nil || len(seedBytes) != 64 {
		t.Fatalf("the seed of the CLI has %d characters, %v", len(seedBytes), err)
	}
	seed := string(seedBytes)
	alice.ok("iam create-virtual-mfa-device --virtual-mfa-device-name picture --bootstrap-method QRCodePNG --outfile qr.png")
	if picture, _ := os.ReadFile(filepath.Join(alice.dir, "qr.png")); http.DetectContentType(picture) != "image/png" {
		t.Error("QRCodePNG is no PNG")
	}

	first, second := oathtool(t, server, seed)
	pair := " --user-name alice --serial-number " + serial + " --authentication-code1 "
	alice.refused("(InvalidAuthenticationCode)", "iam enable-mfa-device"+pair+second+" --authentication-code2 "+first)
	alice.ok("iam enable-mfa-device" + pair + first + " --authentication-code2 " + second)
	alice.refused("(EntityAlreadyExists)", "iam enable-mfa-device"+pair+first+" --authentication-code2 "+second)
	alice.refused("(DeleteConflict)", "iam delete-virtual-mfa-device --serial-number "+serial)
	if got := alice.ok("iam list-mfa-devices"); len(got.MFADevices) != 1 || got.MFADevices[0].UserName != "alice" {
		t.Errorf("devices %+v", got.MFADevices)
	}
	if got := alice.ok("iam list-virtual-mfa-devices --assignment-status Unassigned"); len(got.VirtualMFADevices) != 1 {
		t.Errorf("unassigned devices %+v", got.VirtualMFADevices)
	}
	alice.refused("invalid MFA one time pass code", "sts get-session-token --serial-number "+serial+" --token-code "+second)
	next()
	next()
	first, second = oathtool(t, server, seed)
	alice.ok("iam resync-mfa-device" + pair + first + " --authentication-code2 " + second)

	key := alice.ok("iam create-access-key").AccessKey
	alice.refused("(LimitExceeded)", "iam create-access-key")
	other := *alice
	other.id, other.secret = key.AccessKeyID, key.SecretAccessKey
	if got := other.ok("iam get-user"); got.User.UserName != "alice" {
		t.Errorf("user %+v", got.User)
	}
	if got := alice.ok("iam get-access-key-last-used --access-key-id " + key.AccessKeyID); got.AccessKeyLastUsed.ServiceName != "iam" {
		t.Errorf("last used %+v", got.AccessKeyLastUsed)
	}
	alice.ok("iam update-access-key --status Inactive --access-key-id " + key.AccessKeyID)
	other.refused("(InvalidClientTokenId)", "sts get-caller-identity")
	if got := alice.ok("iam list-access-keys").AccessKeyMetadata; len(got) != 2 || got[1].Status != "Inactive" {
		t.Errorf("keys %+v", got)
	}
	alice.ok("iam delete-access-key --access-key-id " + key.AccessKeyID)
	alice.ok("iam deactivate-mfa-device --user-name alice --serial-number " + serial)
	alice.ok("iam delete-virtual-mfa-device --serial-number " + serial)
	alice.refused("(NoSuchEntity)", "iam delete-virtual-mfa-device --serial-number "+serial)
}

// TestPresigned lets boto3 presign GetCallerIdentity, as EKS tokens do.
func TestPresigned(t *testing.T) {
	t.Parallel()
	const script = `
import boto3, sys
client = boto3.client("sts", region_name="eu-west-1", endpoint_url=sys.argv[1], aws_access_key_id=sys.argv[2], aws_secret_access_key=sys.argv[3])
print(client.generate_presigned_url("get_caller_identity", HttpMethod="GET"))`
	if err := exec.Command("python3", "-c", "import boto3").Run(); err != nil {
		need(t, "boto3: apt install python3-boto3")
	}
	server := startServer(t, Options{})
	alice := newUser(t, server, "alice")
	out, err := exec.Command("python3", "-c", script, server.URL(), alice.id, alice.secret).Output()
	if err != nil {
		t.Fatal(err)
	}
	fetch := func(url string) reply {
		r, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := alice.send(r)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	url := strings.TrimSpace(string(out))
	if got := fetch(url).wantOK(t); got.Arn != "arn:aws:iam::123456789012:user/alice" {
		t.Errorf("caller %q", got.Arn)
	}
	fetch(url+"&Extra=1").want(t, 403, "SignatureDoesNotMatch", "does not match")
	server.SetClockOffset(14 * time.Minute)
	fetch(url).wantOK(t)
	server.SetClockOffset(16 * time.Minute)
	fetch(url).want(t, 403, "SignatureDoesNotMatch", "- 15 min.)")
}
