// Package harden makes the running process a poor source of secrets: other
// processes of the user cannot attach to it, and a crash leaves no memory image.
// It is best effort and silent; it protects nothing from root.
package harden
