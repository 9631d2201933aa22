//go:build linux || darwin

package media

import (
	"fmt"
	"syscall"
)

// limit bounds memory (bytes) and CPU time (seconds) of this process, 0 being no
// bound, and makes it polite. Memory is what is written to, not the address space,
// of which Go's runtime reserves much more than it uses.
func limit(memory int64, seconds int) error {
	for resource, n := range map[int]uint64{syscall.RLIMIT_DATA: uint64(memory), syscall.RLIMIT_CPU: uint64(seconds)} {
		if n == 0 {
			continue
		}
		if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
			return fmt.Errorf("limit %d: %w", resource, err)
		}
	}
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 10) // Fine without.
	return nil
}

// become replaces this process with another program.
func become(path string, args, env []string) error { return syscall.Exec(path, args, env) }
