//go:build linux

package test

import (
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// refuses has AWS refuse an action, once or, with cases that ask twice, for a while.
func refuses(action, code, message string) func(*ill) {
	return func(m *ill) {
		m.inject(sandbox.Fault{Kind: sandbox.Refuse, Action: action, Times: -1, Code: code, Message: message})
	}
}

func strikes(kind sandbox.Kind) func(*ill) {
	return func(m *ill) { m.inject(sandbox.Fault{Kind: kind, Times: -1}) }
}

// healed ends what AWS has been made to do, and goes on with the command that a held-off failure names.
func healed(m *ill) {
	m.Server.ClearFaults()
	m.again = getWork + " --refresh"
}

// withTLS has STS use TLS with a certificate of the sandbox's own CA.
func withTLS(m *ill) {
	m.env = append(m.env, "AWS_ENDPOINT_URL_STS="+overTLS(m, sandbox.Options{}).Server.URL(), "AWS_CA_BUNDLE=")
}

// awsHints are those about what AWS and the network say.
func awsHints() []hintCase {
	const (
		device   = "MFA device arn:aws:iam::123456789012:mfa/alice-laptop: "
		role     = getWork + " --role-arn arn:aws:iam::123456789012:role/"
		held     = "; once corrected: aws-mfa-creds get --refresh --profile work"
		key      = "access key AKIA…: "
		fixKey   = "run: aws-mfa-creds add --profile work; if it is from the environment, correct AWS_MFA_CREDS_ACCESS_KEY_ID and AWS_MFA_CREDS_SECRET_ACCESS_KEY"
		wrongKey = "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	)
	addWrong := all(file(wrongKey), sh("aws-mfa-creds add --profile work --yes --access-key-file <DIR>/x"))
	return []hintCase{
		{"unknown access key", addWrong, getWork, 6, "access key AKIA…: AWS does not accept it in region us-east-1: deleted, inactive, or of another partition (request id …)", fixKey, with("--yes --access-key-file <KEY>"), ""},
		{"wrong secret", func(m *ill) {
			m.write(m.Dir+"/x", m.Identity().AccessKeyID+" "+strings.Repeat("x", 40))
			m.must("aws-mfa-creds add --profile work --yes --access-key-file " + m.Dir + "/x")
		}, getWork, 6, "access key AKIA…: the secret does not belong to it (the signature does not match) (request id …)", fixKey, with("--yes --access-key-file <KEY>"), ""},
		{"code refused, again", all(world(func(w *sandbox.World) { w.Devices[0].OutOfSync = true }), sh(getWork+" || true")), getWork, 6, "MFA device arn:aws:iam::123456789012:mfa/alice-laptop: AWS refused the token code: used already, a wrong seed, or a wrong clock (request id …) (remembered from …)", "if other computers or jobs use it, set shared_cache for all of them; if an authenticator app has the device too, compare its code with: aws-mfa-creds code --profile work, or resynchronize the device: aws-mfa-creds resync --profile work" + held, all(world(func(w *sandbox.World) { w.Devices[0].OutOfSync = false }), later(2*time.Minute), pasteLast), ""},
		{"role refused, again", sh(role + "no-trust || true"), role + "no-trust", 6, "role arn:aws:iam::123456789012:role/no-trust: arn:aws:iam::123456789012:user/alice may not call sts:AssumeRole; the call had an MFA session and no external ID (request id …) (remembered from …)", "check the role's trust policy and the user's policies; once corrected: aws-mfa-creds get --refresh --profile work --role-arn arn:aws:iam::123456789012:role/no-trust", func(m *ill) {
			m.change(func(w *sandbox.World) {
				for i := range w.Roles {
					w.Roles[i].Trusts = w.Roles[0].Trusts
				}
			})
			pasteLast(m)
		}, ""},
		{"unknown device", edit("mfa/alice-laptop", "mfa/bob"), getWork, 4, "seed:arn:aws:iam::123456789012:mfa/bob: is not in the age store …/own/age", "run: aws-mfa-creds add --profile work, or if nobody has the seed any more: aws-mfa-creds enroll --profile work", edit("mfa/bob", "mfa/alice-laptop"), ""},
		{"device of another user", world(func(w *sandbox.World) {
			w.Users = append(w.Users, sandbox.User{Name: "bob"})
			w.Devices[0].User = "bob"
		}), getWork, 6, "MFA device arn:aws:iam::123456789012:mfa/alice-laptop: AWS does not know this device for the user of access key AKIA…, or the key is inactive (request id …)", "compare the serial with: aws iam list-mfa-devices, or if it is not there: aws-mfa-creds enroll --profile work", func(m *ill) {
			m.change(func(w *sandbox.World) { w.Devices[0].User = "alice" })
			m.again = getWork + " --refresh"
		}, ""},
		{"session denied", world(func(w *sandbox.World) { w.Users[0].Deny = map[string]string{"sts:GetSessionToken": ""} }), getWork, 6, "GetSessionToken: arn:aws:iam::123456789012:user/alice may not call sts:GetSessionToken (explicit deny in an identity-based policy) (request id …)", "check the policies of the user", func(m *ill) {
			m.change(func(w *sandbox.World) { w.Users[0].Deny = nil })
			m.again = getWork + " --refresh"
		}, ""},
		{"role for too long", nil, role + "readonly --duration 4h", 6, "role arn:aws:iam::123456789012:role/readonly: 4h was requested, which exceeds its MaxSessionDuration (request id …)", "lower --duration or duration_seconds to the value shown by: aws iam get-role --role-name readonly --query Role.MaxSessionDuration", retype(role + "readonly --duration 1h"), ""},
		{"chained too long", refuses("AssumeRole", "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"), role + "deploy", 6, "role arn:aws:iam::123456789012:role/deploy: 1h was requested, but a role that is assumed from another session lasts 1h at most (request id …)", "give --duration 1h", all(healed, retype(role+"deploy --duration 1h --refresh")), ""},
		{"role wants MFA", refuses("AssumeRole", "AccessDenied", "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."), role + "deploy", 6, "role arn:aws:iam::123456789012:role/deploy: it requires MFA, and the call had an MFA session (request id …)", "set mfa_serial and the seed (AWS_MFA_CREDS_SEED)", all(healed, retype(role+"deploy --refresh")), ""},
		{"region off", refuses("GetSessionToken", "RegionDisabledException", "STS is not activated in this region"), getWork, 6, "region us-east-1: STS is not active there for this account (request id …)", "activate it in the account settings of the IAM console, or set another region", healed, ""},
		{"region not enabled", refuses("GetSessionToken", "OptInRequired", "not subscribed"), getWork, 6, "region us-east-1: the region is not enabled for the account (request id …)", "enable it in the account settings, or set another region", healed, ""},
		{"expired session", refuses("AssumeRole", "ExpiredToken", "expired"), role + "deploy", 6, "session key ASIA…: the session that signs the call has expired (request id …)", "aws-mfa-creds get --refresh --profile work --role-arn " + roleARN, func(m *ill) { m.Server.ClearFaults(); m.paste(m.said) }, ""},
		{"throttled", strikes(sandbox.Throttle), getWork, 8, "127.0.0.1:…: AWS limits the rate of calls (HTTP 400, Throttling) (request id …)", "try again later", healed, ""},
		{"AWS fails", strikes(sandbox.InternalFailure), getWork, 8, "127.0.0.1:…: AWS failed on its side (HTTP 500, InternalFailure) (request id …)", "try again later", healed, ""},
		{"time of the request", refuses("GetSessionToken", "RequestExpired", "Request has expired."), getWork, 10, "clock: AWS refused the time of the request (request id …)", "set this machine's clock", healed, ""},
		{"portal", strikes(sandbox.Portal), getWork, 7, "127.0.0.1:…: got HTML (HTTP 200) instead of a response from AWS (captive portal or proxy?)", "check that AWS_ENDPOINT_URL_STS (or endpoint_url) is an endpoint of STS", healed, ""},
		{"no connection", nil, "AWS_ENDPOINT_URL_STS=http://127.0.0.1:1 " + getWork, 7, "127.0.0.1:…: connection refused", "check the network and AWS_ENDPOINT_URL_STS (or endpoint_url)", retype(getWork), ""},
		{"no network", all(env("AWS_ENDPOINT_URL_STS="), func(m *ill) { needNamespaces(m.t, m.sh("unshare -rn true")) }), "unshare -rn " + getWork, 7, "sts.us-east-1.amazonaws.com: the DNS lookup failed", "check the network; if it needs a proxy, set HTTPS_PROXY", all(env("AWS_ENDPOINT_URL_STS=<URL>"), retype(getWork)), ""},
		{"proxy", env("AWS_ENDPOINT_URL_STS="), "HTTPS_PROXY=http://127.0.0.1:1 " + getWork, 7, "proxy 127.0.0.1:… (HTTPS_PROXY): connection refused", "correct or unset HTTPS_PROXY", all(env("AWS_ENDPOINT_URL_STS=<URL>"), retype(getWork)), ""},
		{"no proxy", env("AWS_ENDPOINT_URL_STS="), "HTTPS_PROXY='http://user:pass#word@proxy' " + getWork, 7, "HTTPS_PROXY: its value is not a proxy URL", "set it as in HTTPS_PROXY=http://HOST:PORT, or unset it; in a password, write / ? # as %2F %3F %23", all(env("AWS_ENDPOINT_URL_STS=<URL>"), retype(getWork)), ""},
		{"unknown CA", withTLS, getWork, 7, "127.0.0.1:…: its certificate is from a CA that is not trusted (issuer \"CN=aws-sandbox CA\")", "if you trust that CA, set AWS_CA_BUNDLE to a PEM file that holds it", env("AWS_CA_BUNDLE=<DIR>/ca.pem"), ""},
		{"no CAs", all(withTLS, env("SSL_CERT_FILE=/nowhere", "SSL_CERT_DIR=/nowhere")), getWork, 7, "127.0.0.1:…: its certificate cannot be verified: this system has no CA certificates", "install the package ca-certificates, or set AWS_CA_BUNDLE to a PEM file of CA certificates", env("AWS_CA_BUNDLE=<DIR>/ca.pem"), ""},
		{"another CA", all(withTLS, otherCA), getWork, 7, "127.0.0.1:…: its certificate is from a CA that is not trusted (issuer \"CN=aws-sandbox CA\")", "add that CA to the CA bundle … (AWS_CA_BUNDLE), if you trust it", sh("cat <DIR>/ca.pem >> <DIR>/other.pem"), ""},
		{"no CA bundle", nil, "AWS_CA_BUNDLE=/nowhere " + getWork, 3, "CA bundle /nowhere: cannot be read: no such file or directory", "correct or unset AWS_CA_BUNDLE (ca_bundle in the AWS config)", retype(getWork), ""},
		{"endpoint not encrypted", nil, "AWS_ENDPOINT_URL_STS=http://sts.example.com " + getWork, 3, "AWS_ENDPOINT_URL_STS: http://sts.example.com is not encrypted, which is allowed on loopback only", "write it as https://HOST[:PORT][/PATH]", retype(getWork), ""},
	}
}

// otherCA sets a CA bundle with another CA.
func otherCA(m *ill) {
	other := bed(m.t, testbed.Options{Bare: true, Sandbox: sandbox.Options{TLS: true}})
	m.write(m.Dir+"/other.pem", string(other.Server.CAPEM()))
	m.env = append(m.env, "AWS_CA_BUNDLE="+m.Dir+"/other.pem")
}

// pasteLast pastes the last command of the hint.
func pasteLast(m *ill) { m.paste(m.said[strings.LastIndex(m.said, ": ")+2:]) }
