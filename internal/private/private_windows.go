package private

import "io/fs"

const noBlock = 0

// owned and exposed leave the judgement to Windows: what is below the user's profile
// inherits an access control list that admits the user, the system and administrators only.
func owned(fs.FileInfo) bool { return true }

func exposed(fs.FileInfo, fs.FileMode) bool { return false }
