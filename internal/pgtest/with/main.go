// Command with runs a command beside a throw-away PostgreSQL cluster that all tests
// in it share: go run ./internal/pgtest/with go test ./...
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"

	"kenoma/internal/pgtest"
)

func main() {
	url, err := pgtest.Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, "no PostgreSQL for the tests:", err)
		os.Exit(1)
	}
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Env = append(os.Environ(), pgtest.Env+"="+url)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	pgtest.Stop()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		os.Exit(max(exit.ExitCode(), 1))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
