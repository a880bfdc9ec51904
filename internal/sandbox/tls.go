package sandbox

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"time"
)

// Certificate says what is wrong with the server's certificate.
type Certificate int

// The certificates a TLS sandbox can show. All are signed by its own CA.
const (
	ValidCertificate     Certificate = iota // for localhost, 127.0.0.1 and ::1, and STS's own host in us-east-1
	ExpiredCertificate                      // it ended a day ago
	WrongHostCertificate                    // for sts.example.com
)

// certificateYears is wide, because tests move clocks by years.
const certificateYears = 30

// authority is a certificate authority that lives in memory.
type authority struct {
	random      io.Reader
	now         time.Time
	key         crypto.Signer
	certificate *x509.Certificate
}

func newAuthority(random io.Reader, now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), random)
	if err != nil {
		return nil, fmt.Errorf("sandbox: making the CA's key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "aws-sandbox CA"},
		NotBefore:             now.AddDate(-certificateYears, 0, 0),
		NotAfter:              now.AddDate(certificateYears, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	a := &authority{random: random, now: now, key: key, certificate: template}
	a.certificate, err = a.sign(template, key.Public())
	return a, err
}

// pem returns the CA's certificate as a bundle for clients.
func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// config returns the TLS configuration of a server with that certificate.
func (a *authority) config(kind Certificate) (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), a.random)
	if err != nil {
		return nil, fmt.Errorf("sandbox: making the server's key: %w", err)
	}
	leaf, err := a.sign(a.leaf(kind), key.Public())
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1"}, // as STS; and a reset needs a connection of its own
		Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}},
	}, nil
}

func (a *authority) leaf(kind Certificate) *x509.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "aws-sandbox"},
		DNSNames:     []string{"localhost", "sts.us-east-1.amazonaws.com"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		NotBefore:    a.now.AddDate(-certificateYears, 0, 0),
		NotAfter:     a.now.AddDate(certificateYears, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	switch kind {
	case ExpiredCertificate:
		template.NotAfter = a.now.AddDate(0, 0, -1)
	case WrongHostCertificate:
		template.DNSNames, template.IPAddresses = []string{"sts.example.com"}, nil
	case ValidCertificate:
	}
	return template
}

func (a *authority) sign(template *x509.Certificate, public crypto.PublicKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(a.random, template, a.certificate, public, a.key)
	if err != nil {
		return nil, fmt.Errorf("sandbox: signing a certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}
