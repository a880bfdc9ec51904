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
	modelOfCalling = "the model is of how the process is called"
	processOnly    = "it reads credential_process only"
	iniOnly        = "it reads the AWS config only"
)

// Causes that several clients share.
const (
	botocoreAsksAgain = "inside ten minutes it asks again for each request (RefreshableCredentials._refresh in botocore/credentials.py, _mandatory_refresh_timeout)"
	goTellsStatus     = "the process inherits stderr, and the error has the exit status alone (executeCredentialProcess in processcreds/provider.go)"
	crtNotCached      = "a process provider of its own is not cached (s_get_credentials_from_process in aws-c-auth, credentials_provider_process.c)"

	// Of clients that know no file for the token.
	botocoreNoFile = "ContainerProvider knows AWS_CONTAINER_AUTHORIZATION_TOKEN alone (botocore/credentials.py of this version)"
	goNoFile       = "httpCredProvider knows AWS_CONTAINER_AUTHORIZATION_TOKEN alone (aws/defaults/defaults.go of aws-sdk-go 1.44)"
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
		dotNet(t),
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
		perAsk:      1, shows: inMessage, cannot: map[string]string{caseExpiry: oneProcessEach}, env: []string{bundle}, cause: botocoreCauses(isDebian),
	}
}

// botocoreCauses are those of a client on botocore, which may be Debian's.
func botocoreCauses(isDebian bool) map[string]string {
	causes := map[string]string{caseDown: botocoreAsksAgain}
	if isDebian {
		causes[caseEndpoint] = botocoreNoFile
	}
	return causes
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
		perStart:    1, shows: inMessage, env: []string{bundle}, cause: botocoreCauses(python == debianPython),
	}
}

func goSDK(t *tools, name, variant, module string) *client {
	c := &client{
		name: name, core: variant == "v2" || variant == "base", version: []string{t.path("goclient"), "--version", module},
		talks: true,
		command: func(m *machine, profile string) []string {
			return []string{m.tools.path("goclient"), variant, profile, m.wire.url()}
		},
		perStart: 1, shows: onTerminal, cause: map[string]string{caseFails: goTellsStatus},
	}
	return c
}

// dotNet is a model.
func dotNet(t *tools) *client {
	c := goSDK(t, ".NET", "dotnet", "")
	c.model, c.version, c.shows = "aws-sdk-net 173ae69", []string{"true"}, inMessage
	c.cannot = map[string]string{caseSDKRole: modelOfCalling, caseEndpoint: modelOfCalling, caseEnv: modelOfCalling, caseLatency: modelOfCalling}
	c.cause = map[string]string{caseDown: "it asks again while less than 15 minutes are left (ProcessAWSCredentials, PreemptExpiryTime)"}
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
		c.cause = map[string]string{caseFails: "the chain throws the error of its last provider alone (internalCreateChain in credential-provider-node, runtime/memoize-chain.ts)", caseKilled: "the chain goes on to fromProcess after fromIni, and that runs it again (credential-provider-node, defaultProvider.ts)"}
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
		perStart: 1, shows: hidden, cannot: map[string]string{caseSDKRole: "it takes a role from a profile with keys only (SharedIniFileCredentials.loadRoleProfile in lib/credentials/shared_ini_file_credentials.js)"},
		env: []string{"AWS_SDK_LOAD_CONFIG=1"}, cause: map[string]string{caseFails: "stderr is dropped (ProcessCredentials.loadViaCredentialProcess in lib/credentials/process_credentials.js), and the chain keeps the error of its last provider alone (CredentialProviderChain.resolve)"},
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
		cause: map[string]string{caseFails: "it asks who it is, and tells of a failure with --verbose only (SdkProvider.defaultAccount in toolkit-lib, aws-auth/sdk-provider.ts)"},
	}
}

func ruby(t *tools) *client {
	return &client{
		name: "Ruby SDK", core: true, howToGet: installing, version: []string{"ruby", t.path("ruby/sdk.rb"), "--version"},
		talks: true,
		command: func(m *machine, profile string) []string {
			return []string{"ruby", m.tools.path("ruby/sdk.rb"), profile, m.wire.url()}
		},
		perStart: 2, shows: onTerminal, cause: map[string]string{caseSession: "its constructor runs the process, and that of its module runs it again (ProcessCredentials#initialize, RefreshingCredentials#initialize)", caseFails: "the process inherits stderr (ProcessCredentials#credentials_from_process)"}, cannot: map[string]string{caseEndpoint: "this version knows AWS_CONTAINER_CREDENTIALS_RELATIVE_URI only (CredentialProviderChain#instance_profile_credentials)"},
	}
}

// crtCrashes is a defect of old versions.
const crtCrashes = "a failure is reported twice, and the second time ends this version with a segmentation fault (s_get_credentials_from_process in aws-c-auth calls back, and returns an error)"

func crt(t *tools) *client {
	return &client{
		name: "aws-crt (Python)", howToGet: installing, version: []string{debianPython, t.path("python/crt.py"), "--version"},
		talks: true,
		command: func(m *machine, profile string) []string {
			return []string{debianPython, m.tools.path("python/crt.py"), profile, m.wire.url()}
		},
		note:   "it loses the session token (aws-c-auth#205, fixed in 2023: s_get_credentials_from_process looked for Token), so AWS would refuse what it signs; its cells are requests that are signed with the right access key",
		perAsk: 1, shows: hidden, cannot: map[string]string{
			caseSDKRole: processOnly, caseEndpoint: processOnly, caseEnv: processOnly, caseLatency: processOnly,
			caseKilled: crtCrashes,
		},
		cause: map[string]string{caseSession: crtNotCached, caseFails: crtCrashes},
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
		perAsk:      1, shows: inMessage, cannot: map[string]string{caseExpiry: oneProcessEach}, cause: map[string]string{caseEndpoint: goNoFile},
	}
}
