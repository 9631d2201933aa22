package auth

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	mrand "math/rand/v2"
	"strings"
	"time"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// CaptchaLife is for how long a captcha can be answered.
const CaptchaLife = 10 * time.Minute

const (
	captchaLetters = "ABCDEFHKLMNPRTUVWXY34679" // None that looks like another one.
	captchaLength  = 6
	captchaWidth   = 280
	captchaHeight  = 90
)

// limitCaptchas is how many an address may ask for.
var limitCaptchas = limit{"captchas", 60, 10 * time.Minute}

// Captcha is a picture with letters that a person can read. It can be answered once,
// rightly or wrongly.
type Captcha struct {
	Token   string
	Picture []byte // PNG.
}

// NewCaptcha draws a captcha for an address.
func (s *Service) NewCaptcha(ctx context.Context, ip string) (*Captcha, error) {
	if left, _ := s.asked.take(limitCaptchas, s.networkOf(ip)); left < 0 && s.Throttle {
		return nil, errTooMany
	}
	var seed [32]byte
	rand.Read(seed[:])
	random := mrand.New(mrand.NewChaCha8(seed))
	letters := make([]byte, captchaLength)
	for i := range letters {
		letters[i] = captchaLetters[random.IntN(len(captchaLetters))]
	}
	if s.Letters != nil {
		letters = []byte(s.Letters())
	}
	picture, err := drawCaptcha(string(letters), random)
	if err != nil {
		return nil, err
	}
	token, err := s.NewToken(ctx, "captcha", store.Token{}, CaptchaLife)
	if err != nil {
		return nil, err
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.SetTokenData(ctx, "captcha", Hash(token), captchaAnswer(token, string(letters)))
	})
	return &Captcha{token, picture}, err
}

// captchaAnswer is how the right answer is kept: without the token it says nothing.
func captchaAnswer(token, letters string) string {
	letters = strings.ToUpper(strings.Join(strings.Fields(letters), ""))
	sum := sha256.Sum256([]byte(token + " " + letters))
	return hex.EncodeToString(sum[:])
}

// checkCaptcha takes an answer. Whatever it is, the captcha is used up.
func (s *Service) checkCaptcha(ctx context.Context, problems FieldErrors, token, letters string) error {
	if token == "" || len(letters) > 100 {
		problems.add("captcha", "ERR_INVALID", "has to be solved")
		return nil
	}
	var right bool
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		t, err := tx.TakeToken(ctx, "captcha", Hash(token))
		right = err == nil && t.Data == captchaAnswer(token, letters)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if !right {
		problems.add("captcha", "ERR_INVALID", "was not solved rightly, or took too long: here is another one")
	}
	return nil
}

var captchaFont = func() *opentype.Font {
	f, err := opentype.Parse(gobold.TTF)
	if err != nil {
		panic(err) // It is part of the program.
	}
	return f
}()

// drawCaptcha draws letters, each of its own size and place, bends them, and draws
// strokes of their colour across.
func drawCaptcha(letters string, random *mrand.Rand) ([]byte, error) {
	ink := image.NewAlpha(image.Rect(0, 0, captchaWidth, captchaHeight))
	step := (captchaWidth - 40) / len(letters)
	for i, c := range letters {
		face, err := opentype.NewFace(captchaFont, &opentype.FaceOptions{Size: 40 + 12*random.Float64(), DPI: 72})
		if err != nil {
			return nil, fault.Because(err, fault.Internal, "The captcha can't be drawn.")
		}
		d := font.Drawer{Dst: ink, Src: image.Opaque, Face: face,
			Dot: fixed.P(20+i*step+random.IntN(8)-4, 58+random.IntN(16)-8)}
		d.DrawString(string(c))
		face.Close()
	}
	bent := image.NewPaletted(ink.Rect, color.Palette{color.White, color.Gray{60}, color.Gray{190}})
	phase, slant := random.Float64()*2*math.Pi, random.Float64()*2*math.Pi
	for y := range captchaHeight {
		for x := range captchaWidth {
			fromX := x + int(5*math.Sin(slant+float64(y)/13))
			fromY := y + int(6*math.Sin(phase+float64(x)/24))
			switch {
			case (image.Point{X: fromX, Y: fromY}).In(ink.Rect) && ink.AlphaAt(fromX, fromY).A > 110:
				bent.SetColorIndex(x, y, 1)
			case random.IntN(14) == 0:
				bent.SetColorIndex(x, y, 2)
			}
		}
	}
	for range 4 {
		stroke(bent, random)
	}
	var b bytes.Buffer
	err := png.Encode(&b, bent)
	return b.Bytes(), err
}

// stroke draws a wave from side to side.
func stroke(to *image.Paletted, random *mrand.Rand) {
	y, lean := 15+random.Float64()*(captchaHeight-30), random.Float64()-0.5
	high, long, phase := 4+8*random.Float64(), 20+30*random.Float64(), random.Float64()*6
	for x := range captchaWidth {
		at := int(y + lean*float64(x)/4 + high*math.Sin(phase+float64(x)/long))
		for thick := range 2 {
			if at+thick >= 0 && at+thick < captchaHeight {
				to.SetColorIndex(x, at+thick, 1)
			}
		}
	}
}
