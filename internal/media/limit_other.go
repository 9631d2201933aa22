//go:build !linux && !darwin

package media

import "errors"

// limit has no means here; the collector's limit and the timeout remain.
func limit(int64, int) error { return nil }

// become can't be done on this system.
func become(string, []string, []string) error { return errors.ErrUnsupported }
