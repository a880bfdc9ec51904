package ring

// Kinds returns the stores that this build contains.
func Kinds() []string { return []string{WinCred} }
