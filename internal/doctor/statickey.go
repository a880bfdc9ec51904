package doctor

import "github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"

func staticKeys(_ Facts, p Profile) (all []Finding) {
	if !p.ours() {
		return nil
	}
	for _, key := range p.Static {
		found := Finding{
			Severity: Error, Kind: fault.Config, Place: key.Place, What: "an access key in clear stands beside the credential process of the same profile",
			Consequence: "the AWS CLI, boto3, Go, Terraform, JS, Ruby, C++ and Kotlin use the access key, without MFA, and never run " + Program + "; Java and Rust run it; .NET refuses the profile",
			Remedy:      command("add", p.Name, "--from-credentials-file"),
		}
		if !key.Credentials {
			found.Consequence = "Go, Terraform, JS, Ruby, C++ and Kotlin use the access key, without MFA, and never run " + Program + "; the AWS CLI, boto3, Java and Rust run it; .NET refuses the profile"
		}
		if key.Temporary {
			found.What = "temporary credentials in clear stand beside the credential process of the same profile"
			found.Remedy = "delete them: they expire, and consumers fail then without asking " + Program
		}
		all = append(all, found)
	}
	return all
}
