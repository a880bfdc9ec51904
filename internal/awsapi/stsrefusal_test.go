package awsapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// Texts of AWS, as public threads quote them.
const (
	invalidCode  = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
	wrongDevice  = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."
	codeMissing  = "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."
	explicitDeny = "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: sts:AssumeRole on resource: " + roleARN + " with an explicit deny in an identity-based policy"
	noPolicy     = "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: sts:AssumeRole on resource: " + roleARN +
		" because no identity-based policy allows the sts:AssumeRole action"
	plainDeny      = "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: sts:AssumeRole on resource: " + roleARN
	sessionDeny    = "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: sts:GetSessionToken with an explicit deny in a service control policy"
	chainedTooLong = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
	roleTooLong    = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
	unknownKey     = "The security token included in the request is invalid."
	wrongSecret    = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	clockSlow      = "Signature expired: 20261123T160000Z is now earlier than 20261123T185500Z (20261123T190000Z - 5 min.)"
	clockFast      = "Signature not yet current: 20261123T220000Z is still later than 20261123T190500Z (20261123T190000Z + 5 min.)"
	badCode        = "2 validation errors detected: Value '" + canaryCode + "' at 'tokenCode' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\d]*"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	refused := func(line ...string) want { return want{Refused, fault.Refused, Answered, line} }
	away := func(v Kind, line ...string) want {
		return want{v, fault.Unavailable, Answered, append(line, "try again later")}
	}
	session, role, chained := sessionRequest(), roleRequest(), chainedRequest()
	codeless := roleRequest()
	codeless.Serial, codeless.Code = "", chained.Code
	codeless.Role.ExternalID = ""
	codeRefused := want{CodeRefused, fault.Refused, Answered, []string{"MFA device " + serial, "refused the token code", "aws-mfa-creds code"}}

	tests := map[string]struct {
		request       Request
		status        int
		code, message string
		want          want
	}{
		"invalid code":           {session, 403, "AccessDenied", invalidCode, codeRefused},
		"invalid code, spelling": {session, 403, "AccessDenied", "MultiFactorAuthentication failed  with\ninvalid MFA one time  pass code", codeRefused},
		"invalid code, role":     {role, 403, "AccessDenied", invalidCode, codeRefused},

		"wrong device":  {session, 403, "AccessDenied", wrongDevice, refusedAs(DeviceUnknown, "MFA device "+serial, "AKIAIOSFODNN7EXAMPLE", "aws iam list-mfa-devices")},
		"code missing":  {codeless, 403, "AccessDenied", codeMissing, refused("role "+roleARN, "no MFA code", "AWS_MFA_CREDS_SE")},
		"explicit deny": {role, 403, "AccessDenied", explicitDeny, refusedAs(Denied, "role "+roleARN, "user/alice may not call sts:AssumeRole", "explicit deny in an identity-based policy", "an MFA code and an external ID")},
		"no policy":     {chained, 403, "AccessDenied", noPolicy, refusedAs(Denied, "role "+roleARN, "no identity-based policy allows", "an MFA session and an external ID")},
		"plain deny":    {codeless, 403, "AccessDenied", plainDeny, refusedAs(Denied, "role "+roleARN, "may not call sts:AssumeRole", "no MFA code and no external ID", "trust policy")},
		"session deny":  {session, 403, "AccessDenied", sessionDeny, refusedAs(Denied, "GetSessionToken", "may not call sts:GetSessionToken", "explicit deny in a service control policy")},

		"chained too long": {chained, 400, "ValidationError", chainedTooLong, refused("role "+roleARN, "1h was requested", "1h at most", "--duration 1h")},
		"role too long":    {role, 400, "ValidationError", roleTooLong, refused("role "+roleARN, "12h was requested", "aws iam get-role --role-name deploy ")},

		"unknown key":      {session, 403, "InvalidClientTokenId", unknownKey, refusedAs(KeyUnknown, "access key AKIAIOSFODNN7EXAMPLE", "deleted, inactive, or of another partition", "eu-west-1", "AWS_MFA_CREDS_SE")},
		"wrong secret":     {session, 403, "SignatureDoesNotMatch", wrongSecret, refusedAs(SecretWrong, "access key AKIAIOSFODNN7EXAMPLE", "secret", "AWS_MFA_CREDS_SE")},
		"session expired":  {chained, 403, "ExpiredToken", "The security token included in the request is expired", refusedAs(SessionExpired, "session key ASIAIOSFODNN7EXAMPLE", "expired", "--refresh")},
		"session signs":    {session, 403, "AccessDenied", "Cannot call GetSessionToken with session credentials", refused("AKIAIOSFODNN7EXAMPLE", "long-lived")},
		"region disabled":  {session, 403, "RegionDisabledException", "STS is not activated in this region for account:123456789012. Your account administrator can activate STS in this region using the IAM Console.", refused("region eu-west-1", "not active")},
		"opt in":           {session, 403, "OptInRequired", "You are not subscribed to this service.", refused("region eu-west-1", "not enabled")},
		"malformed policy": {role, 400, "MalformedPolicyDocument", "Syntax errors in policy.", refused("MalformedPolicyDocument: Syntax errors in policy.")},
		"packed policy":    {role, 400, "PackedPolicyTooLarge", "Packed policy consumes 120% of allotted space, please use smaller policy.", refused("PackedPolicyTooLarge", "120%")},
		"bad code":         {session, 400, "ValidationError", badCode, refused("Value '[redacted]' at 'tokenCode'")},
		"unknown":          {session, 418, "Teapot", "short\n\tand \x1b[31mstout", refused("AWS answered Teapot: short and")},
		"unknown, bare":    {session, 403, "", "", refused("AWS answered UnknownError")},

		"slow clock":    {session, 403, "SignatureDoesNotMatch", clockSlow, want{ClockRefused, fault.Clock, Answered, []string{"clock: ", "set this machine's clock"}}},
		"fast clock":    {session, 403, "SignatureDoesNotMatch", clockFast, want{ClockRefused, fault.Clock, Answered, []string{"clock: "}}},
		"other service": {session, 403, "RequestExpired", "Request has expired.", want{ClockRefused, fault.Clock, Answered, []string{"clock: "}}},

		"throttled":         {session, 400, "Throttling", "Rate exceeded", away(Throttled, "limits the rate")},
		"throttled by 429":  {session, 429, "TooManyRequests", "Slow down", away(Throttled, "limits the rate", "HTTP 429")},
		"throttled by text": {session, 400, "Sender", "Rate exceeded", away(Throttled, "limits the rate")},
		"throttled by 503":  {session, 503, "SlowDown", "Please reduce your request rate.", away(Throttled, "limits the rate")},
		"internal failure":  {session, 500, "InternalFailure", "We encountered an internal error.", away(ServerError, "HTTP 500", "InternalFailure")},
		"unavailable":       {session, 503, "ServiceUnavailable", "Service is unavailable.", away(ServerError, "HTTP 503")},
		"unavailable, 400":  {session, 400, "ServiceUnavailable", "Service is unavailable.", away(ServerError, "HTTP 400")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				message := strings.ReplaceAll(test.message, "\x1b", "[")
				body := refusalXML(test.code, message)
				if test.code == "" {
					body = "<ErrorResponse/>"
				}
				write(w, test.status, body)
			})
			got := newTestClient(t, server.URL).Call(t.Context(), test.request)
			test.want.line = append(test.want.line, "(request id "+requestID+")")
			test.want.check(t, got)
			if server.requests.Load() != 1 {
				t.Errorf("%d requests", server.requests.Load())
			}
			if got.ServerTime.IsZero() || got.ServerTime.Sub(got.LocalTime).Abs() > 2*time.Second {
				t.Errorf("server time %s, local time %s", got.ServerTime, got.LocalTime)
			}
		})
	}
}

// TestClockDecides has a signature refused with the text for a wrong secret,
// while the Date of the answer shows a wrong clock.
func TestClockDecides(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		machine, skew time.Duration // the machine's error, and what is believed of it
		verdict       Kind
		line          string
	}{
		"right":               {0, 0, SecretWrong, "secret"},
		"a little off":        {4 * time.Minute, 0, SecretWrong, "secret"},
		"fast":                {3 * time.Hour, 0, ClockRefused, "a time 3h ahead of AWS's clock"},
		"slow":                {-3 * time.Hour, 0, ClockRefused, "a time 3h behind AWS's clock"},
		"fast, and corrected": {3 * time.Hour, -3 * time.Hour, SecretWrong, "secret"},
		"right, miscorrected": {0, -3 * time.Hour, ClockRefused, "a time 3h behind AWS's clock"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				// Half a second off the whole second, for which the Date header stands.
				w.Header().Set("Date", time.Now().Add(-500*time.Millisecond).Round(time.Second).UTC().Format(http.TimeFormat))
				write(w, 403, refusalXML("SignatureDoesNotMatch", wrongSecret))
			})
			client := newTestClient(t, server.URL, func(o *Options) { o.Now = func() time.Time { return time.Now().Add(test.machine) } })
			request := sessionRequest()
			request.Skew = test.skew
			kind := fault.Refused
			line := test.line
			if test.verdict == ClockRefused {
				kind, line = fault.Clock, strings.Split(test.line, "3h")[1]
			}
			want{test.verdict, kind, Answered, []string{line}}.check(t, client.Call(t.Context(), request))
		})
	}
}

// FuzzAnswer feeds any status and body to everything that reads an answer.
func FuzzAnswer(f *testing.F) {
	f.Add(200, success("GetSessionToken", time.Now().Add(time.Hour)))
	f.Add(200, success("AssumeRole", time.Now().Add(time.Hour)))
	f.Add(200, "<GetSessionTokenResponse><GetSessionTokenResult><Credentials/></GetSessionTokenResult></GetSessionTokenResponse>")
	f.Add(403, refusalXML("AccessDenied", invalidCode))
	f.Add(403, refusalXML("AccessDenied", explicitDeny))
	f.Add(403, refusalXML("AccessDenied", "User: is not authorized to perform: because with an explicit deny"))
	f.Add(400, refusalXML("ValidationError", badCode))
	f.Add(302, "")
	f.Add(200, "<html>")
	f.Add(500, "<ErrorResponse><Error>")
	f.Add(200, "\x1f\x8b\x08")
	f.Fuzz(func(t *testing.T, status int, body string) {
		client := newTestClient(t, "http://127.0.0.1:1")
		for _, request := range []Request{sessionRequest(), roleRequest()} {
			got := callWithAnswer(client, request, status, body)
			if (KindOf(got.Err) == None) != (got.Err == nil) {
				t.Fatalf("%+v", got)
			}
			if got.Err == nil {
				if _, err := got.Credentials.ProcessJSON(); got.Credentials.Expiration.IsZero() && err == nil {
					t.Error("credentials without an end")
				}
				continue
			}
			line := fault.Line(got.Err)
			noCanary(t, line)
			if strings.ContainsAny(line, "\n\r\x1b") {
				t.Errorf("control characters in %q", line)
			}
		}
	})
}
