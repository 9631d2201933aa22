package control

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/tabwriter"

	"kenoma/internal/fault"
	"kenoma/internal/media"
	"kenoma/internal/store"
)

var (
	_ = command("emoji add", 4, emojiAdd)
	_ = command("emoji list", 0, emojiList)
	_ = command("emoji remove", 1, emojiRemove)
)

// shortcodeForm is what stands between the colons.
var shortcodeForm = regexp.MustCompile(`^[A-Za-z0-9_]{2,64}$`)

// emojiAdd: shortcode, picture in base64, category, hidden from pickers.
func emojiAdd(ctx context.Context, env *Env, args []string, out io.Writer) error {
	name := strings.Trim(args[0], ":")
	if !shortcodeForm.MatchString(name) {
		return fault.New(fault.Invalid, "A shortcode has 2 to 64 letters, digits or underscores.")
	}
	if len(args[2]) > 100 {
		return fault.New(fault.Invalid, "A category has at most 100 letters.")
	}
	data, err := base64.StdEncoding.DecodeString(args[1])
	if err != nil {
		return fault.Because(err, fault.Malformed, "The picture did not come whole.")
	}
	found, err := media.CheckEmoji(data, env.MaxEmoji)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	base := "emoji/" + strings.ToLower(strings.TrimLeft(name, "_")) + "-" + hex.EncodeToString(sum[:6])
	e := &store.OwnEmoji{Shortcode: name, File: base + found.Ext, Category: args[2], Visible: args[3] != "true"}
	if err := env.Storage.Put(ctx, e.File, bytes.NewReader(data), found.Type); err != nil {
		return err
	}
	if found.Static != nil {
		e.Static = base + "-static.png"
		if err := env.Storage.Put(ctx, e.Static, bytes.NewReader(found.Static), "image/png"); err != nil {
			return err
		}
	}
	// The file that one of that name had stays: posts refer to it.
	if err := env.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetEmoji(ctx, e) }); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, ":%s: can be used.\n", name)
	return err
}

func emojiList(ctx context.Context, env *Env, _ []string, out io.Writer) error {
	all, err := env.DB.AllEmoji(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "SHORTCODE\tCATEGORY\tIN PICKERS\tFILE")
	for _, e := range all {
		fmt.Fprintf(w, "%s\t%s\t%t\t%s\n", e.Shortcode, e.Category, e.Visible, e.File)
	}
	return w.Flush()
}

// emojiRemove has nobody use an emoji any more. Its picture stays for the posts that
// show it.
func emojiRemove(ctx context.Context, env *Env, args []string, out io.Writer) error {
	name := strings.Trim(args[0], ":")
	err := env.DB.Write(ctx, func(tx *store.Tx) error { return tx.RemoveEmoji(ctx, name) })
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.NotFound, "There is no emoji :%s:.", name)
	} else if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, ":%s: is removed; posts that have it keep it.\n", name)
	return err
}
