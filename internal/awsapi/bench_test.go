package awsapi

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"testing"
	"time"
)

// BenchmarkCall is a cold call over TLS on loopback: connection, handshake,
// signature, answer. BenchmarkPost is the same round trip by net/http alone.
func BenchmarkCall(b *testing.B) {
	ca := newAuthority(b, "Test CA")
	server := serveTLS(b, ca.issue(b, "127.0.0.1", time.Now().Add(time.Hour)), issue)
	o := Options{Region: "eu-west-1", Endpoint: server.URL, CABundle: ca.bundle(b), Getenv: noEnv, Now: time.Now}
	b.ReportAllocs()
	for b.Loop() {
		if got := New(o).Call(b.Context(), sessionRequest()); got.Err != nil {
			b.Fatal(got.Err)
		}
	}
}

// BenchmarkPost is what BenchmarkCall is measured against.
func BenchmarkPost(b *testing.B) {
	ca := newAuthority(b, "Test CA")
	server := serveTLS(b, ca.issue(b, "127.0.0.1", time.Now().Add(time.Hour)), issue)
	path := ca.bundle(b)
	b.ReportAllocs()
	for b.Loop() {
		client := newTestClientOver(b, path)
		resp, err := client.Post(server.URL, "application/x-www-form-urlencoded", http.NoBody)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}

// newTestClientOver returns a plain HTTP client that trusts the bundle at path
// and keeps no connection.
func newTestClientOver(b *testing.B, path string) *http.Client {
	b.Helper()
	bundle, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(bundle)
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool},
		DisableKeepAlives: true, DisableCompression: true,
	}}
}
