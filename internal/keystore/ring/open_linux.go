package ring

// open opens the keyring of a request.
func open(req request) (backend, error) {
	switch req.Kind {
	case SecretService:
		return openSecretService(req.Ask)
	case KWallet:
		return openKWallet(req.Ask)
	case Pass:
		return openPass()
	}
	return nil, trouble{state: broken}
}
