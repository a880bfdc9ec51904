//go:build unix && !linux

package agefile

func systemRoles() map[string]func(*Store, string) error { return nil }
