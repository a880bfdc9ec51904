package redis

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// Settings say where a server is and how to talk to it.
type Settings struct {
	Source  string   // where they were read, for errors
	Hosts   []string // host:port of the server, of some of a cluster, or of the Sentinels
	Master  string   // how the Sentinels call the server; "": there are none
	Cluster bool

	User     string
	Password creds.Secret
	DB       int

	TLS           bool
	CA, Cert, Key string // paths of PEM files, or ""

	Prefix   string // of all keys
	Required bool   // it is a failure if the server cannot be used
}

// Place names the server for people.
func (s Settings) Place() string { return strings.Join(s.Hosts, ",") }

const (
	defaultPrefix = "aws-mfa-creds:"
	example       = "write it as rediss://USER@HOST:6379/0?prefix=ci:&ca=/ca.pem&cert=/cert.pem&key=/key.pem&required=true, redis+sentinel://HOST,HOST/MASTER, redis+cluster://HOST,HOST, or off"
)

// Parse reads a URL: redis:// or rediss:// (with TLS), or with +sentinel or +cluster behind that and several
// hosts, separated by commas. source is where it is from. The error is a *fault.Error; it quotes nothing that may be
// a password.
func Parse(source, text string) (Settings, error) {
	s := Settings{Source: source, Prefix: defaultPrefix}
	// Package url knows one host only.
	scheme, rest, _ := strings.Cut(text, "://")
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	at := strings.LastIndexByte(rest[:end], '@') + 1
	hosts := strings.Split(rest[at:end], ",")
	u, err := url.Parse(scheme + "://" + rest[:at] + hosts[0] + rest[end:])
	if err != nil || u.Fragment != "" {
		return s, s.bad("is not the URL of a shared cache; in a user and a password, %% / ? # and @ are written as %%25 %%2F %%3F %%23 %%40")
	}
	if u.User != nil {
		password, _ := u.User.Password()
		s.User, s.Password = u.User.Username(), creds.NewSecret(password)
	}
	for _, err := range []error{s.kind(u.Scheme), s.hosts(hosts), s.path(strings.Trim(u.Path, "/")), s.query(u.RawQuery)} {
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s *Settings) bad(cause string, args ...any) error {
	return fault.New(fault.Config, s.Source, example, cause, args...)
}

func (s *Settings) kind(scheme string) error {
	base, form, _ := strings.Cut(scheme, "+")
	s.TLS, s.Cluster = base == "rediss", form == "cluster"
	if form == "sentinel" {
		s.Master = form // until the path is read
	}
	if base != "redis" && base != "rediss" || form != "" && form != "sentinel" && form != "cluster" {
		return s.bad("is not the URL of a shared cache")
	}
	return nil
}

func (s *Settings) hosts(hosts []string) error {
	standard := "6379"
	if s.Master != "" {
		standard = "26379"
	}
	if len(hosts) > 1 && s.Master == "" && !s.Cluster {
		return s.bad("names several hosts")
	}
	for _, host := range hosts {
		u, err := url.Parse("//" + host)
		if err != nil || u.Hostname() == "" {
			return s.bad("has no host, or one that cannot be")
		}
		s.Hosts = append(s.Hosts, net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), standard)))
	}
	return nil
}

// path takes the path: the number of the database, behind the name of the server if there are Sentinels.
func (s *Settings) path(path string) (err error) {
	if s.Master != "" {
		if s.Master, path, _ = strings.Cut(path, "/"); s.Master == "" {
			return s.bad("does not say how the Sentinels call the server")
		}
	}
	if path == "" {
		return nil
	}
	if s.DB, err = strconv.Atoi(path); err != nil || s.DB < 0 || s.DB > 0 && s.Cluster {
		return s.bad("has a path that is not the number of a database")
	}
	return nil
}

func (s *Settings) query(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return s.bad("cannot be read behind the question mark: %% and & are written as %%25 and %%26 there")
	}
	files := map[string]*string{"ca": &s.CA, "cert": &s.Cert, "key": &s.Key}
	for key, all := range values {
		value, file := all[0], files[key]
		outside := func(r rune) bool { return r <= ' ' || r > '~' || r == '{' || r == '}' }
		switch {
		case file == nil && key != "prefix" && key != "required": // it is not echoed: it may be part of a password
			return s.bad("has an unknown key behind the question mark")
		case len(all) > 1:
			return s.bad("has %s twice", key)
		case key == "prefix" && value != "" && len(value) <= 64 && !strings.ContainsFunc(value, outside):
			s.Prefix = value
		case key == "required" && (value == "true" || value == "false"):
			s.Required = value == "true"
		case file != nil && filepath.IsAbs(value):
			*file = value
		default:
			return s.bad("has a %s that cannot be", key)
		}
	}
	switch {
	case (s.Cert == "") != (s.Key == ""):
		return s.bad("has only one of cert and key")
	case s.CA+s.Cert != "" && !s.TLS:
		return s.bad("has a certificate, and no TLS")
	}
	return nil
}

// tlsConfig returns the configuration of TLS, or nil if there is none. The server is always verified.
func (s Settings) tlsConfig() (*tls.Config, error) {
	if !s.TLS {
		return nil, nil //nolint:nilnil // there is no TLS
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CA != "" {
		pem, err := os.ReadFile(s.CA)
		config.RootCAs = x509.NewCertPool()
		if err != nil || !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, s.bad("has a ca that is no PEM file with a certificate: %s", s.CA)
		}
	}
	if s.Cert != "" {
		pair, err := tls.LoadX509KeyPair(s.Cert, s.Key)
		if err != nil {
			return nil, s.bad("has a cert and key that are no PEM files which belong together: %s, %s", s.Cert, s.Key)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
