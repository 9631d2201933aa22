package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
)

type emojiCmd struct {
	Add    emojiAddCmd    `cmd:"" help:"Add an emoji of your own, or replace the one of that name."`
	List   emojiListCmd   `cmd:"" help:"List them."`
	Remove emojiRemoveCmd `cmd:"" help:"Remove one."`
}

type emojiAddCmd struct {
	Shortcode string `arg:"" help:"What people type between colons."`
	File      string `arg:"" help:"The picture: PNG, GIF or WebP." type:"existingfile"`
	Category  string `help:"Under which pickers show it."`
	Hidden    bool   `help:"Keep it out of pickers."`
}

// mostEmoji is what goes through the socket, in bytes; the setting is below that.
const mostEmoji = 700 << 10

// Run reads the picture here: the server may be in another folder.
func (c *emojiAddCmd) Run(e *env) error {
	data, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	if len(data) > mostEmoji {
		return fmt.Errorf("the picture has %d kB, which is too much for an emoji", len(data)/1024)
	}
	return e.do("emoji add", c.Shortcode, base64.StdEncoding.EncodeToString(data), c.Category, strconv.FormatBool(c.Hidden))
}

type emojiListCmd struct{}

func (emojiListCmd) Run(e *env) error { return e.do("emoji list") }

type emojiRemoveCmd struct {
	Shortcode string `arg:"" help:"Its name."`
}

func (c *emojiRemoveCmd) Run(e *env) error { return e.do("emoji remove", c.Shortcode) }
