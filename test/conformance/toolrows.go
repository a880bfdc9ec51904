package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// What some tools are built from.
var (
	goKit     = &kit{name: "toolsgo", needs: []string{"go"}}
	pythonKit = &kit{name: "toolspy", needs: []string{"python3"}}
	nodeKit   = &kit{name: "toolsjs", needs: []string{"npm"}}
	sparkKit  = &kit{name: "toolsspark", needs: []string{"python3", "mvn", "java"}}
)

// Reasons for cells of tools that cannot be.
const (
	cppChain   = "no provider of its SDK for C++ 1.11.702 takes a role from a profile (DefaultAWSCredentialsProviderChain in AWSCredentialsProviderChain.cpp)"
	minioReads = "minio-go reads profiles with keys or a credential_process, from ~/.aws/credentials alone (pkg/credentials/file_aws_credentials.go)"
)

// toolClients are the programs that people run, beside the SDKs.
func toolClients(t *tools) []*client {
	return []*client{s5cmd(t), restic(), mc(t), kopia(t), ecrHelper(t), eksToken(), eksctl(t), codecommit(t), duckDB(t), pandas(t), sam(t), awsShell(t), spark(t)}
}

// underProfile runs a command with AWS_PROFILE.
func underProfile(profile string, command ...string) []string {
	if profile == bareProfile || profile == noProfile {
		return append([]string{"env", "-u", "AWS_PROFILE"}, command...)
	}
	return append([]string{"env", "AWS_PROFILE=" + profile}, command...)
}

func s5cmd(t *tools) *client {
	program := filepath.Join(t.kitDir(pythonKit.name), "data", "s5cmd", "bin", "s5cmd")
	return &client{
		name: "s5cmd", kit: pythonKit, version: []string{program, "version"},
		command: func(m *machine, profile string) []string {
			return underProfile(profile, program, "--retry-count", "0", "--endpoint-url", m.wire.url(), "ls", "s3://"+bucketName)
		},
		noTokenFile: true,
		perAsk:      1, shows: inMessage, cannot: map[string]string{caseExpiry: oneProcessEach}, cause: map[string]string{caseEndpoint: goNoFile},
		env: []string{"AWS_REGION=us-east-1"},
	}
}

// resticRepository makes a repository once, and puts it into the bucket of a machine.
func resticRepository() func(m *machine) error {
	var objects map[string][]byte
	once := sync.OnceValue(func() error {
		dir, err := os.MkdirTemp("", "restic-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		cmd := exec.Command("restic", "-r", dir, "init")
		cmd.Env = append(os.Environ(), "RESTIC_PASSWORD=x", "HOME="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("restic init: %w: %s", err, out)
		}
		objects, err = filesIn(dir)
		return err
	})
	return func(m *machine) error {
		if err := once(); err != nil {
			return err
		}
		for name, content := range objects {
			m.wire.bucket.store("backup/"+name, content)
		}
		return nil
	}
}

// filesIn returns the contents of all files below a directory.
func filesIn(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)], err = os.ReadFile(path)
		return err
	})
	return files, err
}

// credentialsFile writes the profiles into ~/.aws/credentials, where a credential_process may be, too.
func (m *machine) credentialsFile() error {
	config, err := os.ReadFile(m.ConfigFile())
	if err != nil {
		return err
	}
	path := filepath.Join(m.Home(), ".aws", "credentials")
	draft := path + ".new" // others may read it
	if err := os.WriteFile(draft, []byte(strings.ReplaceAll(string(config), "[profile ", "[")), 0o600); err != nil {
		return err
	}
	return os.Rename(draft, path)
}

// restic opens a repository, locks it and looks for snapshots.
func restic() *client {
	repository := resticRepository()
	return &client{
		name: "restic (minio-go)", howToGet: "apt-get install restic", version: []string{"restic", "version"},
		command: func(m *machine, profile string) []string {
			return underProfile(profile, "restic", "--no-cache", "-r", "s3:"+m.wire.url()+"/"+bucketName+"/backup", "snapshots")
		},
		prepare: func(_ context.Context, m *machine, _ string) error {
			m.metadata = true
			if err := m.credentialsFile(); err != nil {
				return err
			}
			return repository(m)
		},
		perAsk: 1, shows: hidden, cannot: map[string]string{caseExpiry: oneProcessEach, caseSDKRole: minioReads},
		cause: map[string]string{
			caseKilled:   "the chain drops the error and is anonymous for that request (Chain.Retrieve in pkg/credentials/chain.go); the next one runs it again",
			caseFails:    "the chain drops the error (Chain.Retrieve)",
			caseEndpoint: "IAM.Retrieve knows AWS_CONTAINER_AUTHORIZATION_TOKEN alone (pkg/credentials/iam_aws.go of minio-go 7.0.46)",
		},
		noTokenFile: true,
		note:        "when the process fails, minio-go goes on to the metadata of EC2, whatever AWS_EC2_METADATA_DISABLED says (pkg/credentials/iam_aws.go): on an instance with a role it would work as another identity",
		env:         []string{"RESTIC_PASSWORD=x", "AWS_DEFAULT_REGION=us-east-1"},
	}
}

// mc knows no profiles: it takes keys with its alias, or an endpoint for credentials.
func mc(t *tools) *client {
	program := filepath.Join(t.kitDir(goKit.name), "mc")
	return &client{
		name: "mc", kit: goKit, version: []string{"echo", "RELEASE.2025-03-13"},
		command: func(m *machine, _ string) []string {
			alias := fmt.Sprintf("MC_HOST_sandbox=http://${AWS_ACCESS_KEY_ID:+$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY:$AWS_SESSION_TOKEN@}%s", m.wire.address)
			return []string{"sh", "-c", fmt.Sprintf(`MC_STS_ENDPOINT_sandbox="$%s" %s exec %s ls sandbox/%s`, varFullURI, alias, program, bucketName)}
		},
		cannot: noHelper("mc reads no profile: cmd/client.go (getCredsChain) takes the keys of its alias, or MC_STS_ENDPOINT_alias"),
	}
}

// kopia makes a repository, and opens it. It is told of no keys, and so writes none into its configuration.
func kopia(t *tools) *client {
	program := filepath.Join(t.kitDir(goKit.name), "kopia")
	return &client{
		name: "kopia (minio-go)", kit: goKit, version: []string{program, "--version"},
		command: func(m *machine, _ string) []string {
			script := fmt.Sprintf(`cd %s
run="%s --log-dir . --config-file ./config repository"
$run create s3 --cache-directory . --access-key= --secret-access-key= --session-token= --bucket %s --prefix $$/ --region us-east-1 --endpoint %s --disable-tls && $run status &&
! grep -E '"(accessKeyID|secretAccessKey|sessionToken)": *"[^"]' config`, freshDir(m, "empty", ""), program, bucketName, m.wire.address)
			return []string{"sh", "-c", script}
		},
		cannot: noHelper("kopia reads no profile: newStorage in repo/blob/s3/s3_storage.go takes the keys of its flags, the variables or an endpoint"),
		env:    []string{"KOPIA_CHECK_FOR_UPDATES=false", "KOPIA_PASSWORD=x"},
	}
}

// noHelper tells why a client has no cell in which the helper runs.
func noHelper(why string) map[string]string {
	cannot := map[string]string{}
	for _, name := range []string{caseSession, caseOurRole, case14, case9, caseDown, caseExpiry, caseKilled, caseFails, caseCrowd, caseLatency, caseSDKRole} {
		cannot[name] = why
	}
	return cannot
}

// ecrHelper is Docker's credential helper for ECR.
func ecrHelper(t *tools) *client {
	program := filepath.Join(t.kitDir(goKit.name), "docker-credential-ecr-login")
	return &client{
		name: "docker-credential-ecr-login", kit: goKit, version: []string{program, "version"},
		command: func(_ *machine, profile string) []string {
			return underProfile(profile, "sh", "-c", "echo 123456789012.dkr.ecr.us-east-1.amazonaws.com | "+program+" get")
		},
		perAsk: 1, shows: inMessage, cannot: map[string]string{caseExpiry: oneProcessEach},
		env: []string{"AWS_ECR_DISABLE_CACHE=true", "AWS_ENDPOINT_URL_ECR=" + wireURL},
	}
}

// eksToken is kubectl, whose plugin is the AWS CLI.
func eksToken() *client {
	return &client{
		name: "kubectl, aws eks get-token", howToGet: "apt-get install kubernetes-client awscli", version: []string{"kubectl", "version", "--client"},
		command: func(m *machine, profile string) []string {
			return underProfile(profile, "kubectl", "--kubeconfig", filepath.Join(m.Dir, "kubeconfig"), "get", "--raw", clusterPath)
		},
		prepare: func(_ context.Context, m *machine, _ string) error {
			config := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: c
clusters: [{name: c, cluster: {server: "https://cluster.us-east-1.amazonaws.com", certificate-authority: "%s"}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users:
  - name: u
    user:
      exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: %s, args: [--region, us-east-1, eks, get-token, --cluster-name, %s]}
`, m.caFile(), debianAWS, clusterName)
			return os.WriteFile(filepath.Join(m.Dir, "kubeconfig"), []byte(config), 0o600)
		},
		noTokenFile: true,
		perAsk:      1, shows: inMessage, cannot: map[string]string{caseExpiry: oneProcessEach},
		cause: map[string]string{
			caseDown: botocoreAsksAgain, caseEndpoint: botocoreNoFile,
			caseKilled: "Google's kubectl asks for the version of the server first, with a client of its own, and a failure is not remembered (Authenticator.getCreds in client-go, plugin/pkg/client/auth/exec/exec.go); Debian's runs it once",
		},
		env: []string{bundle},
	}
}

// eksctl looks for clusters.
func eksctl(t *tools) *client {
	program := filepath.Join(t.kitDir(goKit.name), "eksctl")
	return &client{
		name: "eksctl", kit: goKit, version: []string{program, "version"},
		command: func(_ *machine, profile string) []string {
			return underProfile(profile, program, "get", "clusters", "--region", "us-east-1")
		},
		perAsk: 1, shows: inMessage, cannot: map[string]string{caseExpiry: oneProcessEach}, cause: map[string]string{caseDown: "it asks again for each request when less than 30 minutes are left (ExpiryWindow in pkg/eks/apiv2.go)"},
		env: []string{"AWS_ENDPOINT_URL_EKS=" + wireURL, "AWS_ENDPOINT_URL_CLOUDFORMATION=" + wireURL},
	}
}

// codecommit is git with the helper for the scheme codecommit.
func codecommit(t *tools) *client {
	python := pythonOf(t, "data")
	return &client{
		name: "git-remote-codecommit", kit: pythonKit, version: append(python, "-c", "from importlib.metadata import version; print(version('git-remote-codecommit'))"),
		command: func(_ *machine, profile string) []string {
			return underProfile(profile, slices.Concat(python[:len(python)-1], []string{"git", "ls-remote", "codecommit::us-east-1://shop"})...)
		},
		perAsk: 1, shows: inMessage, cannot: map[string]string{caseExpiry: oneProcessEach},
		cause: map[string]string{caseDown: botocoreAsksAgain + "; here for each of the five times that git_url and sign read a part of them (git_remote_codecommit/__init__.py)"},
		env:   []string{"GIT_SSL_CAINFO=" + wireCA, bundle, "GIT_TERMINAL_PROMPT=0"},
	}
}

// table is what the tools for data read.
const table = "table.csv"

func withTable(_ context.Context, m *machine, _ string) error {
	m.wire.bucket.store(table, []byte("a,b\n1,2\n"))
	return nil
}

// pythonOf is a Python with one of the kit's directories.
func pythonOf(t *tools, name string) []string {
	dir := filepath.Join(t.kitDir(pythonKit.name), name)
	return []string{"env", "PYTHONPATH=" + dir, "PATH=" + filepath.Join(dir, "bin") + ":" + os.Getenv("PATH"), "python3"}
}

func duckDB(t *tools) *client {
	python := pythonOf(t, "data")
	return &client{
		name: "DuckDB, credential_chain", kit: pythonKit, version: append(python, t.path("python/duck.py"), "--version"),
		talks: true,
		command: func(m *machine, profile string) []string {
			return underProfile(profile, append(python, m.tools.path("python/duck.py"), m.wire.url(), "s3://"+bucketName+"/"+table)...)
		},
		prepare: func(ctx context.Context, m *machine, profile string) error {
			if profile == keysProfile { // whose keys the C++ SDK's provider reads there only
				if err := m.credentialsFile(); err != nil {
					return err
				}
			}
			return withTable(ctx, m, profile)
		},
		perStart: 1, shows: hidden, cannot: map[string]string{caseSDKRole: cppChain},
		cause: map[string]string{caseFails: "the output of the process goes to the SDK's log (GetCredentialsFromProcess in AWSCredentialsProvider.cpp), and the error names the chain alone (CreateAWSSecretFromCredentialChain in duckdb-aws, aws_secret.cpp)"},
	}
}

// pandas reads a table through s3fs.
func pandas(t *tools) *client {
	python := pythonOf(t, "data")
	return &client{
		name: "pandas, s3fs", kit: pythonKit, version: append(python, t.path("python/table.py"), "--version"),
		talks: true,
		command: func(m *machine, profile string) []string {
			return underProfile(profile, append(python, m.tools.path("python/table.py"), strings.TrimPrefix(profile, bareProfile), m.wire.url(), "s3://"+bucketName+"/"+table)...)
		},
		prepare:  withTable,
		perStart: 1, shows: inMessage, cause: map[string]string{caseDown: botocoreAsksAgain + "; a table takes two"}, env: []string{bundle},
	}
}

// sam is the SAM CLI. It looks up a stack.
func sam(t *tools) *client {
	python := append(pythonOf(t, "sam"), "-m", "samcli")
	return &client{
		name: "SAM CLI", kit: pythonKit, version: append(python, "--version"),
		command: func(_ *machine, profile string) []string {
			return underProfile(profile, append(python, "list", "stack-outputs", "--stack-name", "shop-dev", "--region", "us-east-1")...)
		},
		prepare: func(_ context.Context, m *machine, _ string) error { // it is not to look for a newer version of itself
			dir := filepath.Join(m.Home(), ".aws-sam")
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "metadata.json"), fmt.Appendf(nil, `{"lastVersionCheck": %d.0}`, time.Now().Unix()), 0o600)
		},
		perAsk: 1, shows: inMessage, cannot: map[string]string{caseExpiry: oneProcessEach}, cause: map[string]string{caseDown: botocoreAsksAgain},
		env: []string{"AWS_ENDPOINT_URL_CLOUDFORMATION=" + wireURL, "SAM_CLI_TELEMETRY=0", bundle},
	}
}

// awsShell runs the AWS CLI for each line that one types.
func awsShell(t *tools) *client {
	talker := append(pythonOf(t, "shell"), t.path("python/shell.py"))
	return &client{
		name: "aws-shell", kit: pythonKit, version: append(talker, "--version"),
		talks: true,
		command: func(m *machine, profile string) []string {
			return underProfile(profile, append(slices.Clone(talker), m.wire.url())...)
		},
		prepare: func(ctx context.Context, m *machine, _ string) error {
			if _, err := os.Stat(filepath.Join(m.Home(), ".aws", "shell")); err == nil {
				return nil
			}
			return m.command(ctx, append(slices.Clone(talker), "--prepare")...).Run()
		},
		perAsk: 1, shows: inMessage, env: []string{bundle, "AWS_DEFAULT_REGION=us-east-1"},
		cause: map[string]string{caseSession: "each line runs the AWS CLI in a process of its own (AWSShell.run in awsshell/app.py)", caseDown: botocoreAsksAgain},
	}
}

// spark is PySpark with Hadoop's S3A, which is told of the SDK's provider for profiles; otherwise it has its own chain.
func spark(t *tools) *client {
	dir := t.kitDir(sparkKit.name)
	python := []string{"env", "PYTHONPATH=" + filepath.Join(dir, "py"), "python3", t.path("python/spark.py")}
	return &client{
		name: "PySpark, S3A", kit: sparkKit, version: append(python, "--version"),
		talks: true,
		command: func(m *machine, profile string) []string {
			return underProfile(profile, append(slices.Clone(python), filepath.Join(dir, "lib"), m.wire.url(), "s3a://"+bucketName+"/"+table)...)
		},
		prepare: withTable, crowd: crowdInside,
		perStart: 1, shows: inMessage, cause: map[string]string{caseKilled: "Spark looks at the table twice, and drops the first error (FileStreamSink.hasMetadata)"},
		note: "with the provider ProfileCredentialsProvider where a profile is named; S3A's own chain reads no profile, and serves the columns endpoint and env",
	}
}
