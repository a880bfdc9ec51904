package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/gomodule/redigo/redis"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fleet"
)

// errAnswer says that what answered has the protocol, but not the commands.
var errAnswer = errors.New("its answer is not that of a Redis or Valkey server")

// explain returns err with what fleet.Engine says of it. Its text has nothing of what a server answered but
// the word that a refusal begins with: servers repeat commands, passwords included.
func explain(err error) error {
	if err == nil {
		return nil
	}
	_, isReply := errors.AsType[redis.Error](err)
	name, isName := errors.AsType[*net.DNSError](err)
	failed, isNet := errors.AsType[*net.OpError](err)
	switch {
	case isReply:
		return refused(word(err), err)
	case errors.Is(err, context.DeadlineExceeded), isNet && failed.Timeout(), isName && name.Timeout():
		return fmt.Errorf("%w in time", fleet.ErrSilent)
	case isName:
		return fmt.Errorf("%s is not a host that is known: %w", name.Name, err)
	case isNet && failed.Op != "remote error", errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return fmt.Errorf("%w: %w", fleet.ErrAway, err)
	}
	return err
}

// refused explains the answer of a server that begins with word.
func refused(word string, err error) error {
	switch word {
	case "READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "ASK", "NOREPLICAS", "NOMASTERLINK": // it ends by itself
		return fmt.Errorf("%w: the server says %s", fleet.ErrAway, word)
	case "MOVED":
		return errors.New("the server belongs to a cluster: write redis+cluster:// or rediss+cluster://")
	}
	if strings.HasPrefix(err.Error(), "ERR max number of clients") {
		return fmt.Errorf("%w: the server says %s", fleet.ErrAway, word)
	}
	return fmt.Errorf("the server says %s", word)
}

// word returns the first word of a server's error, if it is one that servers use, or "".
func word(err error) string {
	word, _, _ := strings.Cut(err.Error(), " ")
	if len(word) > 16 || strings.ContainsFunc(word, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		return "something that is not an error of Redis"
	}
	return word
}
