package ring

import (
	"encoding/json"
	"io"
	"os"
	"slices"
)

// Worker serves the one request on stdin and answers on stdout, for a process that was started
// with WorkerArg. It returns the exit code. From then on the process has no os.Stdout: what the
// library might print there must not get into the answer.
func Worker(stdin io.Reader, stdout io.Writer) int {
	os.Stdout = os.Stderr //nolint:forbidigo,reassign // see above
	got := perform(stdin)
	if json.NewEncoder(stdout).Encode(got) != nil {
		return 1
	}
	return 0
}

// perform serves the request. A panic of the library, as when the bus dies while it waits for a
// person, is an answer, too.
func perform(stdin io.Reader) (got answer) {
	defer func() {
		if recover() != nil { // its value might quote a secret
			got = answer{State: broken}
		}
	}()
	var req request
	if decode(stdin, &req) != nil {
		return answer{State: broken}
	}
	if req.Op == opVault {
		return performVault(req)
	}
	if !slices.Contains(Kinds(), req.Kind) {
		return answer{State: broken}
	}
	store, err := open(req)
	if err != nil {
		return refused(err)
	}
	return carryOut(store, req)
}

// carryOut does to the store what the request says.
func carryOut(store backend, req request) answer {
	switch req.Op {
	case opProbe: // nobody stores an item of the name, and a store that says so is well
		_, err := store.get(req.Name)
		if t := classify(err); t.state != absent {
			return refused(err)
		}
		return answer{State: ok}
	case opGet:
		value, err := store.get(req.Name)
		if err != nil {
			return refused(err)
		}
		return answer{State: ok, Value: value}
	case opPut:
		return refused(put(store, req.Name, req.Value))
	case opDelete:
		return refused(store.remove(req.Name))
	}
	return answer{State: broken}
}

// backend is a keyring in the worker. Its errors are those of the library, or trouble.
type backend interface {
	get(name string) ([]byte, error)
	set(name string, value []byte) error
	remove(name string) error
}

// put stores the value and makes sure that it is there: KDE Wallet, for one, says nothing when it
// is not.
func put(store backend, name string, value []byte) error {
	if err := store.set(name, value); err != nil {
		return err
	}
	stored, err := store.get(name)
	defer clear(stored)
	if err != nil {
		return err
	}
	if !slices.Equal(stored, value) {
		return trouble{failed, "it returns something else than was stored"}
	}
	return nil
}

// refused is the answer to a request that ended with err.
func refused(err error) answer {
	t := classify(err)
	return answer{State: t.state, Detail: t.detail}
}
