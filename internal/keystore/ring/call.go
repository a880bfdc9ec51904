package ring

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
)

// reserve is kept back from a limit for the killing of a worker whose pipes others hold.
const reserve = 250 * time.Millisecond

// call has the request served within the limit, and returns the value of the answer.
func (r *Ring) call(ctx context.Context, req request) ([]byte, error) {
	if err := checkName(req.Name); err != nil {
		return nil, err
	}
	req.Kind, req.Ask = r.options.Kind, r.options.Ask
	limited, cancel := context.WithTimeout(ctx, r.limit-reserve)
	defer cancel()
	got := r.serve(limited, req)
	if got.State == ok {
		return got.Value, nil
	}
	failure := trouble{got.State, got.Detail}.fault(req.Kind, req.Name)
	failure.Err = ctx.Err() // so that a call that was interrupted can be told from a keyring that hangs
	return nil, failure
}

// serve has the request served here, where that is safe, or by a worker.
func (r *Ring) serve(ctx context.Context, req request) answer {
	if req.Kind == Keyctl {
		return serveKernel(req)
	}
	if r.serial && r.options.Serialize != nil {
		unlock, err := r.options.Serialize(ctx)
		if err != nil {
			return answer{State: busy}
		}
		defer unlock()
	}
	return r.work(ctx, req)
}

// work runs a worker for the request. It is killed, with all that it has started, when ctx ends.
func (r *Ring) work(ctx context.Context, req request) answer {
	text, err := json.Marshal(req)
	if err != nil {
		return answer{State: broken}
	}
	defer clear(text)
	out, err := child.Program{
		Argv:  []string{r.options.Executable, WorkerArg, r.limit.String()},
		Env:   workerEnv(r.options.Env, req),
		Stdin: text,
		Limit: maxMessage,
	}.Run(ctx)
	defer clear(out)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return answer{State: silent, Detail: r.limit.String()}
	}
	if err != nil {
		return answer{State: broken}
	}
	return parseAnswer(out)
}

// parseAnswer reads what a worker has printed.
func parseAnswer(out []byte) answer {
	var got answer
	if decode(bytes.NewReader(out), &got) != nil || got.State == "" || len(got.Value) > MaxItem {
		return answer{State: broken}
	}
	return got
}

// workerEnv returns the environment of a worker: all that finds the keyring, and nothing of AWS,
// where other secrets may be.
func workerEnv(env []string, req request) []string {
	var kept []string
	for _, pair := range env {
		if !strings.HasPrefix(pair, "AWS_") {
			kept = append(kept, pair)
		}
	}
	if req.Kind == Pass {
		kept = append(kept, gpgOptions(kept, req.Ask))
	}
	return kept
}
