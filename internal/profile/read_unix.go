//go:build unix

package profile

import "syscall"

// openFlags keep a FIFO without a writer from blocking, and a terminal from becoming ours. They mean
// nothing for regular files.
const openFlags = syscall.O_NONBLOCK | syscall.O_NOCTTY
