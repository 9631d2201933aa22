package media

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"kenoma/internal/fault"
)

// childArg is the first argument of a process that does one job and ends.
const childArg = "media-child"

// Child must be the first call of main (and of TestMain, in tests with a
// Processor that has Self set). In a process that a Processor started it does the
// job and never returns; in any other it returns at once.
//
// The job is the second argument, as JSON; the file is the standard input,
// which can be read anywhere; a report and the files made go to the standard output.
func Child() {
	if len(os.Args) > 3 && os.Args[1] == toolArg {
		tool()
	}
	if len(os.Args) != 3 || os.Args[1] != childArg {
		return
	}
	var j job
	if err := json.Unmarshal([]byte(os.Args[2]), &j); err != nil {
		fmt.Fprintln(os.Stderr, "media child:", err)
		os.Exit(1)
	}
	if err := confine(j); err != nil {
		fmt.Fprintln(os.Stderr, "media child:", err)
		os.Exit(1)
	}
	if err := work(os.Stdin, j, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "media child:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// confine puts this process under the job's limits.
func confine(j job) error {
	if j.Memory > 0 {
		debug.SetMemoryLimit(j.Memory * 3 / 4) // The collector works harder before the wall.
	}
	return limit(j.Memory, j.Seconds)
}

// work does a job and writes report and files to w. A refusal is a report, not an
// error.
func work(in source, j job, w io.Writer) error {
	do := picture
	if j.Film {
		do = filmJob
	}
	out, err := do(in, j)
	if err != nil {
		var refused *fault.Error
		if !errors.As(err, &refused) {
			return err
		}
		return json.NewEncoder(w).Encode(report{Refused: refused.Message, Why: refused.Kind, Detail: err.Error()})
	}
	if err := json.NewEncoder(w).Encode(out.report); err != nil {
		return err
	}
	for _, data := range out.data {
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	return nil
}

// toolArg is the first argument of a process that puts itself under limits and
// becomes another program: the second is the job, the rest the program and its
// arguments.
const toolArg = "media-tool"

// tool never returns.
func tool() {
	var j job
	err := json.Unmarshal([]byte(os.Args[2]), &j)
	if err == nil {
		err = limit(j.Memory, j.Seconds)
	}
	if err == nil {
		err = become(os.Args[3], os.Args[3:], []string{"LC_ALL=C"})
	}
	fmt.Fprintln(os.Stderr, "media tool:", err)
	os.Exit(1)
}
