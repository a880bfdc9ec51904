package awsapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// explain says why fetch failed. ctx is the caller's.
func (c *call) explain(ctx context.Context, err error) *Error {
	if ctx.Err() != nil {
		return c.ended(ctx)
	}
	if c.progress.reached().outdated {
		thing, remedy := c.partner()
		return c.fail(CodeOutOfDate, fault.New(fault.Deadline, thing, remedy, "connecting took so long that the token code expired, so it was not sent"))
	}
	if told, ok := errors.AsType[*fault.Error](err); ok {
		return c.fail(Unreachable, told)
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return c.fail(Unreachable, c.distrusted(bad))
	}
	if status, ok := errors.AsType[tunnelError](err); ok {
		return c.fail(Unreachable, c.noTunnel(status))
	}
	thing, remedy := c.partner()
	return c.fail(c.brokenOff(err), fault.New(fault.Network, thing, remedy, "%s", c.words(err)))
}

// brokenOff distinguishes a request whose answer is missing from one that was never sent.
func (c *call) brokenOff(err error) Kind {
	if c.progress.reached().delivery() == Unsent || errors.Is(err, errTooLarge) {
		return Unreachable
	}
	return Lost
}

// ended is for a call that the caller's context ended.
func (c *call) ended(ctx context.Context) *Error {
	told := fault.New(fault.Network, c.host(), "", "interrupted %s", c.progress.reached().phase)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		told = fault.New(fault.Deadline, c.host(), "", "the time limit of the run expired %s", c.progress.reached().phase)
	}
	told.Err = ctx.Err()
	return c.fail(c.brokenOff(ctx.Err()), told)
}

// partner names the host that the call was talking to when it failed, and what to check. A proxy is named
// by its host and port: its URL may hold a password.
func (c *call) partner() (thing, remedy string) {
	switch {
	case c.proxy != nil && c.progress.reached().phase < securing:
		return fmt.Sprintf("proxy %s (%s)", c.proxy.url.Host, c.proxy.variable), "correct or unset " + c.proxy.variable
	case c.at.override != "":
		return c.host(), "check the network and " + c.at.override
	case c.proxy == nil:
		return c.host(), "check the network; if it needs a proxy, set HTTPS_PROXY"
	}
	return c.host(), "check the network and the proxy"
}

// words returns what happened to the connection. Errors of the SDK and of
// net/http are never quoted: they hold URLs, and with them passwords.
func (c *call) words(err error) string {
	phase := c.progress.reached().phase
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return nameWords(dns)
	}
	switch {
	case errors.Is(err, errTooLarge):
		return fmt.Sprintf("got a response of more than %d MiB, which cannot be from AWS", maxBody>>20)
	case errors.Is(err, errCut):
		return "the response is incomplete or damaged"
	case timedOut(err):
		return "timed out " + phase.String()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed " + phase.String()
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errnoWords(errno, phase)
	}
	if detail := tlsWords(err); detail != "" {
		return detail
	}
	return "connection failed " + phase.String()
}

// errnoWords names the common errors of a socket. The numbers are those of Windows ("Windows Sockets
// Error Codes", WSAE...), most of which package syscall lacks; Unix has none as high.
func errnoWords(errno syscall.Errno, during phase) string {
	switch errno {
	case syscall.ECONNREFUSED, 10061:
		return "connection refused"
	case syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, 10053, 10054:
		return "connection reset " + during.String()
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EADDRNOTAVAIL, 10049, 10051, 10065:
		return "no route to it"
	default:
		return "connection failed " + during.String()
	}
}

func nameWords(err *net.DNSError) string {
	switch {
	case err.IsNotFound:
		return fmt.Sprintf("no such host (DNS has no record of %q)", err.Name)
	case err.IsTimeout:
		return "the DNS lookup timed out"
	}
	return "the DNS lookup failed"
}

func timedOut(err error) bool {
	var t net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// tlsWords returns what crypto/tls says of a connection other than that its
// certificate is bad, or "". The texts of its alerts are constants.
func tlsWords(err error) string {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "it does not speak TLS (captive portal?)"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return "it closed the TLS connection: " + op.Err.Error()
	}
	return ""
}

// noTunnel is for a proxy that answered CONNECT with another status than 200.
func (c *call) noTunnel(status tunnelError) *fault.Error {
	thing, remedy := c.partner()
	if status == http.StatusProxyAuthRequired {
		remedy = "set " + c.proxy.variable + "=http://USER:PASSWORD@HOST:PORT"
		return fault.New(fault.Network, thing, remedy, "requires a user name and password, or rejects those given (HTTP 407)")
	}
	return fault.New(fault.Network, thing, remedy, "refuses to connect to %s (HTTP %d)", c.host(), int(status))
}

// distrusted is for a certificate that did not pass verification.
func (c *call) distrusted(bad *tls.CertificateVerificationError) *fault.Error {
	thing, remedy := c.partner()
	cert := bad.UnverifiedCertificates[0]
	if _, ok := errors.AsType[x509.HostnameError](bad.Err); ok {
		return fault.New(fault.Network, thing, remedy, "its certificate is for another host (%s)", certName(cert))
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](bad.Err); ok && invalid.Reason == x509.Expired {
		now := c.client.options.Now()
		return fault.New(fault.Network, thing, "check this machine's clock", "its certificate is valid from %s to %s, and this machine's clock says %s",
			fault.Time(invalid.Cert.NotBefore, now), fault.Time(invalid.Cert.NotAfter, now), fault.Time(now, time.Time{}))
	}
	issuer := bad.UnverifiedCertificates[len(bad.UnverifiedCertificates)-1].Issuer.String()
	if _, ok := errors.AsType[x509.UnknownAuthorityError](bad.Err); ok {
		if system, err := x509.SystemCertPool(); err == nil && c.client.options.CABundle == "" && system.Equal(x509.NewCertPool()) {
			return fault.New(fault.Network, thing, "install the package ca-certificates, or set AWS_CA_BUNDLE to a PEM file of CA certificates", "its certificate cannot be verified: this system has no CA certificates")
		}
		return fault.New(fault.Network, thing, c.bundleRemedy(), "its certificate is from a CA that is not trusted (issuer %q)", issuer)
	}
	return fault.New(fault.Network, thing, c.bundleRemedy(), "its certificate does not pass verification (issuer %q)", issuer)
}

func (c *call) bundleRemedy() string {
	if path := c.client.options.CABundle; path != "" {
		return "add that CA to the CA bundle " + path + " (AWS_CA_BUNDLE), if you trust it"
	}
	return "if you trust that CA, set AWS_CA_BUNDLE to a PEM file that holds it"
}

func certName(cert *x509.Certificate) string {
	if len(cert.DNSNames) > 0 {
		return cert.DNSNames[0]
	}
	if len(cert.IPAddresses) > 0 {
		return cert.IPAddresses[0].String()
	}
	return cert.Subject.String()
}
