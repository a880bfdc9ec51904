// Command go makes one signed request for each line of its input, through one client of a Go SDK,
// or through a model of how an SDK that does not run here calls a credential process.
//
//	go CLIENT PROFILE ENDPOINT
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
)

// asker makes one signed request.
type asker func(ctx context.Context) error

func main() {
	if len(os.Args) == 3 && os.Args[1] == "--version" {
		fmt.Println(version(os.Args[2]))
		return
	}
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: go CLIENT PROFILE ENDPOINT")
		os.Exit(2)
	}
	ctx := context.Background()
	var ask asker
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		err := error(nil)
		if ask == nil {
			ask, err = open(ctx, os.Args[1], os.Args[2], os.Args[3])
		}
		if err == nil {
			err = ask(ctx)
		}
		if err != nil {
			fmt.Println("error", strings.Join(strings.Fields(err.Error()), " "))
			continue
		}
		fmt.Println("ok")
	}
}

// open returns the client of that name.
func open(ctx context.Context, name, profile, endpoint string) (asker, error) {
	switch name {
	case "v1":
		return openV1(profile, endpoint)
	case "v2":
		return openV2(ctx, profile, endpoint)
	case "base":
		return openBase(ctx, profile, endpoint)
	default:
		return openModel(name, profile, endpoint)
	}
}

// version returns the version of a module that is linked in.
func version(module string) string {
	info, _ := debug.ReadBuildInfo()
	for _, dep := range info.Deps {
		if dep.Path == module {
			return dep.Version
		}
	}
	return ""
}
