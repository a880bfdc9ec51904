// Package sandbox is a strict local STS and IAM: one HTTP server on loopback
// that speaks AWS's Query protocol and refuses what AWS refuses, with AWS's
// codes, statuses and texts. It exists to try the product without an AWS
// account and to test it.
//
// Strict means: every Signature Version 4 is verified, a token code is accepted
// once per device and only in its window, durations, chaining, device and key
// limits hold, and the Date header tells the server's own time. Where AWS's
// behaviour is not documented the sandbox takes the reading that is harder on
// the client.
//
// It shares no code with the product, not even the one-time passwords: a second
// implementation catches the mistakes of the first.
//
//	server, err := sandbox.Start(sandbox.Options{Now: time.Now, Rand: rand.Reader})
//	defer server.Close()
//	key := server.World().User("alice").Keys[0]
//
// What the account holds is a World, a plain value; Server.Update changes it
// while the server runs. Server.Inject makes calls fail on demand, and
// Server.State tells what arrived. The same is to be had over HTTP, under
// /_sandbox/, for shells.
package sandbox
