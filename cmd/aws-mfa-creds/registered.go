package main

import (
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

// parseProcess returns the options of a credential_process line that calls get.
func parseProcess(a *app, line string) (o getOptions, ok bool) {
	words := strings.Fields(strings.ReplaceAll(line, `"`, ""))
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
