package profile

import (
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// endpoints decides over all that chooses the host to ask.
func (r *resolution) endpoints(s *Settings) error {
	var err error
	if s.FIPS, err = r.boolean("AWS_USE_FIPS_ENDPOINT", KeyFIPS); err != nil {
		return err
	}
	if s.DualStack, err = r.boolean("AWS_USE_DUALSTACK_ENDPOINT", KeyDualStack); err != nil {
		return err
	}
	s.CABundle = r.setting("AWS_CA_BUNDLE", KeyCABundle).text
	if s.Endpoint, err = r.endpoint(KeySTS, s); err != nil || !r.env.IAM {
		return err
	}
	s.IAMEndpoint, err = r.endpoint(KeyIAM, s)
	return err
}

// endpoint returns the URL that replaces a service's endpoint, or "".
func (r *resolution) endpoint(service string, s *Settings) (string, error) {
	v, err := r.findEndpoint(service)
	if err != nil || v.text == "" {
		return "", err
	}
	return v.text, r.checkEndpoint(v, s.FIPS || s.DualStack)
}

// boolean reads a switch. What is neither true nor false is refused: FIPS that is
// silently off would be worse.
func (r *resolution) boolean(variable, key string) (bool, error) {
	v := r.setting(variable, key).uncommented()
	switch strings.ToLower(v.text) {
	case "true":
		return true, nil
	case "false", "":
		return false, nil
	}
	return false, fault.New(fault.Config, v.place(), "set it to true or false", "%s is neither true nor false", v.quoted())
}

// findEndpoint looks for the URL in the order of the AWS SDKs: the variables, then for each
// section its services section before its own endpoint_url.
func (r *resolution) findEndpoint(service string) (value, error) {
	ignore, err := r.boolean("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", KeyIgnoreEndpoint)
	if err != nil || ignore {
		return value{}, err
	}
	for _, name := range []string{"AWS_ENDPOINT_URL_" + strings.ToUpper(service), "AWS_ENDPOINT_URL"} {
		if v := r.variable(name); v.text != "" {
			return v, nil
		}
	}
	for _, s := range r.sections() {
		v, err := r.services(s.get(KeyServices).uncommented(), service)
		if err != nil || v.text != "" {
			return v, err
		}
		if v := s.get(KeyEndpoint).uncommented(); v.text != "" {
			return v, nil
		}
	}
	return value{}, nil
}

// services returns the URL for a service in the services section that name names.
func (r *resolution) services(name value, service string) (value, error) {
	if name.text == "" {
		return value{}, nil
	}
	s, err := r.files.aws.serviceEndpoint(name.text, service)
	if err == nil && s == nil {
		err = fault.New(fault.Config, name.place(), "add the section to the AWS config, or delete the line", "there is no section [services %s]", name.text)
	}
	return s.get(KeyEndpoint).uncommented(), err
}

// checkEndpoint refuses URLs to which no token code and no signature should go.
func (r *resolution) checkEndpoint(v value, special bool) error {
	host := "that URL"
	if r.env.CheckURL != nil {
		var err error
		if host, err = r.env.CheckURL(v.text); err != nil {
			return fault.New(fault.Config, v.place(), "write it as https://HOST[:PORT][/PATH]", "%s", err)
		}
	}
	if special {
		return fault.New(fault.Config, v.place(), "unset one of them", "the endpoint at %s excludes FIPS and dual-stack endpoints", host)
	}
	return nil
}
