package policy

import (
	"encoding/json"
	"fmt"

	"kenoma/internal/vocab"
)

// Patch is what the rules changed about an activity before it took effect. The
// document as accepted stays in the log, with the patch beside it, so that the
// same comes out whenever it is read or replayed. The zero value changes nothing.
type Patch struct {
	To        *[]vocab.IRI        `json:"to,omitempty"`
	Cc        *[]vocab.IRI        `json:"cc,omitempty"`
	Sensitive *bool               `json:"sensitive,omitempty"`
	Content   *string             `json:"content,omitempty"`
	Summary   *string             `json:"summary,omitempty"`
	Name      *string             `json:"name,omitempty"`
	Media     *[]vocab.Attachment `json:"media,omitempty"`
	Tags      *[]vocab.Tag        `json:"tags,omitempty"`
	Quiet     bool                `json:"quiet,omitempty"`    // Nobody's home gets it.
	Withhold  bool                `json:"withhold,omitempty"` // Who is told of it finds it among the requests.
}

// Empty tells whether nothing is changed.
func (p *Patch) Empty() bool { return p == nil || *p == Patch{} }

// Apply changes an activity, and the object that it brings, as decoded. Their
// documents stay as they are.
func (p *Patch) Apply(a *vocab.Activity) {
	if p.Empty() {
		return
	}
	replace(p.To, &a.To)
	replace(p.Cc, &a.Cc)
	if a.Inline != nil {
		p.ApplyTo(a.Inline)
	}
}

// ApplyTo changes an object alone.
func (p *Patch) ApplyTo(o *vocab.Object) {
	if p.Empty() {
		return
	}
	replace(p.To, &o.To)
	replace(p.Cc, &o.Cc)
	replace(p.Sensitive, &o.Sensitive)
	replace(p.Content, &o.Content)
	replace(p.Summary, &o.Summary)
	replace(p.Name, &o.Name)
	replace(p.Media, &o.Attachments)
	replace(p.Tags, &o.Tags)
}

// listed is a list as a patch keeps it: an empty one is not the same as none.
func listed[T any](list []T) *[]T {
	if list == nil {
		list = []T{}
	}
	return &list
}

func replace[T any](by *T, what *T) {
	if by != nil {
		*what = *by
	}
}

// String is the patch as the log keeps it; "" when nothing is changed.
func (p *Patch) String() string {
	if p.Empty() {
		return ""
	}
	b, err := json.Marshal(p)
	if err != nil {
		return "" // Texts and lists of texts can always be written.
	}
	return string(b)
}

// ParsePatch reads a patch of the log; nil where nothing was changed.
func ParsePatch(text string) (*Patch, error) {
	if text == "" {
		return nil, nil
	}
	p := &Patch{}
	if err := json.Unmarshal([]byte(text), p); err != nil {
		return nil, fmt.Errorf("patch of the log: %w", err)
	}
	return p, nil
}
