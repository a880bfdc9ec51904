// Package hangs is what the test of test/run runs out of time with.
package hangs

import "testing"

func TestHangs(t *testing.T) {
	t.Log("until the end")
	<-make(chan int)
}
