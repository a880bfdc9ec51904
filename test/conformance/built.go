package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
)

// The kits of the clients in this file.
var (
	javaKit   = &kit{name: "java", needs: []string{"mvn", "javac"}}
	kotlinKit = &kit{name: "kotlin", needs: []string{"mvn", "javac"}}
	rustKit   = &kit{name: "rust", needs: []string{"cargo"}}
	pipKit    = &kit{name: "pip", needs: []string{"python3"}}
	phpKit    = &kit{name: "php", needs: []string{"php", "npm"}}
)

const jvmTools = "maven and a JDK"

// builtClients are those that have to be built, or installed from another place than Debian.
func builtClients(t *tools) []*client {
	python := filepath.Join(t.kitDir(pipKit.name), "bin", "python")
	fromPip := []*client{awsCLI(false, python, "-m", "awscli"), boto(python, false), newCRT(python), arrow(t, python)}
	for _, c := range fromPip {
		c.kit, c.howToGet = pipKit, "python3-venv"
	}
	return append(fromPip, javaSDK(t, "Java v2", "v2", "sts"), javaSDK(t, "Java v2 S3 CRT client", "crt", "s3"), javaV1(t), kotlin(t), rust(t), php(t))
}

// jvm returns the command of a program on the JVM that starts fast and stays small.
func jvm(classpath ...string) []string {
	path := ""
	for _, dir := range classpath {
		path += dir + string(filepath.ListSeparator)
	}
	return []string{"java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-cp", path}
}

// crowdInside has one program open many clients: a virtual machine for each would be twenty at once.
func crowdInside(_ context.Context, m *machine) error {
	m.env = append(m.env, fmt.Sprintf("CONFORMANCE_CROWD=%d", crowd))
	return nil
}

// jarVersion returns a command that prints the name of a jar, which has the version in it.
func jarVersion(dir, name string) []string {
	return []string{"find", filepath.Join(dir, "lib"), "-name", name + "-[0-9]*.jar", "-printf", "%f"}
}

func javaSDK(t *tools, name, variant, jar string) *client {
	dir := t.kitDir(javaKit.name)
	program := append(jvm(dir, filepath.Join(dir, "lib", "*")), "Client")
	return &client{
		name: name, kit: javaKit, howToGet: jvmTools, version: jarVersion(dir, jar),
		talks: true,
		command: func(m *machine, profile string) []string {
			return append(slices.Clone(program), variant, profile, m.wire.url(), bucketName)
		},
		crowd:    crowdInside,
		perStart: 1, shows: hidden,
		cause: map[string]string{caseFails: "the line is in the cause of an error, of which the chain keeps the message alone (ProcessCredentialsProvider.refreshCredentials, AwsCredentialsProviderChain.resolveCredentials): ProfileCredentialsProvider without a chain shows it"},
	}
}

// javaV1 is told of its profile and of the config by variables of its own.
func javaV1(t *tools) *client {
	c := javaSDK(t, "Java v1", "v1", "aws-java-sdk-sts")
	ask := c.command
	c.command = func(m *machine, profile string) []string {
		return append([]string{"env", "AWS_PROFILE=" + profile, "AWS_CREDENTIAL_PROFILES_FILE=" + m.ConfigFile()}, ask(m, profile)...)
	}
	c.env = []string{"AWS_JAVA_V1_DISABLE_DEPRECATION_ANNOUNCEMENT=true"}
	c.cannot = map[string]string{caseSDKRole: "it assumes a role with static keys only (ProfileAssumeRoleCredentialsProvider.fromAssumeRole)"}
	c.cause = map[string]string{caseFails: "stderr of the process is not read (ProcessCredentialsProvider.executeCommand)"}
	return c
}

func kotlin(t *tools) *client {
	dir := t.kitDir(kotlinKit.name)
	program := append(jvm(filepath.Join(dir, "classes"), filepath.Join(dir, "lib", "*")), "ClientKt")
	return &client{
		name: "Kotlin", kit: kotlinKit, howToGet: jvmTools, version: jarVersion(dir, "sts-jvm"),
		talks: true,
		command: func(m *machine, profile string) []string {
			return append(slices.Clone(program), profile, m.wire.url())
		},
		crowd:    crowdInside,
		perStart: 1, shows: inMessage,
		cause: map[string]string{caseFails: "among the suppressed exceptions of a stack trace (IdentityProviderChain.resolve in IdentityProviderChain.kt); the message alone names the providers"},
	}
}

func rust(t *tools) *client {
	program := filepath.Join(t.kitDir(rustKit.name), "rustclient")
	return &client{
		name: "Rust", kit: rustKit, howToGet: "cargo", version: []string{program, "--version"},
		talks:    true,
		command:  func(m *machine, profile string) []string { return []string{program, profile, m.wire.url()} },
		perStart: 1, shows: inMessage,
		cause: map[string]string{caseKilled: "the second process waits for the next time step, which may take longer than the client waits"},
		note:  "it waits 21.6 s for the process (pessimistic_load_timeout in aws-smithy-runtime 1.16.2, client/identity/cache/lazy.rs); with aws-smithy-runtime 1.12 and older it waits 5 s (DEFAULT_LOAD_TIMEOUT there)",
	}
}

// php knows its profile from the environment: its option "profile" is for keys.
func php(t *tools) *client {
	program := filepath.Join(t.kitDir(phpKit.name), "sdk.php")
	return &client{
		name: "PHP", kit: phpKit, howToGet: "apt-get install php-cli php-xml", version: []string{"php", program, "--version"},
		talks: true,
		command: func(m *machine, profile string) []string {
			return underProfile(profile, "php", program, m.wire.url())
		},
		perStart: 1, shows: onTerminal,
		cannot: map[string]string{caseSDKRole: "it takes a role from a profile with keys only (CredentialProvider::loadRoleProfile)"},
		cause: map[string]string{
			caseKilled: "it asks whether there are credentials, and then for them (AuthSchemeResolver::hasAwsCredentialIdentity, and the signer)",
			caseFails:  "shell_exec leaves stderr on the terminal (CredentialProvider::process), and the chain keeps the error of its last provider alone (CredentialProvider::chain)",
		},
	}
}

// crtDiscards is why the line of a failing helper cannot be seen.
const crtDiscards = `stderr goes to /dev/null (s_get_command in aws-c-auth, credentials_provider_process.c)`

func newCRT(python string) *client {
	return &client{
		name: "aws-crt (Python)", version: []string{python, "-c", "from importlib.metadata import version; print(version('awscrt'))"},
		talks: true,
		command: func(m *machine, profile string) []string {
			return []string{python, m.tools.path("python/crt.py"), profile, m.wire.url()}
		},
		perAsk: 1, shows: hidden,
		cause:  map[string]string{caseFails: crtDiscards, caseSession: crtNotCached},
		cannot: map[string]string{caseSDKRole: processOnly, caseEndpoint: processOnly, caseEnv: processOnly, caseLatency: processOnly},
	}
}

// arrow has the C++ SDK with its default chain, which knows its profile from the environment.
func arrow(t *tools, python string) *client {
	return &client{
		name: "C++ (in pyarrow)", version: []string{python, t.path("python/arrow.py"), "--version"},
		talks: true,
		command: func(m *machine, profile string) []string {
			return []string{"env", "AWS_PROFILE=" + profile, python, m.tools.path("python/arrow.py"), m.wire.url(), bucketName}
		},
		perStart: 1, shows: hidden,
		cannot: map[string]string{caseSDKRole: "ProfileCredentialsProviderImp in ProfileCredentialsProvider.cpp passes no bootstrap, without which aws_credentials_provider_new_sts in aws-c-auth refuses; the request is sent unsigned"},
		cause: map[string]string{
			caseFails:  crtDiscards + "; then the request is sent unsigned (SignRequestWithCreds in AWSAuthV4Signer.cpp)",
			caseKilled: "an S3Client makes three signers, and each asks for credentials when it is made (the constructor in AWSAuthV4Signer.cpp)",
		},
	}
}
