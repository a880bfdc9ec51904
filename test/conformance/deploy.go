package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// deployClients are the tools that lay out what runs at AWS.
func deployClients(t *tools) []*client {
	tofu := filepath.Join(t.kitDir(goKit.name), "tofu")
	return []*client{
		planner(t, "Terraform", "terraform", nil), planner(t, "OpenTofu", tofu, goKit), tofuBackend(tofu),
		terragrunt(t), pulumi(t), packer(), ansible(t), serverless(t, "osls"), serverlessV3(t),
	}
}

// quoted is a profile in a configuration of Terraform.
func quoted(profile string) string {
	if profile == noProfile {
		return "null"
	}
	return strconv.Quote(profile)
}

// planner plans with the AWS provider, of which there is a mirror.
func planner(t *tools, name, program string, built *kit) *client {
	if t.mirror == "" {
		return nil
	}
	return &client{
		name: name + ", AWS provider", optional: built == nil, kit: built, howToGet: "terraform, and TF_MIRROR with a mirror of hashicorp/aws", version: []string{program, "version"},
		command: func(m *machine, profile string) []string {
			return []string{program, "-chdir=" + filepath.Join(m.Dir, "plan-"+profile), "plan", "-no-color", "-input=false", "-lock=false"}
		},
		prepare: func(ctx context.Context, m *machine, profile string) error {
			return initPlan(ctx, m, program, profile, 1)
		},
		crowd:  func(ctx context.Context, m *machine) error { return initPlan(ctx, m, program, plainProfile, crowd) },
		perAsk: 1, shows: hidden, cannot: map[string]string{caseExpiry: oneProcessEach},
		cause: map[string]string{caseFails: "stderr of a provider goes to the log, which TF_LOG=warn shows (pluginOutputMonitor.Write in internal/logging/logging.go); the error has the exit status alone (executeCredentialProcess)"},
	}
}

// initPlan writes a configuration of so many provider aliases, and initialises it once.
func initPlan(ctx context.Context, m *machine, program, profile string, aliases int) error {
	dir := filepath.Join(m.Dir, "plan-"+profile)
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	var config strings.Builder
	config.WriteString("terraform {\n  required_providers {\n    aws = { source = \"registry.terraform.io/hashicorp/aws\" }\n  }\n}\n")
	for i := range aliases {
		fmt.Fprintf(&config, `
provider "aws" {
  alias                      = "p%[1]d"
  profile                    = %[2]s
  region                     = "us-east-1"
  skip_metadata_api_check    = true
  skip_requesting_account_id = true
}
data "aws_caller_identity" "p%[1]d" {
  provider = aws.p%[1]d
}
`, i, quoted(profile))
	}
	installation := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", m.tools.mirror)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for name, content := range map[string]string{"main.tf": config.String(), "cli.tfrc": installation} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	cmd := m.command(ctx, program, "-chdir="+dir, "init", "-no-color", "-input=false")
	cmd.Env = append(cmd.Env, "TF_CLI_CONFIG_FILE="+filepath.Join(dir, "cli.tfrc"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s init: %w: %s", program, err, out)
	}
	return nil
}

// freshDir returns a directory of its own for one command, with one file.
func freshDir(m *machine, file, content string) string {
	dir, _ := os.MkdirTemp(m.Dir, "run-")
	_ = os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600)
	return dir
}

// tofuBackend is OpenTofu itself, which looks for states in S3 when it is initialised.
func tofuBackend(program string) *client {
	return &client{
		name: "OpenTofu, S3 backend", kit: goKit, version: []string{program, "version"},
		command: func(m *machine, profile string) []string {
			config := fmt.Sprintf(`terraform {
  backend "s3" {
    bucket         = %q
    key            = "state"
    region         = "us-east-1"
    profile        = %s
    use_path_style = true
    endpoints      = { s3 = %q }
  }
}
`, bucketName, quoted(profile), m.wire.url())
			return []string{program, "-chdir=" + freshDir(m, "main.tf", config), "init", "-no-color", "-input=false"}
		},
		perAsk: 1, shows: inMessage, cannot: map[string]string{caseExpiry: oneProcessEach},
	}
}

// terragrunt asks for the account, with a function of its configuration.
func terragrunt(t *tools) *client {
	program := filepath.Join(t.kitDir(goKit.name), "terragrunt")
	return &client{
		name: "Terragrunt", kit: goKit, version: []string{program, "--version"},
		command: func(m *machine, profile string) []string {
			dir := freshDir(m, "terragrunt.hcl", "inputs = {\n  account = get_aws_account_id()\n}\n")
			return underProfile(profile, program, "--working-dir", dir, "--no-color", "render")
		},
		perAsk: 1, shows: inMessage, cannot: map[string]string{caseExpiry: oneProcessEach},
	}
}

// pulumi looks for the stacks of its backend in S3. Its providers are programs that it would download.
func pulumi(t *tools) *client {
	program := filepath.Join(t.kitDir(goKit.name), "pulumi")
	return &client{
		name: "Pulumi, S3 backend", kit: goKit, version: []string{program, "version"},
		command: func(m *machine, profile string) []string {
			backend := fmt.Sprintf("PULUMI_BACKEND_URL=s3://%s?region=us-east-1&endpoint=%s&use_path_style=true", bucketName, m.wire.url())
			return underProfile(profile, "env", backend, "PULUMI_HOME="+freshDir(m, "empty", ""), program, "stack", "ls", "--all", "--non-interactive")
		},
		perAsk: 1, shows: inMessage, cannot: map[string]string{caseExpiry: oneProcessEach},
		env: []string{"PULUMI_SKIP_UPDATE_CHECK=true"},
	}
}

// packer looks for an image to start from. There is none, which it says after requests that were signed well.
func packer() *client {
	return &client{
		name: "Packer, amazon-ebs", howToGet: "apt-get install packer", version: []string{"packer", "version"},
		command: func(m *machine, profile string) []string {
			template := fmt.Sprintf(`{"builders": [{"type": "amazon-ebs", "region": "us-east-1", "custom_endpoint_ec2": %q, "skip_region_validation": true,
  "skip_metadata_api_check": true, "ami_name": "shop", "source_ami": "ami-12345678", "instance_type": "t3.micro", "ssh_username": "x"}]}`, m.wire.url())
			dir := freshDir(m, "shop.json", template)
			return underProfile(profile, "sh", "-c", "packer build -color=false "+dir+"/shop.json | tee "+dir+"/out; grep -q 'No AMI was found' "+dir+"/out")
		},
		perAsk: 1, shows: hidden, cannot: map[string]string{caseExpiry: oneProcessEach},
		cause:       map[string]string{caseFails: "a builder is a process whose stderr goes to the log, which PACKER_LOG shows (Client.logStderr in packer/plugin/client.go)", caseEndpoint: goNoFile},
		noTokenFile: true, env: []string{"CHECKPOINT_DISABLE=1"},
	}
}

// ansible lists a bucket.
func ansible(t *tools) *client {
	python := pythonOf(t, "ansible")
	program := slices.Concat(python[:len(python)-1], []string{"ansible"})
	return &client{
		name: "Ansible, amazon.aws", kit: pythonKit, version: append(python, "-c", "from importlib.metadata import version; print(version('ansible'))"),
		command: func(m *machine, profile string) []string {
			return underProfile(profile, append(slices.Clone(program), "localhost", "-m", "amazon.aws.s3_object_info", "-a", "bucket_name="+bucketName+" endpoint_url="+m.wire.url())...)
		},
		perAsk: 1, shows: inMessage, cause: map[string]string{caseDown: botocoreAsksAgain}, cannot: map[string]string{caseExpiry: oneProcessEach}, env: []string{bundle},
	}
}

// serverless is the Serverless Framework, or osls, its open fork. It looks up a stack.
func serverless(t *tools, program string) *client {
	path := filepath.Join(t.kitDir(nodeKit.name), "node_modules", program, "bin", "serverless.js")
	return &client{
		name: "Serverless Framework (" + program + ")", kit: nodeKit, version: []string{"sh", "-c", "cd / && node " + path + " --version"},
		command: func(m *machine, profile string) []string {
			dir := freshDir(m, "serverless.yml", "service: shop\nframeworkVersion: '*'\nprovider:\n  name: aws\n  region: us-east-1\n")
			return underProfile(profile, "env", "-C", dir, "node", path, "info")
		},
		perAsk: 1, shows: inMessage, cannot: map[string]string{caseExpiry: oneProcessEach},
		env: []string{"AWS_ENDPOINT_URL_CLOUDFORMATION=" + wireURL, "SLS_TELEMETRY_DISABLED=1"},
	}
}

// serverlessV3 has a reader of profiles of its own. For what is in no profile, it asks the SDK.
func serverlessV3(t *tools) *client {
	c := serverless(t, "serverless")
	c.cannot = noHelper("it reads keys and roles from a profile that is named, and no credential_process (addProfileCredentials in lib/plugins/aws/provider.js)")
	c.env = append(c.env, "NODE_EXTRA_CA_CERTS="+wireCA)
	return c
}
