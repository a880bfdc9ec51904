package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
)

// The columns of the matrix.
const (
	caseSession = "session"
	caseSDKRole = "role by SDK"
	caseChain   = "role chain by SDK"
	caseOurRole = "role by us"
	case14      = "14 min left"
	case9       = "9 min left"
	caseDown    = "9 min left, STS down"
	caseExpiry  = "expires meanwhile"
	caseKilled  = "helper killed"
	caseFails   = "reason shown"
	caseCrowd   = "20 at once"

	caseEndpoint = "endpoint"
	caseEnv      = "env"
	caseLatency  = "first call"
)

// crowd is how many clients ask at once.
const crowd = 20

// testCase is a column. run returns the text of the cell, or why it has failed.
type testCase struct {
	name, legend string
	alone        bool // it measures time, so that nothing else is to run
	run          func(ctx context.Context, c *client, m *machine) (string, error)
}

func cases() []testCase {
	serves := func(profile string, want session) func(context.Context, *client, *machine) (string, error) {
		return func(ctx context.Context, c *client, m *machine) (string, error) {
			return served(ctx, c, m, profile, want)
		}
	}
	deploy := session{action: "AssumeRole", arn: deployARN}
	return []testCase{
		{name: caseSession, legend: "runs of the helper / signed requests of one client; one GetSessionToken", run: serves(plainProfile, session{action: "GetSessionToken"})},
		{name: caseSDKRole, legend: "the same with role_arn and source_profile", run: serves(sdkRoleProfile, deploy)},
		{name: caseChain, legend: "the same with role_arn and the profile of that role as source_profile", run: serves(chainProfile, session{action: "AssumeRole", arn: innerARN})},
		{name: caseOurRole, legend: "the same with get --role-arn", run: serves(ourRoleProfile, deploy)},
		{name: case14, legend: "the same when the cached session ends in 14 minutes: a fresh one for one call of STS", run: inWindow(14 * time.Minute)},
		{name: case9, legend: "the same at 9 minutes", run: inWindow(9 * time.Minute)},
		{name: caseDown, legend: "the same while every call of STS fails: the cached session", run: whileDown},
		{name: caseExpiry, legend: "the client's session expires while it runs", run: expires},
		{name: caseKilled, legend: "SIGKILL while the helper waits for STS: what the client makes of it; afterwards it works", run: killed},
		{name: caseFails, legend: "the access key is inactive: does the user see the helper's line", run: fails},
		{name: caseCrowd, legend: "twenty clients with an empty cache: calls of GetSessionToken", run: atOnce},
		{name: caseEndpoint, legend: "the session of aws-mfa-creds serve, with the token in a file or, for clients that know no file, in the environment", run: atEndpoint},
		{name: caseEnv, legend: "the session of aws-mfa-creds env, in variables", run: inVariables},
		{name: caseLatency, legend: "how much longer the first request takes than with plain keys, with a cached session; the client's start included, nothing else running", run: latency, alone: true},
	}
}

// requests is how many requests one client makes in a cell.
func (c *client) requests() int {
	if c.talks {
		return 5
	}
	return 2
}

// startUp is how long the client may take to run the helper on a busy machine.
func (c *client) startUp() time.Duration {
	switch {
	case c.kit == sparkKit:
		return time.Minute
	case c.talks && c.kit == nil:
		return 8 * time.Second
	default:
		return 20 * time.Second
	}
}

// ratio is the text for so many runs of the helper.
func (c *client) ratio(runs int) string { return fmt.Sprintf("%d/%d", runs, c.requests()) }

// checkRuns fails if the helper has run more often than the client needs with a fresh session.
func (c *client) checkRuns(runs int) error {
	if limit := c.perStart + c.perAsk*c.requests(); runs == 0 || runs > limit {
		return fmt.Errorf("%d helper runs for %d requests, want at most %d", runs, c.requests(), limit)
	}
	return nil
}

// askAll starts a client, lets it make its requests and returns who has signed them.
func askAll(ctx context.Context, c *client, m *machine, profile string) ([]string, error) {
	before := len(m.wire.requests())
	a, err := c.start(ctx, m, profile)
	if err != nil {
		return nil, err
	}
	defer a.close()
	for range c.requests() {
		if err := a.ask(ctx); err != nil {
			return nil, err
		}
	}
	if said := a.terminal(); strings.Contains(said, "aws-mfa-creds:") {
		return nil, fmt.Errorf("not silent: %s", said)
	}
	keys := m.wire.requests()[before:]
	if len(keys) < c.requests() {
		return nil, fmt.Errorf("%d signed requests have arrived", len(keys))
	}
	return keys, nil
}

// served lets a client work from an empty cache.
func served(ctx context.Context, c *client, m *machine, profile string, want session) (string, error) {
	keys, err := askAll(ctx, c, m, profile)
	if err != nil {
		return "", err
	}
	for _, key := range keys {
		if got := m.wire.of(key); got.action != want.action || !ofRole(got.arn, want.arn) {
			return "", fmt.Errorf("signed with a session of %q for %q", got.action, got.arn)
		}
	}
	runs := len(m.runs())
	return c.ratio(runs), errors.Join(c.checkRuns(runs), m.checkMints(1))
}

// ofRole reports whether the ARN of a role session is one of the role.
func ofRole(session, role string) bool {
	if role == "" {
		return session == ""
	}
	return strings.Contains(session, ":assumed-role/"+role[strings.LastIndex(role, "/")+1:]+"/")
}

func (m *machine) checkMints(want int) error {
	if got := m.mints(); got != want {
		return fmt.Errorf("%d calls of GetSessionToken, want %d", got, want)
	}
	return nil
}

// age lays out a cache whose session has only left to go, by everybody's clock, and
// returns its access key id.
func (m *machine) age(ctx context.Context, c *client, left time.Duration) (string, error) {
	if c.prepare != nil {
		if err := c.prepare(ctx, m, plainProfile); err != nil {
			return "", err
		}
	}
	if err := m.mintedBefore(ctx, left); err != nil {
		return "", err
	}
	key, err := m.cachedKey(ctx)
	if err != nil {
		return "", err
	}
	if err := m.forget(); err != nil {
		return "", err
	}
	roomInStep(c.startUp())
	return key, nil
}

// cachedKey returns the access key id that aws-mfa-creds hands out.
func (m *machine) cachedKey(ctx context.Context) (string, error) {
	out, err := m.direct(ctx, "get", "--profile", plainProfile)
	if err != nil {
		return "", err
	}
	var got struct{ AccessKeyId string } //nolint:revive // the name is AWS's
	err = json.Unmarshal([]byte(out), &got)
	return got.AccessKeyId, err
}

// inWindow lets a client work with a cached session that is inside the refresh window. A client that takes
// too long to start meets the end of the time step, for which the old session is right, and starts again.
func inWindow(left time.Duration) func(context.Context, *client, *machine) (string, error) {
	return func(ctx context.Context, c *client, m *machine) (ratio string, err error) {
		for late := true; late && ctx.Err() == nil; {
			ratio, late, err = refreshed(ctx, c, m, left)
		}
		return ratio, err
	}
}

func refreshed(ctx context.Context, c *client, m *machine, left time.Duration) (ratio string, late bool, err error) {
	old, err := m.age(ctx, c, left)
	if err != nil {
		return "", false, err
	}
	mints, began := m.mints(), time.Now()
	keys, err := askAll(ctx, c, m, plainProfile)
	if err != nil {
		return "", false, err
	}
	if slices.Contains(keys, old) {
		return "", time.Since(began) > c.startUp(), errors.New("signed with the old session")
	}
	runs := len(m.runs())
	return c.ratio(runs), false, errors.Join(c.checkRuns(runs), m.checkMints(mints+1))
}

// whileDown is inWindow while STS takes no call of GetSessionToken. A client may run the
// helper for each request then; STS is to be left alone all the same.
func whileDown(ctx context.Context, c *client, m *machine) (string, error) {
	old, err := m.age(ctx, c, 9*time.Minute)
	if err != nil {
		return "", err
	}
	mints := m.mints()
	if err := m.Server.Inject(sandbox.Fault{Kind: sandbox.Unavailable, Action: "GetSessionToken", Times: -1}); err != nil {
		return "", err
	}
	began := time.Now()
	keys, err := askAll(ctx, c, m, plainProfile)
	if err != nil {
		return "", err
	}
	for _, key := range keys {
		if key != old {
			return "", errors.New("not signed with the cached session")
		}
	}
	const pause = 30 * time.Second // between two attempts to refresh a session that is still of use
	if got, limit := m.mints()-mints, 1+int(time.Since(began)/pause); got > limit {
		return "", fmt.Errorf("%d calls of GetSessionToken while STS was down, want at most %d", got, limit)
	}
	return c.ratio(len(m.runs())), nil
}

// expires lets a client run until after its session has expired.
func expires(ctx context.Context, c *client, m *machine) (string, error) {
	left := max(40*time.Second, c.startUp()+20*time.Second)
	if err := m.mintedBefore(ctx, left); err != nil {
		return "", err
	}
	end := time.Now().Add(left) // or a little before
	a, err := c.start(ctx, m, plainProfile)
	if err != nil {
		return "", err
	}
	defer a.close()
	if err := a.ask(ctx); err != nil {
		return "", err
	}
	if err := m.forget(); err != nil {
		return "", err
	}
	m.leave()
	time.Sleep(time.Until(end.Add(time.Second)))
	if err := a.ask(ctx); err != nil {
		return "", fmt.Errorf("after the session has expired: %w", err)
	}
	keys := m.wire.requests()
	if first, last := keys[0], keys[len(keys)-1]; first == last {
		return "", errors.New("signed with the expired session")
	}
	return "refreshes", nil
}

// killed kills the helper while its call is under way. Its code counts as sent, so that
// the next one has to wait for the next time step.
func killed(ctx context.Context, c *client, m *machine) (string, error) {
	m.Server.SetLatency(5 * time.Second)
	a, err := c.start(ctx, m, plainProfile)
	if err != nil {
		return "", err
	}
	defer a.close()
	first := make(chan error, 1)
	go func() { first <- a.ask(ctx) }()
	if err := m.eventually(ctx, func() bool { return m.mints() > 0 }); err != nil {
		return "", errors.New("the helper has not called")
	}
	if err := m.killHelper(); err != nil {
		return "", fmt.Errorf("killing the helper: %w", err)
	}
	m.Server.SetLatency(0)
	failures := 0
	m.leave()
	const tries = 12 // of five seconds at least: a time step and more
	for err = <-first; err != nil && failures < tries; err = a.ask(ctx) {
		failures++
	}
	if err != nil {
		return "", fmt.Errorf("it does not recover: %w", err)
	}
	text := fmt.Sprintf("fails %d×", failures)
	if failures == 0 {
		text = "runs it again"
	}
	return text, m.checkMints(2)
}

// killHelper kills the helper that has begun last.
func (m *machine) killHelper() error {
	pids := m.runs()
	process, err := os.FindProcess(pids[len(pids)-1])
	if err != nil {
		return err
	}
	return process.Kill()
}

func (m *machine) eventually(ctx context.Context, done func() bool) error {
	for !done() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// reason is what of the helper's line has to be seen.
const reason = "does not accept it"

// fails has the helper fail, for a reason that it tells.
func fails(ctx context.Context, c *client, m *machine) (string, error) {
	if err := m.Server.Update(func(w *sandbox.World) { w.User("alice").Keys[0].Inactive = true }); err != nil {
		return "", err
	}
	a, err := c.start(ctx, m, plainProfile)
	if err != nil {
		return "", err
	}
	err = a.ask(ctx)
	a.close() // waits until all of its terminal has been read
	if err == nil {
		return "", errors.New("it has succeeded")
	}
	got := hidden
	switch {
	case strings.Contains(err.Error(), reason):
		got = inMessage
	case strings.Contains(a.terminal(), reason):
		got = onTerminal
	}
	if got != c.shows {
		return "", fmt.Errorf("the helper's line is shown: %s, want %s: %s", got, c.shows, brief(err.Error()))
	}
	list, _ := m.direct(ctx, "list", "--json")
	if !strings.Contains(list, reason) {
		return "", errors.New("list does not tell the reason")
	}
	return string(got), m.checkMints(1)
}

// atOnce starts twenty clients with an empty cache.
func atOnce(ctx context.Context, c *client, m *machine) (string, error) {
	if c.crowd != nil {
		return one(ctx, c, m)
	}
	var group sync.WaitGroup
	errs := make([]error, crowd)
	for i := range crowd {
		a, err := c.start(ctx, m, plainProfile)
		if err != nil {
			return "", err
		}
		defer a.close()
		group.Go(func() { errs[i] = a.ask(ctx) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	return fmt.Sprint(m.mints()), errors.Join(m.checkMints(1), m.checkCrowd())
}

// one starts one client that asks twenty times at once by itself.
func one(ctx context.Context, c *client, m *machine) (string, error) {
	if err := c.crowd(ctx, m); err != nil {
		return "", err
	}
	a, err := c.start(ctx, m, plainProfile)
	if err != nil {
		return "", err
	}
	defer a.close()
	if err := a.ask(ctx); err != nil {
		return "", err
	}
	return fmt.Sprint(m.mints()), errors.Join(m.checkMints(1), m.checkCrowd())
}

// checkCrowd makes sure that there were twenty, and that they share one session.
func (m *machine) checkCrowd() error {
	keys := m.wire.requests()
	if runs := len(m.runs()); runs < crowd || len(keys) < crowd {
		return fmt.Errorf("%d helper runs and %d requests, want %d", runs, len(keys), crowd)
	}
	if slices.Sort(keys); len(slices.Compact(keys)) != 1 {
		return errors.New("they have got more than one session")
	}
	return nil
}
