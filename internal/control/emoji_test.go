package control

import (
	"bytes"
	"encoding/base64"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"strings"
	"testing"

	"kenoma/internal/fault"
	"kenoma/internal/media"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

func TestEmoji(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		env := newEnv(db)
		env.Storage, env.MaxEmoji = media.Disk(t.TempDir()), 64<<10
		picture := func(side int) string {
			var b bytes.Buffer
			if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, side, side))); err != nil {
				t.Fatal(err)
			}
			return base64.StdEncoding.EncodeToString(b.Bytes())
		}
		var moving bytes.Buffer
		frame := image.NewPaletted(image.Rect(0, 0, 8, 8), color.Palette{color.Black, color.White})
		if err := gif.EncodeAll(&moving, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{5, 5}}); err != nil {
			t.Fatal(err)
		}
		svg := base64.StdEncoding.EncodeToString([]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`))
		do := func(args ...string) (string, error) {
			var out strings.Builder
			err := run(t.Context(), env, args[0], args[1:], &out)
			return out.String(), err
		}
		for _, tt := range []struct {
			name string
			args []string
			kind fault.Kind
		}{
			{"a drawing with scripts", []string{"emoji add", "bad", svg, "", "false"}, fault.Unsupported},
			{"nothing", []string{"emoji add", "bad", "", "", "false"}, fault.Unsupported},
			{"huge", []string{"emoji add", "bad", picture(1100), "", "false"}, fault.Invalid},
			{"too many bytes", []string{"emoji add", "bad", base64.StdEncoding.EncodeToString(make([]byte, 70<<10)), "", "false"}, fault.TooLarge},
			{"no name", []string{"emoji add", "a b", picture(8), "", "false"}, fault.Invalid},
			{"remove nothing", []string{"emoji remove", "none"}, fault.NotFound},
		} {
			var f *fault.Error
			if _, err := do(tt.args...); !errors.As(err, &f) || f.Kind != tt.kind {
				t.Errorf("%s: %v, want kind %v", tt.name, err, tt.kind)
			}
		}
		for _, args := range [][]string{{"emoji add", ":Blob_Cat:", picture(64), "Blobs", "false"}, {"emoji add", "dance", base64.StdEncoding.EncodeToString(moving.Bytes()), "", "true"}} {
			if out, err := do(args...); err != nil || !strings.Contains(out, "can be used") {
				t.Errorf("%v: %q, %v", args[:2], out, err)
			}
		}
		all, err := db.AllEmoji(t.Context())
		if err != nil || len(all) != 2 || all[0].Category != "Blobs" || !all[0].Visible || all[1].Visible || all[1].Static == "" {
			t.Fatalf("emoji: %+v, %v", all, err)
		}
		for _, key := range []string{all[0].File, all[1].File, all[1].Static} {
			f, _, err := env.Storage.Open(t.Context(), key)
			if err != nil {
				t.Errorf("%s: %v", key, err)
				continue
			}
			f.Close()
		}
		if out, err := do("emoji remove", "dance"); err != nil || !strings.Contains(out, "removed") {
			t.Errorf("remove: %q, %v", out, err)
		}
		if out, err := do("emoji list"); err != nil || !strings.Contains(out, "Blob_Cat") || strings.Contains(out, "dance") {
			t.Errorf("list: %q, %v", out, err)
		}
	})
}
