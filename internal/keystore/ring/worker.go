package ring

import (
	"io"
	"os"
	"slices"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
)

// Worker serves the one request on stdin and answers on stdout, for a process that was started
// with WorkerArg. It returns the exit code. From then on the process has no os.Stdout, so that
// nothing that the library prints gets into the answer, and no variables of AWS.
func Worker(stdin io.Reader, stdout io.Writer) int {
	os.Stdout = os.Stderr               //nolint:forbidigo,reassign // see above
	for _, pair := range os.Environ() { //nolint:forbidigo // a worker's environment is its own
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "AWS_") {
			_ = os.Unsetenv(name) // fails for invalid names only
		}
	}
	return child.Answer(stdin, stdout, maxMessage, func(req request) answer {
		value, err := perform(req)
		t := classify(err)
		return answer{t.state, t.detail, value}
	})
}

// perform serves the request. A panic of the library, as when the bus dies while it waits for a
// person, becomes an error.
func perform(req request) (value []byte, err error) {
	defer func() {
		if recover() != nil { // its value might quote a secret
			value, err = nil, trouble{state: broken}
		}
	}()
	if !slices.Contains(Kinds(), req.Kind) {
		return nil, trouble{state: broken}
	}
	store, err := open(req)
	if err != nil {
		return nil, err
	}
	return carryOut(store, req)
}

// carryOut does to the store what the request says, and returns the value of opGet. Errors are those
// of backend.
func carryOut(store backend, req request) ([]byte, error) {
	switch req.Op {
	case opProbe:
		_, err := store.get(req.Name)
		if classify(err).state == absent { // nobody stores an item of the name, and a store that says so is well
			return nil, nil
		}
		return nil, err
	case opGet:
		return store.get(req.Name)
	case opPut:
		return nil, put(store, req.Name, req.Value)
	case opDelete:
		return nil, store.remove(req.Name)
	}
	return nil, trouble{state: broken}
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

// maxMessage is the largest request or answer, in bytes: an item in base64, its name, and room.
const maxMessage = 16 << 10

// The operations.
const (
	opGet    = "get"
	opPut    = "put"
	opDelete = "delete"
	opProbe  = "probe"
)

// request is what a worker is asked on stdin: one JSON object.
type request struct {
	Op    string `json:"op"`
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	Value []byte `json:"value,omitempty"` // of opPut
	Ask   bool   `json:"ask"`             // a person may be asked
}

// answer is what a worker says on stdout: one JSON object.
type answer struct {
	State  state  `json:"state"`
	Detail string `json:"detail,omitempty"` // for people; no part of a secret
	Value  []byte `json:"value,omitempty"`  // of opGet
}

// result returns the value of an answer, or what it says is wrong.
func (a answer) result() ([]byte, error) {
	switch {
	case a.State == "" || len(a.Value) > MaxItem:
		return nil, trouble{state: broken}
	case a.State != ok:
		return nil, trouble{a.State, a.Detail}
	}
	return a.Value, nil
}
