package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const (
	debianPython = "/usr/bin/python3"
	installing   = "scripts/install-clients"
)

// Reasons for cells that cannot be.
const (
	oneProcessEach = "each command is a process of its own"
	noRolesInSDK   = "this SDK takes no role from a process profile"
	modelOfCalling = "the model is of how the process is called"
	processOnly    = "it reads credential_process only"
	iniOnly        = "it reads the AWS config only"
)

// Causes that several clients share.
const (
	botocoreAsksAgain = "inside ten minutes it asks again for each request (RefreshableCredentials, _mandatory_refresh_timeout)"
	chainForgets      = "the chain keeps the last provider's error alone"
)

// clients returns the rows of the matrix.
func clients(t *tools) []*client {
	all := []*client{
		awsCLI(false, debianAWS),
		awsCLI(true, otherAWS()),
		boto(debianPython, false),
		boto(otherPython(), true),
		goSDK(t, "Go SDK v2", "v2", "github.com/aws/aws-sdk-go-v2/config"),
		goSDK(t, "Go SDK v1", "v1", "github.com/aws/aws-sdk-go"),
		goSDK(t, "aws-sdk-go-base", "base", "github.com/hashicorp/aws-sdk-go-base/v2"),
		jsV3(t, "fromProcess"), jsV3(t, "fromIni"), jsV3(t, "fromNodeProviderChain"),
		jsV2(t),
		cdk(t),
		ruby(t),
		crt(t),
		rclone(),
		model(t, ".NET", "dotnet", "aws-sdk-net 173ae69", inMessage),
		model(t, "PHP", "php", "aws-sdk-php 00b17f9", onTerminal),
	}
	var some []*client
	for _, c := range slices.Concat(all, builtClients(t), toolClients(t), deployClients(t)) {
		if c != nil {
			some = append(some, c)
		}
	}
	return some
}

const debianAWS = "/usr/bin/aws"

// otherAWS is the AWS CLI of the search path, if it is another than Debian's.
func otherAWS() string {
	path, err := exec.LookPath("aws")
	if resolved, _ := filepath.EvalSymlinks(path); err != nil || resolved == debianAWS {
		return ""
	}
	return path
}

func awsCLI(optional bool, program ...string) *client {
	if program[0] == "" {
		return nil
	}
	isDebian := program[0] == debianAWS
	return &client{
		name: "AWS CLI", core: isDebian, optional: optional, howToGet: installing, version: append(program, "--version"),
		command: func(m *machine, profile string) []string {
			args := append(slices.Clone(program), "sts", "get-caller-identity", "--endpoint-url", m.wire.url(), "--output", "json")
			if profile == noProfile {
				return args
			}
			return append(args, "--profile", profile)
		},
		noTokenFile: isDebian,
		perAsk:      1, shows: inMessage, cannot: map[string]string{caseExpiry: oneProcessEach}, env: []string{bundle}, cause: map[string]string{caseDown: botocoreAsksAgain},
	}
}

// bundle makes Python trust the wire. aws-mfa-creds inherits the variable.
const bundle = "AWS_CA_BUNDLE=" + wireCA

// otherPython is the Python of the search path, if it has a boto3 and is another than Debian's.
func otherPython() string {
	path, err := exec.LookPath("python3")
	if resolved, _ := filepath.EvalSymlinks(path); err != nil || strings.HasPrefix(resolved, debianPython) || exec.Command(path, "-c", "import boto3").Run() != nil {
		return ""
	}
	return path
}

func boto(python string, optional bool) *client {
	if python == "" {
		return nil
	}
	return &client{
		name: "boto3", core: python == debianPython, optional: optional, howToGet: installing, version: []string{python, "-c", "import boto3; print(boto3.__version__)"},
		talks: true,
		command: func(m *machine, profile string) []string {
			return []string{python, m.tools.path("python/boto.py"), profile, m.wire.url()}
		},
		noTokenFile: python == debianPython,
		perStart:    1, shows: inMessage, env: []string{bundle}, cause: map[string]string{caseDown: botocoreAsksAgain},
	}
}

func goSDK(t *tools, name, variant, module string) *client {
	c := &client{
		name: name, core: variant == "v2" || variant == "base", version: []string{t.path("goclient"), "--version", module},
		talks: true,
		command: func(m *machine, profile string) []string {
			return []string{m.tools.path("goclient"), variant, profile, m.wire.url()}
		},
		perStart: 1, shows: onTerminal, cause: map[string]string{caseFails: "the process inherits stderr; the error has the exit status alone (processcreds, executeCredentialProcess)"},
	}
	return c
}

func model(t *tools, name, variant, source string, shows seen) *client {
	c := goSDK(t, name, variant, "")
	c.model, c.version, c.shows = source, []string{"true"}, shows
	c.cannot = map[string]string{caseSDKRole: modelOfCalling, caseEndpoint: modelOfCalling, caseEnv: modelOfCalling, caseLatency: modelOfCalling}
	if variant == "php" {
		c.cannot[caseSDKRole] = noRolesInSDK
	}
	return c
}

func jsV3(t *tools, provider string) *client {
	c := &client{
		name: "JS v3 " + provider, core: provider == "fromNodeProviderChain", howToGet: installing, version: []string{"node", t.path("js/v3.mjs"), "--version"},
		talks: true,
		command: func(m *machine, profile string) []string {
			return []string{"node", m.tools.path("js/v3.mjs"), provider, profile, m.wire.url()}
		},
		perStart: 1, shows: inMessage,
	}
	switch provider {
	case "fromProcess":
		c.cannot = map[string]string{caseSDKRole: processOnly, caseEndpoint: processOnly, caseEnv: processOnly, caseLatency: processOnly}
	case "fromIni":
		c.cannot = map[string]string{caseEndpoint: iniOnly, caseEnv: iniOnly}
	case "fromNodeProviderChain":
		c.shows = hidden
		c.cause = map[string]string{caseFails: chainForgets, caseKilled: "the chain goes on to fromProcess after fromIni, and that runs it again (defaultProvider.ts)"}
	}
	return c
}

func jsV2(t *tools) *client {
	return &client{
		name: "JS v2", core: true, howToGet: installing, version: []string{"node", t.path("js/v2.cjs"), "--version"},
		talks: true,
		command: func(m *machine, profile string) []string {
			return []string{"node", m.tools.path("js/v2.cjs"), profile, m.wire.url()}
		},
		perStart: 1, shows: hidden, cannot: map[string]string{caseSDKRole: noRolesInSDK},
		env: []string{"AWS_SDK_LOAD_CONFIG=1"}, cause: map[string]string{caseFails: chainForgets},
	}
}

// cdk has the CDK look up the account, which is a signed request; there is nothing to deploy to.
func cdk(t *tools) *client {
	program := t.path("js/node_modules/aws-cdk/bin/cdk")
	return &client{
		name: "AWS CDK", howToGet: installing, version: []string{"node", program, "--version"},
		command: func(m *machine, profile string) []string {
			own, _ := os.MkdirTemp(m.Dir, "cdk-") // it remembers the account of an access key, and locks its output
			args := []string{
				"env", "CDK_HOME=" + own, "node", program, "list", "--no-notices", "--no-version-reporting",
				"--output", filepath.Join(own, "out"), "--app", "node " + m.tools.path("js/app.cjs"),
			}
			if profile == bareProfile || profile == noProfile { // of a profile that is named, it wants the credentials
				return args
			}
			return append(args, "--profile", profile)
		},
		perAsk: 1, shows: hidden, cannot: map[string]string{caseExpiry: oneProcessEach},
	}
}

func ruby(t *tools) *client {
	return &client{
		name: "Ruby SDK", core: true, howToGet: installing, version: []string{"ruby", t.path("ruby/sdk.rb"), "--version"},
		talks: true,
		command: func(m *machine, profile string) []string {
			return []string{"ruby", m.tools.path("ruby/sdk.rb"), profile, m.wire.url()}
		},
		perStart: 2, shows: onTerminal, cause: map[string]string{caseSession: "a client resolves its chain twice, and ProcessCredentials runs the process in its constructor (CredentialProviderChain#static_profile_process_credentials)", caseFails: "the process inherits stderr (ProcessCredentials#credentials_from_process)"}, cannot: map[string]string{caseEndpoint: "this version knows AWS_CONTAINER_CREDENTIALS_RELATIVE_URI only"},
	}
}

func crt(t *tools) *client {
	return &client{
		name: "aws-crt (Python)", howToGet: installing, version: []string{debianPython, t.path("python/crt.py"), "--version"},
		talks: true,
		command: func(m *machine, profile string) []string {
			return []string{debianPython, m.tools.path("python/crt.py"), profile, m.wire.url()}
		},
		note:   "it loses the session token (aws-c-auth#205, fixed in 2023), so AWS would refuse what it signs; its cells are requests that are signed with the right access key",
		perAsk: 1, shows: hidden, cannot: map[string]string{
			caseSDKRole: processOnly, caseEndpoint: processOnly, caseEnv: processOnly, caseLatency: processOnly,
			caseKilled: "this version aborts when its process has been killed",
		},
	}
}

// rclone lists an empty bucket.
func rclone() *client {
	return &client{
		name: "rclone", core: true, howToGet: installing, version: []string{"rclone", "version"},
		command: func(m *machine, profile string) []string {
			if profile == bareProfile || profile == noProfile { // of a profile that is named, it wants the credentials
				profile = ""
			}
			remote := fmt.Sprintf(":s3,provider=Other,env_auth=true,profile=%s,region=us-east-1,endpoint='%s',force_path_style=true,list_version=2:%s", profile, m.wire.url(), bucketName)
			return []string{"rclone", "lsf", "--retries", "1", "--low-level-retries", "1", remote}
		},
		noTokenFile: true,
		perAsk:      1, shows: inMessage, cannot: map[string]string{caseExpiry: oneProcessEach},
	}
}
