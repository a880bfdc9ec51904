package cli

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// registered returns the options with which the AWS config has this program called for a
// profile: a role may be named there alone.
func (a *app) registered(files *profile.Files, profileName string) getOptions {
	if o, ok := parseProcess(a, files.CredentialProcess(profileName)); ok {
		return o
	}
	return getOptions{profile: profileName}
}

// owner returns the profile whose access key and MFA device a profile lives on: that for which the AWS
// config has this program called, unless profiles.ini gives the profile an identity or a source itself.
func (a *app) owner(files *profile.Files, profileName string) (string, error) {
	own, _, err := files.Own(profileName)
	if err != nil {
		return "", err
	}
	if cmp.Or(own.Store, own.KeyStore, own.SeedStore, own.AccessKeyID, own.Serial, own.MFAProcess, own.SourceProfile) != "" {
		return profileName, nil
	}
	return a.registered(files, profileName).profile, nil
}

// atOwner returns the owner of a profile's identity, and makes it the profile that errors tell to type.
func (a *app) atOwner(profileName string) (string, error) {
	files, err := a.loadFiles()
	if err != nil {
		return "", err
	}
	owner, err := a.owner(files, profileName)
	if err == nil {
		a.profile = owner
	}
	return owner, err
}

// parseProcess returns the options of a credential_process line that calls get.
func parseProcess(a *app, line string) (o getOptions, ok bool) {
	words := commandWords(line)
	at := slices.IndexFunc(words, func(word string) bool { return strings.HasPrefix(filepath.Base(word), program) })
	verb := slices.Index(words, "get")
	if at < 0 || verb <= at {
		return o, false
	}
	cmd := &cobra.Command{}
	o.define(a, cmd)
	cmd.Flags().Bool("debug", false, "")
	return o, cmd.ParseFlags(slices.Delete(words[at+1:], verb-at-1, verb-at)) == nil && o.profile != ""
}

// commandWords cuts a command line as profile.CommandLine writes it: at the spaces that are not
// between quotation marks.
func commandWords(line string) []string {
	const kept = "\x00"
	parts := strings.Split(line, `"`)
	for i := 1; i < len(parts); i += 2 {
		parts[i] = strings.ReplaceAll(parts[i], " ", kept)
	}
	words := strings.Fields(strings.Join(parts, ""))
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], kept, " ")
	}
	return words
}
