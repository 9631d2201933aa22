package archives

import (
	"encoding/json"
	"html"
	"regexp"
	"slices"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/markup"
	"kenoma/internal/vocab"
)

// Post is a post as an archive has it, in one form for all of them.
type Post struct {
	URI        vocab.IRI // Where it stood first; "" when the archive does not say.
	Later      vocab.IRI // Where it stood after that, if it was brought along once before.
	Published  time.Time
	Updated    time.Time // Zero: never edited.
	HTML       string    // As found.
	Source     string    // As typed, where known.
	SourceType string
	Spoiler    string
	Sensitive  bool
	Language   string
	Visibility string
	InReplyTo  vocab.IRI
	Hashtags   []string
	Files      []File
	Poll       *vocab.Poll
}

// File is a file of a post. Name is its address or path, by which Contents.Open may
// find it; one that is an address can be fetched otherwise.
type File struct {
	Name, Description string
	Focus             [2]float64
}

// Owner is whose archive it is: what the posts must be attributed to.
type Owner struct {
	ID, Followers vocab.IRI
	Host          string // Of Misskey's notes, which don't name it; "" unknown.
}

// OwnerOf reads the owner off the profile in the archive.
func (c *Contents) OwnerOf() Owner {
	if c.Actor == nil {
		return Owner{}
	}
	var head struct {
		ID        vocab.IRI `json:"id"`
		Followers vocab.IRI `json:"followers"`
	}
	if json.Unmarshal(c.Actor, &head) != nil || head.ID.Valid() != nil {
		return Owner{}
	}
	return Owner{ID: head.ID, Followers: head.Followers, Host: head.ID.Host()}
}

// maxFiles bounds the files of one post.
const maxFiles = 32

// ReadPost makes a post of a line of PostsFile. The error is Invalid, with the reason,
// for what can't be taken over.
func (c *Contents) ReadPost(line []byte, own Owner) (*Post, error) {
	if c.Notes {
		return note(line, own)
	}
	return activity(line, own)
}

// Name is how a report calls a line of PostsFile: by its address, else by its number.
func Name(line []byte) string {
	var head struct {
		ID     string          `json:"id"`
		Object json.RawMessage `json:"object"`
	}
	if json.Unmarshal(line, &head) != nil {
		return ""
	}
	var object struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(head.Object, &object) == nil && object.ID != "" {
		return object.ID
	}
	return head.ID
}

// activity reads an entry of an outbox.
func activity(line []byte, own Owner) (*Post, error) {
	a, err := vocab.DecodeActivity(line)
	if err != nil {
		return nil, fault.Because(err, fault.Invalid, "This entry can't be read.")
	}
	switch {
	case a.Type == "Announce":
		return nil, fault.New(fault.Invalid, "Boosts of other people's posts are not taken over.")
	case a.Type != "Create" || a.Inline == nil:
		return nil, fault.New(fault.Invalid, "Entries of type %s are not taken over.", a.Type)
	case !vocab.IsPost(a.Inline.Type):
		return nil, fault.New(fault.Invalid, "A %s is no post.", a.Inline.Type)
	}
	o := a.Inline
	author := a.Actor
	if len(o.AttributedTo) > 0 {
		author = o.AttributedTo[0]
	}
	if own.ID != "" && author != own.ID {
		return nil, fault.New(fault.Invalid, "This was written by somebody else.")
	}
	if o.Type == "Note" && o.Name != "" && o.Content == "" && o.InReplyTo != "" {
		return nil, fault.New(fault.Invalid, "Votes in polls are not taken over.")
	}
	p := &Post{Published: o.Published, Updated: o.Updated, HTML: o.Content, Source: o.Source, SourceType: o.SourceType, Sensitive: o.Sensitive,
		Language: o.Language, InReplyTo: o.InReplyTo, Poll: o.Poll}
	if p.Published.IsZero() {
		p.Published = a.Published
	}
	if own.ID == "" || vocab.SameHost(o.ID, own.ID) {
		p.URI = o.ID
	}
	if len(o.AlsoKnownAs) > 0 { // It was brought along once before: that place is the one others know.
		p.URI, p.Later = o.AlsoKnownAs[0], p.URI
	}
	if o.Type == "Note" || o.Type == "Question" {
		p.Spoiler = strings.TrimSpace(markup.PlainText(o.Summary))
	} else if o.Name != "" {
		p.HTML = "<p><strong>" + html.EscapeString(markup.Title(o.Name)) + "</strong></p>" + p.HTML
	}
	p.Visibility = visibility(o.To, o.Cc, own.Followers)
	for _, t := range o.Tags {
		if name := strings.TrimPrefix(t.Name, "#"); t.Type == "Hashtag" && name != "" && len(p.Hashtags) < 100 {
			p.Hashtags = append(p.Hashtags, name)
		}
	}
	p.Files = attachments(line)
	return p, p.check()
}

// visibility reads the audience. An archive without its profile names the followers by
// an address that ends so.
func visibility(to, cc []vocab.IRI, followers vocab.IRI) string {
	if followers == "" {
		for _, iri := range slices.Concat(to, cc) {
			if strings.HasSuffix(string(iri), "/followers") {
				followers = iri
			}
		}
	}
	return vocab.VisibilityOf(to, cc, followers).Name
}

func (p *Post) check() error {
	switch {
	case p.Published.IsZero():
		return fault.New(fault.Invalid, "The post has no date.")
	case strings.TrimSpace(markup.PlainText(p.HTML)) == "" && len(p.Files) == 0 && p.Poll == nil:
		return fault.New(fault.Invalid, "The post is empty.")
	}
	return nil
}

// attachments reads the files of an entry. Their addresses may be paths within the
// archive, which are no addresses elsewhere.
func attachments(line []byte) []File {
	var entry struct {
		Object struct {
			Attachment json.RawMessage `json:"attachment"`
		} `json:"object"`
	}
	if json.Unmarshal(line, &entry) != nil {
		return nil
	}
	type attached struct {
		Type       string          `json:"type"`
		Name       string          `json:"name"`
		Summary    string          `json:"summary"`
		URL        json.RawMessage `json:"url"`
		FocalPoint []float64       `json:"focalPoint"`
	}
	var list []attached
	if json.Unmarshal(entry.Object.Attachment, &list) != nil {
		var one attached
		if json.Unmarshal(entry.Object.Attachment, &one) != nil {
			return nil
		}
		list = []attached{one}
	}
	var files []File
	for _, a := range list {
		name := address(a.URL)
		if name == "" || len(files) == maxFiles || a.Type == "PropertyValue" || a.Type == "Link" {
			continue
		}
		f := File{Name: name, Description: a.Name}
		if f.Description == "" {
			f.Description = a.Summary
		}
		if len(a.FocalPoint) == 2 && within(a.FocalPoint[0]) && within(a.FocalPoint[1]) {
			f.Focus = [2]float64{a.FocalPoint[0], a.FocalPoint[1]}
		}
		files = append(files, f)
	}
	return files
}

func within(f float64) bool { return f >= -1 && f <= 1 }

// address reads a url: a text, a Link, or a list of them.
func address(raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return ""
	}
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	if link, ok := v.(map[string]any); ok {
		v = link["href"]
	}
	s, _ := v.(string)
	return s
}

// misskeyVisibilities are Misskey's words for ours.
var misskeyVisibilities = map[string]string{"public": "public", "home": "unlisted", "followers": "private", "specified": "direct"}

// note reads a note of Misskey.
func note(line []byte, own Owner) (*Post, error) {
	var n struct {
		ID        string  `json:"id"`
		Text      *string `json:"text"`
		CreatedAt string  `json:"createdAt"`
		ReplyID   *string `json:"replyId"`
		RenoteID  *string `json:"renoteId"`
		CW        *string `json:"cw"`
		Visible   string  `json:"visibility"`
		LocalOnly bool    `json:"localOnly"`
		Files     []struct {
			URL       string  `json:"url"`
			Comment   *string `json:"comment"`
			Sensitive bool    `json:"isSensitive"`
		} `json:"files"`
		FileIDs []string `json:"fileIds"`
		Poll    *struct {
			Choices  []string `json:"choices"`
			Votes    []int    `json:"votes"`
			Multiple bool     `json:"multiple"`
			Expires  *string  `json:"expiresAt"`
		} `json:"poll"`
	}
	if err := json.Unmarshal(line, &n); err != nil {
		return nil, fault.Because(err, fault.Invalid, "This note can't be read.")
	}
	at, err := time.Parse(time.RFC3339, n.CreatedAt)
	if err != nil {
		return nil, fault.Because(err, fault.Invalid, "The note has no date.")
	}
	p := &Post{Published: at, Visibility: misskeyVisibilities[n.Visible]}
	if p.Visibility == "" {
		p.Visibility = "direct" // Rather nobody than everybody.
	}
	if n.LocalOnly && (p.Visibility == "public" || p.Visibility == "unlisted") {
		p.Visibility = "private" // It was not for other servers.
	}
	if n.Text != nil {
		p.Source, p.SourceType = *n.Text, "text/x.misskeymarkdown"
		p.HTML = paragraphs(*n.Text)
		p.Hashtags = markup.Scan(*n.Text, "text/plain").Hashtags
	}
	if n.CW != nil {
		p.Spoiler = *n.CW
	}
	if n.ID != "" && own.Host != "" {
		p.URI = noteAt(own.Host, n.ID)
	}
	if n.ReplyID != nil && own.Host != "" {
		p.InReplyTo = noteAt(own.Host, *n.ReplyID)
	}
	if n.RenoteID != nil && n.Text == nil && n.CW == nil && len(n.FileIDs) == 0 && n.Poll == nil {
		return nil, fault.New(fault.Invalid, "Boosts of other people's posts are not taken over.")
	}
	if n.RenoteID != nil && own.Host != "" {
		at := html.EscapeString(string(noteAt(own.Host, *n.RenoteID)))
		p.HTML += `<p>RE: <a href="` + at + `">` + at + `</a></p>`
	}
	for _, f := range n.Files {
		if f.URL != "" && len(p.Files) < maxFiles {
			one := File{Name: f.URL}
			if f.Comment != nil {
				one.Description = *f.Comment
			}
			p.Files, p.Sensitive = append(p.Files, one), p.Sensitive || f.Sensitive
		}
	}
	if n.Poll != nil && len(n.Poll.Choices) > 0 && len(n.Poll.Choices) <= 100 {
		p.Poll = &vocab.Poll{Multiple: n.Poll.Multiple, Voters: -1}
		for i, c := range n.Poll.Choices {
			option := vocab.PollOption{Name: c}
			if i < len(n.Poll.Votes) {
				option.Votes = max(n.Poll.Votes[i], 0)
			}
			p.Poll.Options = append(p.Poll.Options, option)
		}
		if n.Poll.Expires != nil {
			p.Poll.Ends, _ = time.Parse(time.RFC3339, *n.Poll.Expires)
		}
	}
	return p, p.check()
}

// noteAt is where a note of Misskey stands: ids are letters and digits.
func noteAt(host, id string) vocab.IRI {
	if !noteID.MatchString(id) {
		return ""
	}
	return vocab.IRI("https://" + host + "/notes/" + id)
}

var noteID = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)

// paragraphs shows a text with its links, without making mentions or tags of ours of
// it: people are named by handles of another server.
func paragraphs(text string) string {
	return markup.Render(text, "text/plain", markup.Links{})
}

// Profile is what the archive says of its owner.
func (c *Contents) Profile() (*vocab.Actor, error) {
	if c.Actor == nil {
		return nil, fault.New(fault.Invalid, "There is no profile in the archive.")
	}
	a, err := vocab.DecodeActor(c.Actor)
	if err != nil {
		return nil, fault.Because(err, fault.Invalid, "The profile in the archive can't be read.")
	}
	return a, nil
}

// Pictures are the names of avatar and header in the archive; "" none.
func (c *Contents) Pictures() (avatar, header string) {
	for name := range c.Files {
		switch base := strings.ToLower(name); {
		case strings.HasPrefix(base, "avatar."):
			avatar = name
		case strings.HasPrefix(base, "header."):
			header = name
		}
	}
	return avatar, header
}
