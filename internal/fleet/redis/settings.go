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
	example       = "write it as rediss://USER@HOST:6379/0, or off"
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
	hosts := strings.Split(rest[strings.LastIndexByte(rest[:end], '@')+1:end], ",")
	u, err := url.Parse(scheme + "://" + rest[:end-len(strings.Join(hosts, ","))] + hosts[0] + rest[end:])
	if err != nil || u.Fragment != "" || u.Opaque != "" {
		return s, s.bad(example, "is not the URL of a shared cache")
	}
	if u.User != nil {
		password, _ := u.User.Password()
		s.User, s.Password = u.User.Username(), creds.NewSecret(password)
	}
	for _, step := range []func() error{
		func() error { return s.kind(u.Scheme) },
		func() error { return s.hosts(hosts) },
		func() error { return s.path(strings.Trim(u.Path, "/")) },
		func() error { return s.query(u.RawQuery) },
	} {
		if err := step(); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s *Settings) bad(remedy, cause string, args ...any) error {
	return fault.New(fault.Config, s.Source, remedy, cause, args...)
}

func (s *Settings) kind(scheme string) error {
	base, form, _ := strings.Cut(scheme, "+")
	s.TLS, s.Cluster = base == "rediss", form == "cluster"
	if form == "sentinel" {
		s.Master = form // until the path is read
	}
	if base != "redis" && base != "rediss" || form != "" && form != "sentinel" && form != "cluster" {
		return s.bad(example, "is not the URL of a shared cache")
	}
	return nil
}

func (s *Settings) hosts(hosts []string) error {
	standard := "6379"
	if s.Master != "" {
		standard = "26379"
	}
	if len(hosts) > 1 && s.Master == "" && !s.Cluster {
		return s.bad("write redis+cluster:// or redis+sentinel:// (with TLS: rediss+...)", "names several hosts")
	}
	for _, host := range hosts {
		u, err := url.Parse("//" + host)
		if err != nil || u.Hostname() == "" || u.User != nil {
			return s.bad(example, "has no host, or one that cannot be")
		}
		s.Hosts = append(s.Hosts, net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), standard)))
	}
	return nil
}

// path takes the path: the number of the database, behind the name of the server if there are Sentinels.
func (s *Settings) path(path string) error {
	if s.Master != "" {
		s.Master, path, _ = strings.Cut(path, "/")
		if s.Master == "" {
			return s.bad("write it as redis+sentinel://HOST,HOST/MASTER", "does not say how the Sentinels call the server")
		}
	}
	if path == "" {
		return nil
	}
	db, err := strconv.Atoi(path)
	if err != nil || db < 0 || db > 0 && s.Cluster {
		return s.bad("write /0, or nothing", "has a path that is not the number of a database")
	}
	s.DB = db
	return nil
}

func (s *Settings) query(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return s.bad("write % as %25, & as %26", "cannot be read behind the question mark")
	}
	for key, all := range values {
		if len(all) != 1 {
			return s.bad("keep one of them", "has %s twice", key)
		}
		if err := s.option(key, all[0]); err != nil {
			return err
		}
	}
	if (s.Cert == "") != (s.Key == "") {
		return s.bad("add the other one", "has only one of cert and key")
	}
	if s.CA+s.Cert != "" && !s.TLS {
		return s.bad("write rediss:// for redis://", "has a certificate, and no TLS")
	}
	return nil
}

func (s *Settings) option(key, value string) error {
	files := map[string]*string{"ca": &s.CA, "cert": &s.Cert, "key": &s.Key}
	switch {
	case key == "prefix" && value != "" && len(value) <= 64 && !strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' || r == '{' || r == '}' }):
		s.Prefix = value
	case key == "prefix":
		return s.bad("use letters, digits, : and -", "has a prefix that cannot be")
	case key == "required" && (value == "true" || value == "false"):
		s.Required = value == "true"
	case key == "required":
		return s.bad("write required=true", "has neither true nor false for required")
	case files[key] != nil && filepath.IsAbs(value):
		*files[key] = value
	case files[key] != nil:
		return s.bad("write the absolute path of a PEM file", "has a relative path for %s", key)
	default: // it is not echoed: it may be part of a password
		return s.bad("the keys are prefix, ca, cert, key, required; in a password write ? as %3F, / as %2F, # as %23", "has an unknown key behind the question mark")
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
			return nil, s.bad("name a PEM file with the certificate of the authority", "has a ca that cannot be read: %s", s.CA)
		}
	}
	if s.Cert != "" {
		pair, err := tls.LoadX509KeyPair(s.Cert, s.Key)
		if err != nil {
			return nil, s.bad("name PEM files that belong together", "has a cert and key that cannot be used: %s, %s", s.Cert, s.Key)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
