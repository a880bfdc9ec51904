package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
)

// wire is the network of a machine: every request of a client passes it on the way to the
// sandbox, so that what a client has really signed with is seen and not asked for. It is
// the clients' HTTPS proxy, too: for those that take no endpoint from outside when they
// assume a role it plays sts.amazonaws.com, and what wants to go anywhere else is refused
// and noted.
type wire struct {
	server  *http.Server
	sandbox *sandbox.Server
	bucket  *bucket
	address string
	caPEM   []byte
	config  *tls.Config

	mu     sync.Mutex
	calls  []call
	issued map[string]session // by access key id
	leaks  []string           // hosts that a client has tried to reach
}

// call is a request that a client has signed.
type call struct {
	action string // an STS action, or otherService
	key    string // the access key id that it was signed with
	status int
}

// session is a set of credentials that the sandbox has issued.
type session struct {
	action string // that it came from
	arn    string // of the assumed role; empty for a base session
}

// answer is the part of STS's answers that tells what was issued.
type answer struct {
	Keys []string `xml:"GetSessionTokenResult>Credentials>AccessKeyId"`
	Role struct {
		Key string `xml:"Credentials>AccessKeyId"`
		ARN string `xml:"AssumedRoleUser>Arn"`
	} `xml:"AssumeRoleResult"`
}

// newWire starts the wire in front of a sandbox.
func newWire(behind *sandbox.Server) (*wire, error) {
	origin, err := url.Parse(behind.URL())
	if err != nil {
		return nil, err
	}
	w := &wire{issued: map[string]session{}, sandbox: behind, bucket: newBucket(behind)}
	if err := w.makeCertificate(); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(origin)
			r.Out.Host = r.In.Host // it is signed
		},
		Transport:      &http.Transport{DisableCompression: true},
		ModifyResponse: w.note,
		ErrorHandler:   func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	w.address = listener.Addr().String()
	w.server = &http.Server{Handler: w.handler(proxy), ReadHeaderTimeout: time.Minute}
	go func() { _ = w.server.Serve(listener) }()
	return w, nil
}

func (w *wire) close() { _ = w.server.Close() }

func (w *wire) url() string { return "http://" + w.address }

func (w *wire) handler(sts http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodConnect:
			w.connect(out, r, sts)
		case r.URL.IsAbs():
			w.leak(out, r.URL.Host)
		default:
			w.serve(out, r, sts)
		}
	})
}

// serve answers as the service that the request is signed for.
func (w *wire) serve(out http.ResponseWriter, r *http.Request, sts http.Handler) {
	switch service := serviceOf(r); {
	case service == "sts", service == "iam":
		sts.ServeHTTP(out, r)
	case service == "s3":
		w.record(call{otherService, signedBy(r), w.bucket.serve(out, r)}, nil)
	case r.URL.Path == clusterPath:
		w.cluster(out, r, sts)
	case service == unverified:
		w.record(call{otherService, signedBy(r), http.StatusOK}, nil)
	case strings.HasPrefix(r.URL.Path, repositoryPath):
		w.repository(out, r)
	case answers[service] != "":
		w.answer(out, r, service)
	default:
		http.Error(out, "who has signed "+r.Method+" "+r.URL.Path+", and for which service?", http.StatusForbidden)
	}
}

// unverified is the service that aws-crt signs for: Debian's version loses the session token.
const unverified = "execute-api"

// signer finds the access key id and the service in the scope of a signature.
var signer = regexp.MustCompile(`([A-Z0-9]+)/\d{8}/[^/]+/([^/]+)/aws4_request`)

// scope returns what signer finds in the header or the query of a request.
func scope(r *http.Request) (key, service string) {
	found := signer.FindStringSubmatch(r.Header.Get("Authorization") + r.URL.Query().Get("X-Amz-Credential"))
	if found == nil {
		return "", ""
	}
	return found[1], found[2]
}

func signedBy(r *http.Request) string {
	key, _ := scope(r)
	return key
}

func serviceOf(r *http.Request) string {
	_, service := scope(r)
	return service
}

// note records what STS has answered.
func (w *wire) note(r *http.Response) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	action, _, _ := strings.Cut(string(root(body)), "Response")
	var got answer
	_ = xml.Unmarshal(body, &got)
	w.record(call{action, signedBy(r.Request), r.StatusCode}, &got)
	return nil
}

// root returns the name of the root element of a document.
func root(body []byte) []byte {
	_, after, _ := bytes.Cut(body, []byte("<"))
	return after
}

func (w *wire) record(c call, got *answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, c)
	if got == nil {
		return
	}
	for _, key := range got.Keys {
		w.issued[key] = session{action: "GetSessionToken"}
	}
	if got.Role.Key != "" {
		w.issued[got.Role.Key] = session{action: "AssumeRole", arn: got.Role.ARN}
	}
}

// requests returns the access key ids of the successful requests that clients have made; what aws-mfa-creds itself asks for is not among them.
func (w *wire) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var keys []string
	for _, c := range w.calls {
		if c.status == http.StatusOK && (c.action == "GetCallerIdentity" || c.action == otherService) {
			keys = append(keys, c.key)
		}
	}
	return keys
}

// of returns what the access key id belongs to.
func (w *wire) of(key string) session {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.issued[key]
}

func (w *wire) leaked() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.leaks)
}

func (w *wire) leak(out http.ResponseWriter, host string) {
	w.mu.Lock()
	w.leaks = append(w.leaks, host)
	w.mu.Unlock()
	http.Error(out, "nothing leaves this machine", http.StatusForbidden)
}

// played are the hosts that the wire plays to a client that asks the proxy for them.
var played = regexp.MustCompile(`^(sts|cloudformation|git-codecommit|cluster)(\.us-east-1)?\.amazonaws\.com:443$`)

// connect plays AWS to a client that asks the proxy for it. Some ask it for the wire itself, whatever NO_PROXY says.
func (w *wire) connect(out http.ResponseWriter, r *http.Request, sts http.Handler) {
	if r.Host != w.address && !played.MatchString(r.Host) {
		w.leak(out, r.Host)
		return
	}
	conn, _, err := http.NewResponseController(out).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	service := http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { w.serve(out, r, sts) })
	server := &http.Server{Handler: service, ReadHeaderTimeout: time.Minute, IdleTimeout: time.Second} // osls waits until it is closed
	if r.Host != w.address {
		conn = tls.Server(conn, w.config)
	}
	_ = server.Serve(&oneConn{conn: conn})
}

// oneConn is a listener that accepts one connection.
type oneConn struct {
	conn net.Conn
	done bool
}

func (l *oneConn) Accept() (net.Conn, error) {
	if l.done {
		return nil, errors.New("no more")
	}
	l.done = true
	return l.conn, nil
}

func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return l.conn.LocalAddr() }

// makeCertificate makes the certificate of the STS that the proxy plays, its own authority.
func (w *wire) makeCertificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "conformance"},
		NotBefore:             time.Now().Add(-24 * time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:              []string{"*.amazonaws.com", "*.us-east-1.amazonaws.com"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	w.caPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	w.config = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	return nil
}
