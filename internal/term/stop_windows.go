package term

// whenStopped has nothing to do: nobody stops a process here.
func whenStopped(_, _ func()) (end func()) { return func() {} }
