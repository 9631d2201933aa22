package pages

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/takeout"
	"kenoma/internal/vocab"
)

// takeoutRoutes adds the pages of export and import.
func (p *Pages) takeoutRoutes(r chi.Router) {
	for _, slash := range []string{"", "/"} {
		r.Get("/settings/export"+slash, p.page(p.own(p.export)))
		r.Post("/settings/export"+slash, p.form(p.own(p.requestArchive)))
		r.Get("/settings/export/archives/{id}"+slash, p.page(p.own(p.archive)))
		r.Get("/settings/export/lists/{name}"+slash, p.page(p.own(p.list)))
		r.Get("/settings/import"+slash, p.page(p.own(p.importForm)))
		r.Post("/settings/import"+slash, p.file(p.own(p.startImport)))
		r.Post("/settings/import/archive"+slash, p.page(p.own(p.startArchive)))
		r.Post("/settings/import/stop"+slash, p.form(p.own(p.stopImport)))
		r.Get("/settings/import/{id}/failures.csv"+slash, p.page(p.own(p.failures)))
	}
}

// file wraps a handler of a form with a small file in it.
func (p *Pages) file(h func(w http.ResponseWriter, r *http.Request) error) http.HandlerFunc {
	return p.page(func(w http.ResponseWriter, r *http.Request) error {
		const most = takeout.MaxFile + 64<<10
		r.Body = http.MaxBytesReader(w, r.Body, most)
		if err := r.ParseMultipartForm(most); err != nil { // All of it stays in memory.
			return fault.Because(err, fault.TooLarge, "The form can't be read, or the file is too large.")
		}
		defer r.MultipartForm.RemoveAll()
		if err := p.Auth.CheckCSRF(r); err != nil {
			return err
		}
		return h(w, r)
	})
}

// archived is an archive in the list.
type archived struct {
	ID         int64
	When, Size string // Size is "" while it is put together.
	Gone       bool
}

func (p *Pages) export(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	return p.showExport(w, r, one, nil)
}

func (p *Pages) showExport(w http.ResponseWriter, r *http.Request, one *auth.Session, wrong error) error {
	v := view{Title: "Export"}
	if wrong != nil {
		status, text, err := told(wrong)
		if err != nil {
			return err
		}
		v.Status, v.Error = status, text
	}
	have, err := p.DB.Archives(r.Context(), one.Actor.ID)
	if err != nil {
		return err
	}
	own := struct {
		Archives []archived
		Busy     bool
		Lists    []takeout.Kind
	}{Lists: takeout.Lists()}
	for _, a := range have {
		if a.Finished == 0 {
			own.Busy = true
			continue
		}
		own.Archives = append(own.Archives, archived{a.ID, day(a.Finished), size(a.Size), a.File == ""})
	}
	p.settings(w, r, one, "export.html", v, own)
	return nil
}

// size is a number of bytes as people read it.
func size(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.0f kB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
}

func (p *Pages) requestArchive(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	err := p.confirmed(r, one)
	if err == nil {
		err = p.Takeout.Request(r.Context(), one.Actor.ID)
	}
	if err != nil {
		return p.showExport(w, r, one, err)
	}
	return settle(w, r, "/settings/export", "export")
}

func (p *Pages) archive(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil {
		return store.ErrNotFound
	}
	f, a, err := p.Takeout.Open(r.Context(), one.Actor.ID, id)
	if err != nil {
		return err
	}
	defer f.Close()
	download(w, "application/zip", one.Actor.Username+"-"+time.UnixMilli(a.Finished).UTC().Format(time.DateOnly)+".zip")
	http.ServeContent(w, r, "", time.UnixMilli(a.Finished), f)
	return nil
}

// download has the browser keep what follows in a file. Names are ours, or those of
// accounts: letters, numbers and little else.
func download(w http.ResponseWriter, kind, name string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("X-Content-Type-Options", "nosniff")
}

func (p *Pages) list(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	kind, err := takeout.KindOf(strings.TrimSuffix(chi.URLParam(r, "name"), ".csv"))
	if err != nil {
		return err
	}
	return p.csv(w, r, kind.File, func(to io.Writer) error { return p.Takeout.WriteList(r.Context(), to, one.Actor.ID, kind) })
}

func (p *Pages) failures(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil {
		return store.ErrNotFound
	}
	return p.csv(w, r, "failures.csv", func(to io.Writer) error { return p.Takeout.WriteFailures(r.Context(), to, one.Actor.ID, id) })
}

// csv sends a file as it is written. What fails before its first bytes is shown as
// a page; later the connection breaks off, so that nobody takes a part for all.
func (p *Pages) csv(w http.ResponseWriter, r *http.Request, name string, write func(to io.Writer) error) error {
	to := &begun{ResponseWriter: w, name: name}
	err := write(to)
	if err == nil {
		to.begin()
		return nil
	}
	if !to.yes {
		return err
	}
	p.Log.Error("file broke off", "path", r.URL.Path, "err", err)
	panic(http.ErrAbortHandler)
}

// begun sets the headers of a file with its first bytes.
type begun struct {
	http.ResponseWriter
	name string
	yes  bool
}

func (b *begun) begin() {
	if !b.yes {
		b.yes = true
		download(b.ResponseWriter, "text/csv; charset=utf-8", b.name)
	}
}

// Write implements io.Writer.
func (b *begun) Write(data []byte) (int, error) {
	b.begin()
	return b.ResponseWriter.Write(data)
}

// archiveForm is the form for an archive.
type archiveForm struct {
	Max  string // Size; "" when no archive may be brought now.
	Why  string // Then, why not.
	Left bool   // What did not do was sent by this form.
	Take map[string]bool
}

// taken are the boxes of the form with what they begin with.
var taken = map[string]bool{"profile": false, "posts": true, "private": true, "direct": false, "fetch": false, "lists": true, "likes": true}

func (p *Pages) archiveForm(r *http.Request, one *auth.Session) archiveForm {
	form := archiveForm{Max: size(p.Takeout.ArchiveBytes), Take: taken, Left: r.PostForm.Get("what") == "archive"}
	if form.Left {
		form.Take = map[string]bool{}
		for name := range taken {
			form.Take[name] = r.PostForm.Get(name) != ""
		}
	}
	if err := p.Takeout.MayBring(r.Context(), p.DB.Q, one.Actor.ID); err != nil {
		form.Max = ""
		_, form.Why = fault.Public(err)
	}
	return form
}

// startArchive takes an archive in, which may be large: its bytes go to the disk as
// they come, after everything else in the form.
func (p *Pages) startArchive(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	r.Body = http.MaxBytesReader(w, r.Body, p.Takeout.ArchiveBytes+1<<20)
	parts, err := r.MultipartReader()
	if err != nil {
		return fault.Because(err, fault.Malformed, "The form can't be read.")
	}
	r.PostForm, r.Form = url.Values{}, url.Values{}
	for range 30 {
		part, err := parts.NextPart()
		if err != nil {
			return p.showImport(w, r, one, fault.Because(err, fault.Invalid, "Please choose a file."))
		}
		if part.FormName() != "file" {
			text, err := io.ReadAll(io.LimitReader(part, 1<<10))
			if err != nil {
				return fault.Because(err, fault.Malformed, "The form can't be read.")
			}
			r.PostForm.Set(part.FormName(), string(text))
			continue
		}
		r.Form = r.PostForm
		if err := p.Auth.CheckCSRF(r); err != nil {
			return err
		}
		yes := func(name string) bool { return r.PostForm.Get(name) != "" }
		what := takeout.Bring{Profile: yes("profile"), Posts: yes("posts"), Private: yes("private"), Direct: yes("direct"), Fetch: yes("fetch"),
			Lists: yes("lists"), Likes: yes("likes"), Old: r.PostForm.Get("old")}
		if err := p.Takeout.StartArchive(r.Context(), one.Actor.ID, what, part); err != nil {
			return p.showImport(w, r, one, err)
		}
		return settle(w, r, "/settings/import", "import")
	}
	return fault.New(fault.Malformed, "The form can't be read.")
}

// imported is an import in the list.
type imported struct {
	ID                  int64
	Title, When         string
	Overwrite           bool
	Done, Total, Failed int64
	Finished            bool
	Archive             bool
}

func (p *Pages) importForm(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	return p.showImport(w, r, one, nil)
}

func (p *Pages) showImport(w http.ResponseWriter, r *http.Request, one *auth.Session, wrong error) error {
	v := view{Title: "Import", Form: r.PostForm}
	if wrong != nil {
		status, text, err := told(wrong)
		if err != nil {
			return err
		}
		v.Status, v.Error = status, text
	}
	have, err := p.DB.Imports(r.Context(), one.Actor.ID)
	if err != nil {
		return err
	}
	own := struct {
		Kinds   []takeout.Kind
		Imports []imported
		Archive archiveForm
	}{Archive: p.archiveForm(r, one)}
	titles := map[string]string{takeout.ArchiveKind: "Archive"}
	for _, k := range takeout.Lists() {
		if k.Import {
			own.Kinds = append(own.Kinds, k)
			titles[k.Name] = k.Title
		}
	}
	for _, i := range have {
		own.Imports = append(own.Imports, imported{i.ID, titles[i.Kind], day(vocab.TimeOf(i.ID).UnixMilli()), i.Overwrite, i.Done, i.Total, i.Failed, i.Finished != 0, i.Kind == takeout.ArchiveKind})
	}
	r.URL.Path = "/settings/import"
	p.settings(w, r, one, "import.html", v, own)
	return nil
}

func (p *Pages) startImport(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	file, _, err := r.FormFile("file")
	if err != nil {
		return p.showImport(w, r, one, fault.Because(err, fault.Invalid, "Please choose a file."))
	}
	defer file.Close()
	if err := p.Takeout.Start(r.Context(), one.Actor.ID, r.PostForm.Get("kind"), r.PostForm.Get("mode") == "overwrite", file); err != nil {
		return p.showImport(w, r, one, err)
	}
	return settle(w, r, "/settings/import", "import")
}

func (p *Pages) stopImport(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	id, err := strconv.ParseInt(r.PostForm.Get("id"), 10, 64)
	if err != nil {
		return store.ErrNotFound
	}
	if err := p.Takeout.Stop(r.Context(), one.Actor.ID, id); err != nil {
		return err
	}
	return settle(w, r, "/settings/import", "stopped")
}
