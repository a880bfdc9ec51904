package cli

import (
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Commands returns the command program with all others, and the topics of help, for those who write them down
// in another form. What a command prints goes to stdout.
func Commands(stdout io.Writer) *cobra.Command {
	return newRootCommand(&app{stdout: stdout, stderr: io.Discard, getenv: func(string) string { return "" }})
}

// Flags returns the flags of cmd in the order in which help shows them: the common ones, then the others.
func Flags(cmd *cobra.Command) (common, others *pflag.FlagSet) {
	cmd.Flags().SortFlags = false // as they are defined
	common, others = pflag.NewFlagSet("", pflag.ContinueOnError), pflag.NewFlagSet("", pflag.ContinueOnError)
	common.SortFlags, others.SortFlags = false, false
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		set := common
		if f.Annotations[rareFlag] != nil || f.Name == "help" {
			set = others
		}
		set.AddFlag(f)
	})
	others.AddFlagSet(cmd.InheritedFlags())
	return common, others
}

// helpTopics are the pages of help that are about no command. The manual pages have them as sections.
func helpTopics() []*cobra.Command {
	return []*cobra.Command{{
		Use: "environment", Short: "Environment variables",
		Long: `In CI, set the access key and the seed. Add _FILE to a name to give the path of a file instead:

    AWS_MFA_CREDS_ACCESS_KEY_ID        the access key ID of the IAM user
    AWS_MFA_CREDS_SECRET_ACCESS_KEY    its secret access key
    AWS_MFA_CREDS_SEED                 base32 as the console shows it, or an otpauth URI
    AWS_MFA_CREDS_SERIAL               the ARN of the MFA device; or mfa_serial in the profile

Hosts with the same access key and seed share sessions through a Redis or Valkey server, if you set
these, or the same with _FILE:

    AWS_MFA_CREDS_SHARED_CACHE             rediss://USER@HOST:6379, or shared_cache in the profile
    AWS_MFA_CREDS_SHARED_CACHE_PASSWORD    its password

For people:

    AWS_PROFILE           the profile of commands without a name; get ignores it
    AWS_MFA_CREDS_HOME    a directory for all files of this program: see "aws-mfa-creds help files"
    NO_COLOR              if it is set, no colours

These work as for the AWS CLI:

    AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE          the AWS config and the credentials file
    AWS_REGION, AWS_DEFAULT_REGION                        the region of STS, if the profile has none
    AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL_IAM, AWS_ENDPOINT_URL
                                                          https, or http on this computer
    AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT     true for endpoints of these kinds
    AWS_CA_BUNDLE                                         a PEM file of the authorities to trust
    HTTPS_PROXY, NO_PROXY                                 the proxy, and the hosts to reach without`,
	}, {
		Use: "exit-codes", Short: "Exit codes",
		Long: `    0    success
    1    internal error
    2    usage
    3    configuration
    4    no secret is stored
    5    store locked or unavailable
    6    AWS refused
    7    network, TLS, proxy
    8    AWS throttled, or failed with a 5xx error
    9    deadline: a lock, or the next token code
    10   clock
    11   file system
    12   unsafe permissions
    129  SIGHUP
    130  Ctrl-C
    143  SIGTERM

exec ends with the exit code of the command: 126 if it cannot be run, 127 if there is none.`,
	}, {
		Use: "files", Short: "Files",
		Long: `On macOS and Windows, the platform's own directories take the place of ~/.config and ~/.cache. With
AWS_MFA_CREDS_HOME, all files of this program are in that directory.

    ~/.aws/config, ~/.aws/credentials
        Read as the AWS CLI does. register and setup write their lines, and change nothing else.
    ~/.config/aws-mfa-creds/profiles.ini
        Settings of each profile, no secrets: sections [NAME] with the keys of the AWS config. They
        take precedence over the AWS config.
    ~/.config/aws-mfa-creds/age/
        The age store, if you use it.
    ~/.config/aws-mfa-creds/endpoint.token
        The token of serve. Delete it to get another.
    ~/.cache/aws-mfa-creds/
        Encrypted sessions, the record of spent codes, locks. You can delete it at any time. Where
        nothing can be stored there, a private directory in /run/user/UID, /dev/shm,
        $XDG_RUNTIME_DIR or the temporary directory serves instead.`,
	}}
}
