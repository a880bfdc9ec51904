package awsapi

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// The canaries are the secrets of a test request; no text may hold one.
const (
	canaryKey   = "CANARYsecretACCESSkeyCANARYsecretACCESSk"
	canaryToken = "CANARYsessionTOKEN"
	canaryCode  = "739164"
	canaryProxy = "CANARYproxyPASSWORD"
)

const (
	serial    = "arn:aws:iam::123456789012:mfa/alice"
	roleARN   = "arn:aws:iam::210987654321:role/team/deploy"
	requestID = "c6104cbe-af31-11e0-8154-cbc7ccf896c7"
)

func sessionRequest() Request {
	return Request{
		Key:      creds.AccessKey{ID: "AKIAIOSFODNN7EXAMPLE", Secret: creds.NewSecret(canaryKey)},
		Duration: 12 * time.Hour,
		Serial:   serial,
		Code:     creds.NewSecret(canaryCode),
	}
}

func roleRequest() Request {
	r := sessionRequest()
	r.Role = &creds.Role{ARN: roleARN, SessionName: "alice", ExternalID: "ext-42"}
	return r
}

func chainedRequest() Request {
	r := roleRequest()
	r.Key.ID, r.Token, r.Serial, r.Code = "ASIAIOSFODNN7EXAMPLE", creds.NewSecret(canaryToken), "", creds.Secret{}
	r.Duration = time.Hour
	return r
}

// noEnv is an environment without proxies.
func noEnv(string) string { return "" }

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// newTestClient returns a client of endpoint, whose debug log is searched for
// canaries at the end of the test.
func newTestClient(t testing.TB, endpoint string, adjust ...func(*Options)) *Client {
	t.Helper()
	var log safeBuffer
	o := Options{
		Region:   "eu-west-1",
		Endpoint: endpoint,
		Getenv:   noEnv,
		Now:      time.Now,
		Logger:   slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range adjust {
		f(&o)
	}
	c := New(o)
	c.connectLimit, c.tryLimit = time.Minute, time.Minute // for a busy machine
	t.Cleanup(func() { noCanary(t, log.String()) })
	return c
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func noCanary(t testing.TB, text string) {
	t.Helper()
	for _, canary := range []string{canaryKey, canaryToken, canaryCode, canaryProxy} {
		if strings.Contains(text, canary) {
			t.Errorf("%q leaks in %q", canary, text)
		}
	}
}

// counted is a loopback server that counts what reaches it.
type counted struct {
	*httptest.Server
	connections, requests atomic.Int32
}

func serve(t testing.TB, handler http.HandlerFunc) *counted {
	t.Helper()
	s := unstarted(handler)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func unstarted(handler http.HandlerFunc) *counted {
	s := &counted{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		body, _ := io.ReadAll(r.Body) // a server that does not read all may reset the connection
		r.Body = io.NopCloser(bytes.NewReader(body))
		handler(w, r)
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	return s
}

// issue answers with credentials that last as long as was asked for.
func issue(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	life, _ := time.ParseDuration(r.Form.Get("DurationSeconds") + "s")
	write(w, http.StatusOK, success(r.Form.Get("Action"), time.Now().Add(life)))
}

func write(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("X-Amzn-Requestid", requestID)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

const namespace = `xmlns="https://sts.amazonaws.com/doc/2011-06-15/"`

func success(action string, expires time.Time) string {
	return envelope(action, fields(
		"AccessKeyId", "ASIAEXAMPLEEXAMPLE00",
		"SecretAccessKey", "issuedSecret",
		"SessionToken", "issuedToken",
		"Expiration", expires.UTC().Format(time.RFC3339),
	),
		"arn:aws:sts::210987654321:assumed-role/deploy/alice")
}

func fields(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, "<%[1]s>%[2]s</%[1]s>", pairs[i], pairs[i+1])
	}
	return b.String()
}

func envelope(action, credentials, session string) string {
	user := ""
	if action == "AssumeRole" {
		user = "<AssumedRoleUser><Arn>" + session + "</Arn><AssumedRoleId>ARO:alice</AssumedRoleId></AssumedRoleUser>"
	}
	return fmt.Sprintf(`<%[1]sResponse %[2]s><%[1]sResult>%[4]s<Credentials>%[3]s</Credentials></%[1]sResult>`+
		`<ResponseMetadata><RequestId>%[5]s</RequestId></ResponseMetadata></%[1]sResponse>`, action, namespace, credentials, user, requestID)
}

func refusalXML(code, message string) string {
	return fmt.Sprintf("<ErrorResponse %s>\n  <Error>\n    <Type>Sender</Type>\n    <Code>%s</Code>\n    <Message>%s</Message>\n  </Error>\n  <RequestId>%s</RequestId>\n</ErrorResponse>\n",
		namespace, code, message, requestID)
}

// want is what a failed call must look like.
type want struct {
	kind      Kind
	faultKind fault.Kind
	delivery  Delivery
	line      []string // parts of the line that is shown
}

func (w want) check(t *testing.T, got Result) {
	t.Helper()
	w.checkError(t, got.Err)
	if got.Credentials != (creds.Credentials{}) {
		t.Error("credentials beside a failure")
	}
}

func (w want) checkError(t *testing.T, err error) {
	t.Helper()
	failed, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("error is a %T: %v", err, err)
	}
	line := fault.Line(err)
	t.Log(line)
	if failed.Kind != w.kind || failed.Delivery != w.delivery || fault.KindOf(err) != w.faultKind {
		t.Errorf("%s, %s, exit code %d; want %s, %s, %d", failed.Kind, failed.Delivery, fault.KindOf(err), w.kind, w.delivery, w.faultKind)
	}
	for _, part := range w.line {
		if !strings.Contains(line, part) {
			t.Errorf("the line lacks %q", part)
		}
	}
	if len(line) > 800 || strings.Contains(line, "...") {
		t.Errorf("the line is too long (%d bytes)", len(line))
	}
	noCanary(t, line)
}

// authority makes certificates for one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, name string) authority {
	t.Helper()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{cert, key}
}

// issue returns a certificate for host, which is valid until the given time.
func (a authority) issue(t testing.TB, host string, until time.Time, usage ...x509.ExtKeyUsage) tls.Certificate {
	t.Helper()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until, ExtKeyUsage: usage,
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// bundle writes the authority's certificate to a file.
func (a authority) bundle(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// serveTLS is serve over TLS with cert; adjust may change the configuration.
func serveTLS(t testing.TB, cert tls.Certificate, handler http.HandlerFunc, adjust ...func(*tls.Config)) *counted {
	t.Helper()
	s := unstarted(handler)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	for _, f := range adjust {
		f(s.TLS)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// bodyHash returns the SHA-256 of the body that r had, in hex.
func bodyHash(r *http.Request) string {
	body, _ := io.ReadAll(r.Body)
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
