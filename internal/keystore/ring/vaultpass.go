//go:build !windows

package ring

// getVaultPass reads the item, and finds out why it cannot be read.
func getVaultPass(store library, name string) (value []byte, err error) {
	err = watched(func() error {
		value, err = store.get(name)
		return err
	})
	return value, err
}
