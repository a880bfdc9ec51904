package ring

import (
	"encoding/json"
	"errors"
	"io"
)

// maxMessage is the largest request or answer, in bytes: an item in base64, its name, and room.
const maxMessage = 16 << 10

// The operations.
const (
	opGet    = "get"
	opPut    = "put"
	opDelete = "delete"
	opProbe  = "probe"
	opVault  = "vault" // get, from aws-vault's
)

// request is what a worker is asked on stdin: one JSON object.
type request struct {
	Op    string `json:"op"`
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	Value []byte `json:"value,omitempty"` // of opPut
	Ask   bool   `json:"ask"`             // a person may be asked

	Vault *vaultPlace `json:"vault,omitempty"` // of opVault
}

// answer is what a worker says on stdout: one JSON object.
type answer struct {
	State  state  `json:"state"`
	Detail string `json:"detail,omitempty"` // for people; no part of a secret
	Value  []byte `json:"value,omitempty"`  // of opGet
}

var errMessage = errors.New("not a message between this program and its worker")

// decode reads one JSON object, as written by encode, into message.
func decode(r io.Reader, message any) error {
	text, err := io.ReadAll(io.LimitReader(r, maxMessage+1))
	defer clear(text)
	if err != nil || len(text) > maxMessage || json.Unmarshal(text, message) != nil {
		return errMessage // what json says might quote a secret
	}
	return nil
}
