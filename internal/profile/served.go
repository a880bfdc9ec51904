package profile

import (
	"bytes"
	"slices"
)

// Served returns the names of the profiles that program may be asked for, sorted: all of
// profiles.ini, and those of the AWS config that name the program or an MFA device.
// The sections are searched but not parsed, since there may be thousands.
func (f *Files) Served(program string) []string {
	names := f.aws.namesWhere(func(h *header) bool {
		body := f.aws.bytes(h.body)
		return bytes.Contains(body, []byte(program)) || bytes.Contains(body, []byte(keySerial))
	})
	names = append(names, f.own.names()...)
	slices.Sort(names)
	return slices.Compact(names)
}

// CredentialProcess returns the command that the AWS config has the SDKs run for the
// profile name, or "". It is never run here.
func (f *Files) CredentialProcess(name string) string {
	headers, _ := f.aws.find(profileSection, name)
	command := ""
	for _, h := range headers {
		for _, n := range statements(f.aws.data, h) {
			if n.key() == keyCommand {
				command = n.value()
			}
		}
	}
	return command
}
