package mastodon

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"kenoma/internal/media"
	"kenoma/internal/queue"
	"kenoma/internal/store"
)

// sound is a WAV of that many seconds, 8,000 bytes each.
func sound(seconds int) string {
	le := binary.LittleEndian
	data := make([]byte, 8000*seconds)
	b := le.AppendUint32([]byte("RIFF"), uint32(36+len(data)))
	b = le.AppendUint32(append(b, "WAVEfmt "...), 16)
	b = le.AppendUint16(le.AppendUint16(b, 1), 1)
	b = le.AppendUint32(le.AppendUint32(b, 8000), 8000)
	b = le.AppendUint16(le.AppendUint16(b, 1), 8)
	b = le.AppendUint32(append(b, "data"...), uint32(len(data)))
	return string(append(b, data...))
}

// works runs the jobs that uploads left, as the server does.
func (w *world) works() {
	w.t.Helper()
	q := queue.New(w.db, map[string]queue.Handler{media.JobKind: w.api.Uploads.Job}, queue.Options{Log: w.api.Log})
	if _, err := q.Settle(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func TestMediaInAJob(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.takesFiles()
		token := w.token("ann", fullScopes)
		body, header := multi(t, part{"file", "a.wav", sound(2)}, part{"description", "", "Silence"})
		id := w.send(token, "POST", "/api/v2/media", body, header).want(202, `{"type": "audio", "url": null, "preview_url": null, "description": "Silence"}`).id()
		at := "/api/v1/media/" + id
		w.as("ann", "GET", at, "").want(206, `{"url": null}`)
		w.as("bob", "GET", at, "").want(404, `{}`)
		w.as("ann", "POST", "/api/v1/statuses", "status=listen&media_ids[]="+id).
			want(422, `{"error": "Cannot attach files that have not finished processing. Try again in a moment!"}`)
		// Its owner goes on writing while the job works.
		w.as("ann", "PUT", at, "description=Quiet").want(200, `{"description": "Quiet", "url": null}`)
		w.works()
		w.as("ann", "GET", at, "").want(200, `{"type": "audio", "url": "https://a.test/media/`+id+`/original.wav", "description": "Quiet"}`)
		w.as("ann", "POST", "/api/v1/statuses", "status=listen&media_ids[]="+id).want(200, `{"media_attachments": [{"id": "`+id+`", "type": "audio",
			"meta": {"length": "0:00:02.00", "duration": 2, "audio_encode": "pcm", "audio_bitrate": "8000 Hz", "audio_channels": "mono", "original": {"duration": 2, "bitrate": 64176}}}]}`)

		// v1 waits.
		body, header = multi(t, part{"file", "a.wav", sound(1)})
		w.send(token, "POST", "/api/v1/media", body, header).want(200, `{"type": "audio"}`)
		w.send(w.token("ann", "read"), "POST", "/api/v1/media", body, header).want(403, `{}`)

		// One that is deleted before it was worked on leaves nothing.
		body, header = multi(t, part{"file", "a.wav", sound(1)})
		gone := w.send(token, "POST", "/api/v2/media", body, header).want(202, "").id()
		w.as("ann", "DELETE", "/api/v1/media/"+gone, "").want(200, `{}`)
		w.works()
		w.as("ann", "GET", "/api/v1/media/"+gone, "").want(404, `{}`)
	})
}

func TestMediaFails(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.takesFiles()
		token := w.token("ann", fullScopes)
		body, header := multi(t, part{"file", "a.gif", "GIF89a\x10\x00\x10\x00\x00\x00\x00,broken"})
		id := w.send(token, "POST", "/api/v2/media", body, header).want(202, `{"url": null}`).id()
		w.works()
		w.as("ann", "GET", "/api/v1/media/"+id, "").want(422, `{"error": "The file is damaged or is not what it seems. Save it anew and try again."}`)
		w.as("ann", "POST", "/api/v1/statuses", "status=look&media_ids[]="+id).want(422, `{}`)
		w.as("ann", "DELETE", "/api/v1/media/"+id, "").want(200, `{}`)
	})
}

// A job that brings the program down each time it runs ends at last.
func TestMediaJobIsNotBegunForEver(t *testing.T) {
	w := onSQLite(t)
	w.takesFiles()
	body, header := multi(t, part{"file", "a.wav", sound(1)})
	id := w.send(w.token("ann", fullScopes), "POST", "/api/v2/media", body, header).want(202, "").id()
	real := w.api.Uploads.Storage
	w.api.Uploads.Storage = brokenStorage{real}
	var job store.Job
	for range 4 {
		w.write(func(tx *store.Tx) error { // As after a crash: due again at once.
			got, err := tx.ClaimJobs(t.Context(), store.Claim{Node: 1, Jobs: 1, Parts: 1, PerPart: 1})
			if err != nil || len(got.Jobs) != 1 {
				t.Fatalf("claimed %v, %v", got, err)
			}
			job = got.Jobs[0]
			return tx.RecoverJobs(t.Context())
		})
		err := w.api.Uploads.Job(t.Context(), job)
		if err == nil {
			break
		}
	}
	w.as("ann", "GET", "/api/v1/media/"+id, "").want(422, `{"error": "The file could not be processed."}`)
	if _, _, err := real.Open(t.Context(), id+"/raw"); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("the raw file is still there: %v", err)
	}
}

type brokenStorage struct{ media.Storage }

func (brokenStorage) Open(context.Context, string) (io.ReadSeekCloser, media.Info, error) {
	return nil, media.Info{}, errors.New("the disk is gone")
}

// What a video is stands in the post too, in its history, and after a rebuild.
func TestMetaOfVideo(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.takesFiles()
		film, err := os.ReadFile("../media/testdata/moving.mp4")
		if err != nil {
			t.Fatal(err)
		}
		body, header := multi(t, part{"file", "a.mp4", string(film)})
		meta := `"meta": {"length": "0:00:01.00", "duration": 1, "fps": 10, "size": "64x48", "width": 64, "height": 48, "aspect": 1.3333, "audio_encode": "aac", "audio_bitrate": "16000 Hz",
			"original": {"width": 64, "height": 48, "frame_rate": "10/1"}, "small": {"width": 64, "height": 48}}`
		id := w.send(w.token("ann", fullScopes), "POST", "/api/v1/media", body, header).want(200, `{"type": "video", "preview_url": null, `+meta+`}`).id()
		post := w.as("ann", "POST", "/api/v1/statuses", "status=look&media_ids[]="+id).want(200, `{"media_attachments": [{"type": "video", `+meta+`}]}`).id()
		w.as("ann", "GET", "/api/v1/statuses/"+post, "").want(200, `{"media_attachments": [{"type": "video", `+meta+`}]}`)
		w.as("ann", "PUT", "/api/v1/statuses/"+post, "status=Look").want(200, `{"media_attachments": [{"type": "video", `+meta+`}]}`)
		w.as("ann", "GET", "/api/v1/statuses/"+post+"/history", "").want(200, `[{"media_attachments": [{"type": "video", `+meta+`}]}, {"media_attachments": [{`+meta+`}]}]`)
		if err := w.api.Pipeline.Rebuild(t.Context(), func(_, _ int64) {}); err != nil {
			t.Fatal(err)
		}
		w.as("ann", "GET", "/api/v1/statuses/"+post, "").want(200, `{"media_attachments": [{"type": "video", `+meta+`}]}`)
	})
}

func TestClock(t *testing.T) {
	for seconds, want := range map[float64]string{0.004: "0:00:00.00", 88.65: "0:01:28.65", 402.86: "0:06:42.86", 3599.999: "1:00:00.00"} {
		if got := clock(seconds); got != want {
			t.Errorf("clock(%f) = %s, want %s", seconds, got, want)
		}
	}
}

func TestMediaThumbnail(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.takesFiles()
		token := w.token("ann", fullScopes)
		type shown struct {
			ID      string
			Preview string `json:"preview_url"`
			Hash    string `json:"blurhash"`
		}
		read := func(r *response) (s shown) {
			if err := json.Unmarshal(r.body, &s); err != nil {
				t.Fatal(err)
			}
			return s
		}
		there := func(url string) bool {
			f, _, err := w.api.Uploads.Storage.Open(t.Context(), strings.TrimPrefix(url, "https://a.test/media/"))
			if err == nil {
				f.Close()
			}
			return err == nil
		}
		// Kept while the job works on the rest.
		body, header := multi(t, part{"file", "a.wav", sound(1)}, part{"thumbnail", "t.png", picture(t, 800, 400)})
		first := read(w.send(token, "POST", "/api/v2/media", body, header).want(202, `{"url": null}`))
		at := "/api/v1/media/" + first.ID
		w.works()
		done := read(w.as("ann", "GET", at, "").want(200, `{"type": "audio", "meta": {"small": {"width": 678, "height": 339}, "colors": {}}}`))
		if done.Preview != first.Preview || !there(done.Preview) || done.Hash == "" {
			t.Errorf("the preview is %+v", done)
		}
		// Another one, at another address, since files may be kept for good.
		body, header = multi(t, part{"thumbnail", "t.png", picture(t, 100, 100)}, part{"description", "", "Face"})
		second := read(w.send(token, "PUT", at, body, header).want(200, `{"description": "Face", "meta": {"small": {"width": 100}}}`))
		if second.Preview == done.Preview || !there(second.Preview) || there(done.Preview) {
			t.Errorf("the preview was %s and is %s", done.Preview, second.Preview)
		}
		body, header = multi(t, part{"thumbnail", "t.txt", "no picture"})
		w.send(token, "PUT", at, body, header).want(422, `{}`)
		body, header = multi(t, part{"file", "a.png", picture(t, 30, 30)}, part{"thumbnail", "t.wav", sound(1)})
		w.send(token, "POST", "/api/v2/media", body, header).want(422, `{}`)
		w.as("ann", "POST", "/api/v1/statuses", "status=listen&media_ids[]="+first.ID).want(200, `{"media_attachments": [{"preview_url": "`+second.Preview+`", "meta": {"small": {"width": 100}}}]}`)
		w.as("ann", "PUT", at, "description=late").want(404, `{}`)
		w.as("ann", "DELETE", at, "").want(422, `{}`)
	})
}

// Shutdowns while a file is worked on are not counted against it.
func TestMediaJobSurvivesShutdowns(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.takesFiles()
		body, header := multi(t, part{"file", "a.wav", sound(1)})
		id := w.send(w.token("ann", fullScopes), "POST", "/api/v2/media", body, header).want(202, "").id()
		real := w.api.Uploads.Storage
		for range 5 {
			opened := make(chan struct{})
			w.api.Uploads.Storage = slowStorage{real, opened}
			q := queue.New(w.db, map[string]queue.Handler{media.JobKind: w.api.Uploads.Job}, queue.Options{Log: w.api.Log})
			q.Start()
			select {
			case <-opened:
			case <-time.After(10 * time.Second):
				t.Fatal("the file was given up")
			}
			now, cancel := context.WithCancel(t.Context())
			cancel()
			q.Drain(now)
			w.as("ann", "GET", "/api/v1/media/"+id, "").want(206, `{"url": null}`)
			w.write(func(tx *store.Tx) error { return tx.RecoverJobs(t.Context()) })
		}
		w.api.Uploads.Storage = real
		w.works()
		w.as("ann", "GET", "/api/v1/media/"+id, "").want(200, `{"type": "audio"}`)
	})
}

// slowStorage opens a file no sooner than somebody gives up waiting.
type slowStorage struct {
	media.Storage
	opened chan struct{}
}

func (s slowStorage) Open(ctx context.Context, _ string) (io.ReadSeekCloser, media.Info, error) {
	close(s.opened)
	<-ctx.Done()
	return nil, media.Info{}, ctx.Err()
}
