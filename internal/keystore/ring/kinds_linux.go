package ring

// Kinds returns the stores that this build contains, the most fitting for a desktop first.
func Kinds() []string { return []string{SecretService, KWallet, Pass, Keyctl} }
