package cli

import "io/fs"

func foreign(fs.FileInfo) bool { return false }
