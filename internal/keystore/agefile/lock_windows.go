package agefile

import (
	"errors"
	"os"
)

const lockFlags = os.O_RDWR

// noLocks reports that the file system has no locks.
func noLocks(err error) bool { return errors.Is(err, errors.ErrUnsupported) }
