package awsapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	smithyendpoints "github.com/aws/smithy-go/endpoints"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// consoles returns the hosts of a partition's sign-in pages and of its console, or "" for one that is not known.
func consoles(partition string) (signin, console string) {
	switch partition {
	case "aws":
		return "signin.aws.amazon.com", "console.aws.amazon.com"
	case "aws-cn":
		return "signin.amazonaws.cn", "console.amazonaws.cn"
	case "aws-us-gov":
		return "signin.amazonaws-us-gov.com", "console.amazonaws-us-gov.com"
	}
	return "", ""
}

func signinEndpoint(_ context.Context, o Options) (smithyendpoints.Endpoint, error) {
	host, _ := consoles(o.Partition)
	if host == "" {
		return smithyendpoints.Endpoint{}, errors.New("no console")
	}
	return smithyendpoints.Endpoint{URI: url.URL{Scheme: "https", Host: host}}, nil
}

// ConsoleURL returns a URL that signs a browser in to the console with a role session, and shows the page of a service,
// or for "" the first one. AWS takes it for 15 minutes, and no session of GetSessionToken. The session in the console
// ends with the role session: AWS allows to ask for another end (SessionDuration) only where no session has assumed the
// role ("Enable custom identity broker access to the AWS console", IAM User Guide).
func (c *Client) ConsoleURL(ctx context.Context, session creds.Credentials, service, region string) (creds.Secret, error) {
	k := c.newCall(ctx, signin, task{
		action:  "getSigninToken",
		Request: Request{Key: creds.AccessKey{ID: session.AccessKeyID, Secret: session.SecretAccessKey}, Token: session.SessionToken},
	})
	token, err := do(ctx, k, func(k *call) (*string, error) { return k.signinToken(ctx) })
	if err != nil {
		return creds.Secret{}, err
	}
	_, host := consoles(c.options.Partition)
	page := url.URL{Scheme: "https", Host: host, Path: "/" + service + "/home", RawQuery: url.Values{"region": {region}}.Encode()}
	return creds.NewSecret(k.federation(url.Values{"Action": {"login"}, "Issuer": {appID}, "Destination": {page.String()}, "SigninToken": {*token}})), nil
}

// federation returns the URL of a request to the sign-in pages.
func (c *call) federation(query url.Values) string {
	to := c.at.url.JoinPath("federation")
	to.RawQuery = query.Encode()
	return to.String()
}

func (c *call) signinToken(ctx context.Context) (*string, error) {
	session, err := json.Marshal(map[string]string{"sessionId": c.Key.ID, "sessionKey": c.Key.Secret.Reveal(), "sessionToken": c.Token.Reveal()})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.federation(url.Values{"Action": {c.action}, "Session": {string(session)}}), nil)
	if err != nil {
		return nil, err
	}
	got, err := c.send(req)
	if err != nil {
		return nil, err
	}
	var answered struct{ SigninToken string }
	bad := json.Unmarshal(got.body, &answered)
	switch {
	case got.status == http.StatusOK && bad == nil && answered.SigninToken != "":
		c.answer = got
		return &answered.SigninToken, nil
	case got.status == http.StatusBadRequest:
		c.failure = c.fail(Refused, fault.New(fault.Refused, c.host(), "", "AWS does not open the console with this session (HTTP 400)"))
	default:
		c.failure = c.notAWS(got)
	}
	return nil, errNoAnswer
}
