package sts

import (
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
)

// BenchmarkCall is a cold call over TLS on loopback: connection, handshake,
// signature, answer. BenchmarkPost is the same round trip by net/http alone.
func BenchmarkCall(b *testing.B) {
	ca := newAuthority(b, "Test CA")
	server := serveTLS(b, ca.issue(b, "127.0.0.1", time.Now().Add(time.Hour)), issue)
	o := Options{Region: "eu-west-1", Endpoint: server.URL, CABundle: ca.bundle(b), Getenv: noEnv, Now: time.Now}
	b.ReportAllocs()
	for b.Loop() {
		client, err := New(o)
		if err != nil {
			b.Fatal(err)
		}
		if got := client.Call(b.Context(), sessionRequest()); got.Verdict != exchange.OK {
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
		client := newTestClientOver(b, server.URL, path)
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
func newTestClientOver(b *testing.B, endpoint, path string) *http.Client {
	b.Helper()
	client, err := New(Options{Region: "eu-west-1", Endpoint: endpoint, CABundle: path, Getenv: noEnv, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	transport, err := newTry(client, sessionRequest()).transport(client.endpoint)
	if err != nil {
		b.Fatal(err)
	}
	return &http.Client{Transport: transport}
}
