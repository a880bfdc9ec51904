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
)

// wire is the network of a machine: every request of a client passes it on the way to the
// sandbox, so that what a client has really signed with is seen and not asked for. It is
// the clients' HTTPS proxy, too: for those that take no endpoint from outside when they
// assume a role it plays sts.amazonaws.com, and what wants to go anywhere else is refused
// and noted.
type wire struct {
	server  *http.Server
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
	action string // an STS action, or "S3"
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

// newWire starts the wire in front of the sandbox at target.
func newWire(target string) (*wire, error) {
	origin, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	w := &wire{issued: map[string]session{}}
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
		case r.URL.Path == "/" && r.Method == http.MethodPost:
			sts.ServeHTTP(out, r)
		default:
			w.s3(out, r)
		}
	})
}

// signer finds the access key id in the Authorization header of Signature Version 4.
var signer = regexp.MustCompile(`Credential=([A-Z0-9]+)/`)

func signedBy(r *http.Request) string {
	if found := signer.FindStringSubmatch(r.Header.Get("Authorization")); found != nil {
		return found[1]
	}
	return ""
}

// s3 answers every request as an empty bucket would, and notes who has signed it.
func (w *wire) s3(out http.ResponseWriter, r *http.Request) {
	w.record(call{"S3", signedBy(r), http.StatusOK}, nil)
	out.Header().Set("Content-Type", "application/xml")
	_, _ = io.WriteString(out, xml.Header+`<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>`)
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
		if c.status == http.StatusOK && (c.action == "GetCallerIdentity" || c.action == "S3") {
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

// connect plays STS to a client that asks the proxy for it.
func (w *wire) connect(out http.ResponseWriter, r *http.Request, sts http.Handler) {
	host, _, _ := strings.Cut(r.Host, ":")
	if !strings.HasPrefix(host, "sts.") || !strings.HasSuffix(host, "amazonaws.com") {
		w.leak(out, r.Host)
		return
	}
	conn, _, err := http.NewResponseController(out).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	server := &http.Server{Handler: sts, ReadHeaderTimeout: time.Minute}
	_ = server.Serve(&oneConn{conn: tls.Server(conn, w.config)})
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
		DNSNames:              []string{"sts.amazonaws.com", "sts.us-east-1.amazonaws.com"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	w.caPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	w.config = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	return nil
}
