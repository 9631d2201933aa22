package main

import (
	"fmt"
	"os"

	"kenoma/internal/config"
)

type configCmd struct {
	Check configCheckCmd `cmd:"" help:"Say what is wrong with the settings, if anything."`
	Print configPrintCmd `cmd:"" help:"Print the settings in force and where each comes from."`
	Docs  configDocsCmd  `cmd:"" help:"Print the manual of all settings as Markdown."`
}

type configCheckCmd struct{}

func (configCheckCmd) Run(e *env) error {
	if _, err := e.config(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(e.out, "The settings are right.")
	return err
}

type configPrintCmd struct{}

func (configPrintCmd) Run(e *env) error { return config.Print(e.out, e.file, os.Environ()) }

type configDocsCmd struct{}

func (configDocsCmd) Run(e *env) error { return config.Docs(e.out) }
