package sandbox

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// testClock is a clock that tests move.
type testClock struct{ nanos atomic.Int64 }

func (c *testClock) Now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *testClock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

// start is ten seconds into a time step.
func newClock() *testClock {
	c := &testClock{}
	c.nanos.Store(time.Date(2026, 11, 23, 19, 55, 10, 0, time.UTC).UnixNano())
	return c
}

func startServer(t *testing.T, options Options) *Server {
	t.Helper()
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Rand == nil {
		options.Rand = rand.Reader
	}
	server, err := Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

// user is a signing client.
type user struct {
	t      *testing.T
	server *Server
	client *http.Client
	clock  func() time.Time

	id, secret, token string
	region            string
}

func newUser(t *testing.T, server *Server, name string) *user {
	t.Helper()
	world := server.World()
	key := world.User(name).Keys[0]
	u := &user{t: t, server: server, clock: server.options.Now, id: key.ID, secret: key.Secret, region: "us-east-1"}
	u.client = &http.Client{
		Transport:     &http.Transport{TLSClientConfig: trusting(server)},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(u.client.CloseIdleConnections)
	return u
}

func trusting(server *Server) *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(server.CAPEM())
	return &tls.Config{RootCAs: pool}
}

// as returns a client of a session.
func (u *user) as(reply reply) *user {
	u.t.Helper()
	c := reply.Credentials
	if c.AccessKeyID == "" {
		u.t.Fatalf("no session: %d %s %s", reply.status, reply.Error.Code, reply.Error.Message)
	}
	session := *u
	session.id, session.secret, session.token = c.AccessKeyID, c.SecretAccessKey, c.SessionToken
	return &session
}

// reply is what any answer may hold.
type reply struct {
	status int
	header http.Header
	body   string

	Error struct{ Type, Code, Message string }

	Credentials struct {
		AccessKeyID     string `xml:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      time.Time
	}
	Device  wireSeed
	Arn     string
	UserID  string
	Account string
	Key     struct {
		AccessKeyID     string `xml:"AccessKeyId"`
		SecretAccessKey string
	}
	Keys        []string
	Devices     []string
	Virtual     []string
	IsTruncated bool
	Marker      string
	RequestID   string
	LastUsed    struct{ LastUsedDate, ServiceName, Region string }
}

type wireSeed struct {
	SerialNumber     string
	Base32StringSeed string
	QRCodePNG        string
}

// do signs and sends one call, as the SDKs do: POST, form-encoded.
func (u *user) do(action string, pairs ...string) reply {
	u.t.Helper()
	response, err := u.send(u.request(action, pairs...))
	if err != nil {
		u.t.Fatalf("%s: %v", action, err)
	}
	return response
}

func (u *user) request(action string, pairs ...string) *http.Request {
	u.t.Helper()
	service := "iam"
	if strings.Contains("GetSessionToken AssumeRole GetCallerIdentity", action) {
		service = "sts"
	}
	form := url.Values{"Action": {action}, "Version": {version(service)}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	body := form.Encode()
	r, err := http.NewRequest(http.MethodPost, u.server.URL()+"/", strings.NewReader(body))
	if err != nil {
		u.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	u.sign(r, service, body)
	return r
}

func (u *user) sign(r *http.Request, service, body string) {
	now := u.clock().UTC()
	claim := &claim{
		keyID: u.id, date: now.Format(sigDate), region: u.region, service: service, stamp: now.Format(sigTime),
		headers: []string{"content-type", "host", "x-amz-date"},
	}
	if r.Header.Get("X-Amz-Content-Sha256") != "" {
		claim.headers = []string{"content-type", "host", "x-amz-content-sha256", "x-amz-date"}
	}
	r.Header.Set("X-Amz-Date", claim.stamp)
	if u.token != "" {
		r.Header.Set("X-Amz-Security-Token", u.token)
		claim.headers = append(claim.headers, "x-amz-security-token")
	}
	r.Host = r.URL.Host
	value := sign(r, r.URL.Query(), hashHex([]byte(body)), claim, u.secret)
	r.Header.Set("Authorization", sigAlgorithm+" Credential="+u.id+"/"+claim.scope()+", SignedHeaders="+strings.Join(claim.headers, ";")+", Signature="+value)
}

func (u *user) send(r *http.Request) (reply, error) {
	response, err := u.client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return parseReply(response, body), err
}

func parseReply(response *http.Response, body []byte) reply {
	r := reply{status: response.StatusCode, header: response.Header, body: string(body)}
	var wire struct {
		Error     struct{ Type, Code, Message string }
		RequestID string `xml:"RequestId"`
		Metadata  struct {
			RequestID string `xml:"RequestId"`
		} `xml:"ResponseMetadata"`
		STS  stsResult `xml:"GetSessionTokenResult"`
		Role stsResult `xml:"AssumeRoleResult"`
		Who  struct {
			Arn, Account string
			UserID       string `xml:"UserId"`
		} `xml:"GetCallerIdentityResult"`
		Created struct {
			VirtualMFADevice wireSeed
		} `xml:"CreateVirtualMFADeviceResult"`
		Key struct {
			AccessKey struct {
				AccessKeyID     string `xml:"AccessKeyId"`
				SecretAccessKey string
			}
		} `xml:"CreateAccessKeyResult"`
		Keys    listResult `xml:"ListAccessKeysResult"`
		Devices listResult `xml:"ListMFADevicesResult"`
		Virtual listResult `xml:"ListVirtualMFADevicesResult"`
		Used    struct {
			AccessKeyLastUsed struct{ LastUsedDate, ServiceName, Region string }
		} `xml:"GetAccessKeyLastUsedResult"`
		User struct {
			User struct {
				Arn    string
				UserID string `xml:"UserId"`
			}
		} `xml:"GetUserResult"`
	}
	_ = xml.Unmarshal(body, &wire) // faults send what is no XML
	r.Error, r.RequestID = wire.Error, wire.RequestID+wire.Metadata.RequestID
	r.Credentials = wire.STS.Credentials
	if wire.Role.Credentials.AccessKeyID != "" {
		r.Credentials = wire.Role.Credentials
	}
	r.Arn, r.UserID, r.Account = wire.Who.Arn+wire.User.User.Arn+wire.Role.AssumedRoleUser.Arn, wire.Who.UserID+wire.User.User.UserID, wire.Who.Account
	r.Device, r.Key, r.LastUsed = wire.Created.VirtualMFADevice, wire.Key.AccessKey, wire.Used.AccessKeyLastUsed
	r.Keys, r.Devices, r.Virtual = wire.Keys.Keys, wire.Devices.Devices, wire.Virtual.Virtual
	r.IsTruncated, r.Marker = wire.Virtual.IsTruncated, wire.Virtual.Marker
	return r
}

type stsResult struct {
	Credentials struct {
		AccessKeyID     string `xml:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      time.Time
	}
	AssumedRoleUser struct{ Arn string }
}

type listResult struct {
	Keys        []string `xml:"AccessKeyMetadata>member>AccessKeyId"`
	Devices     []string `xml:"MFADevices>member>SerialNumber"`
	Virtual     []string `xml:"VirtualMFADevices>member>SerialNumber"`
	IsTruncated bool
	Marker      string
}

// code returns the code of a device, steps after the server's current one.
func (u *user) code(serial string, steps int) string {
	u.t.Helper()
	world := u.server.World()
	code, err := Code(world.Device(serial).Seed, u.server.Now().Add(time.Duration(steps)*stepLength))
	if err != nil {
		u.t.Fatal(err)
	}
	return code
}

// want fails unless the reply is the refusal, its text beginning with message.
func (r reply) want(t *testing.T, status int, code, message string) {
	t.Helper()
	if r.status != status || r.Error.Code != code || !strings.Contains(r.Error.Message, message) {
		t.Errorf("got %d %s %q, want %d %s %q", r.status, r.Error.Code, r.Error.Message, status, code, message)
	}
}

func (r reply) wantOK(t *testing.T) reply {
	t.Helper()
	if r.status != http.StatusOK {
		t.Errorf("got %d %s %q, want 200", r.status, r.Error.Code, r.Error.Message)
	}
	return r
}

const (
	laptop     = "arn:aws:iam::123456789012:mfa/alice-laptop"
	roleDeploy = "arn:aws:iam::123456789012:role/deploy"
)
