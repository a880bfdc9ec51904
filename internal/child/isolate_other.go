//go:build !unix

package child

import "os/exec"

// isolate leaves the program as it is: only the program itself can be killed.
func isolate(*exec.Cmd, bool, bool) {}
