package agefile

import "errors"

// absentKernelKeys reports that there is no kernel keyring.
func absentKernelKeys(err error) bool { return errors.Is(err, errors.ErrUnsupported) }
