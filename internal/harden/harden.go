// Package harden makes it hard to read secrets out of the running process: the user's other processes
// cannot attach to it, and a crash leaves no core dump. It does what the system allows, reports no
// failure, and protects nothing from root.
package harden
