// Package enroll leads the virtual MFA device and the access key of a profile through
// their lives: enrol, resync, rotate, remove.
//
// It is pure logic over the small interfaces of a Keeper and knows no SDK, no keyring,
// no file and no terminal. Each flow is a row of phases. A phase is written to the
// Journal before what it stands for begins, each can be run again, and the same
// loop goes through them on the first run and after a crash. So at every instant:
//
//   - a device is enabled only once its seed is stored and was read back,
//   - a device or key that works goes only once another one was proven by a session,
//   - what a crash leaves in IAM is named in the journal, and the next run of the same
//     command finishes or removes it.
//
// Command-line wiring is a Keeper and one call:
//
//	keeper := &enroll.Keeper{
//		Identify: identify, // awsapi.Account.GetCallerIdentity
//		Dial:     dial,     // awsapi.Account, with the stored access key or a session
//		Prove:    prove,    // session.Broker.Get with Options.Refresh
//		Seeds:    seeds,    // keystore.Items
//		...
//	}
//	result, err := keeper.Enrol(ctx, enroll.DeviceOptions{Host: hostname})
//	if wanted, ok := errors.AsType[*enroll.MFAError](err); ok {
//		// Ask for the code of a device that works, and run it again with a Dial that has
//		// the session.
//	}
package enroll
