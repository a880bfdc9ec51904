// Constant prints what a credential process would, and does nothing else: what it costs to
// start a Go program is what the warm get is measured against.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stdout, `{"Version":1,"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"-","SessionToken":"-","Expiration":"2026-11-23T19:55:05Z"}`)
}
