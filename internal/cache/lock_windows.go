package cache

import "os"

// lockFlags open a lock file. Go's handles are not inherited by children.
const lockFlags = os.O_RDWR
