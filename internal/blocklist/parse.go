// Package blocklist reads and writes lists of hosts to be kept out, in the forms that
// servers exchange, and merges several of them. It does no I/O and decides nothing
// alone: what is merged is a proposal.
package blocklist

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"kenoma/internal/fault"
)

// Bounds of a list that is read.
const (
	MaxBytes   = 8 << 20
	maxEntries = 100_000
	maxComment = 4000 // Bytes; longer ones are cut.
	maxSkipped = 1000 // Lines that are told of.
)

// The severities, from the mildest to the hardest.
var severities = []string{"noop", "silence", "suspend"}

// level is the place of a severity; -1 for none.
func level(severity string) int { return slices.Index(severities, severity) }

// Entry is what a list says of a host and those below it.
type Entry struct {
	Domain                      string
	Severity                    string // noop, silence, suspend
	RejectMedia, RejectReports  bool
	PublicComment, PrivateNotes string
	Obfuscate                   bool
}

// Skipped is a line that could not be used.
type Skipped struct {
	Line   int // From 1; 0 where the form has no lines.
	Text   string
	Reason string
}

// List is what was read.
type List struct {
	Entries []Entry // By domain, each once: the hardest stands.
	Skipped []Skipped
}

// Parse reads a list in any of these forms, which it tells apart itself:
//
//   - CSV as Mastodon exports it (#domain,#severity,#reject_media,#reject_reports,
//     #public_comment,#obfuscate), as Oliphant's lists and FediBlockHole have it (with or
//     without "#", columns in any order, private_comment), and with one column alone
//     (Mastodon's list of allowed hosts)
//   - a host a line; "#" begins a comment
//   - JSON as GET /api/v1/instance/domain_blocks and the admin's domain_blocks answer,
//     and RapidBlock's {"blocks": {"host": {"isBlocked": true, "reason": "…"}}}
//
// A severity that is not named is suspend, as in FediBlockHole. Lines that can't be used,
// such as hosts hidden by stars, are told in Skipped. The error is Invalid or TooLarge.
func Parse(text []byte) (List, error) {
	if len(text) > MaxBytes {
		return List{}, fault.New(fault.TooLarge, "The list is larger than %d MB.", MaxBytes>>20)
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(text) {
		return List{}, fault.New(fault.Invalid, "The list is not text in UTF-8.")
	}
	r := &reading{at: map[string]int{}}
	var err error
	switch t := bytes.TrimSpace(text); {
	case len(t) == 0:
		return List{}, nil
	case t[0] == '<':
		return List{}, fault.New(fault.Invalid, "This is a web page, not a list.")
	case t[0] == '[' || t[0] == '{':
		err = r.json(t)
	default:
		err = r.table(text)
	}
	if err != nil {
		return List{}, err
	}
	slices.SortFunc(r.list.Entries, func(a, b Entry) int { return strings.Compare(a.Domain, b.Domain) })
	return r.list, nil
}

type reading struct {
	list List
	at   map[string]int // Place of a domain in list.Entries.
}

var domainForm = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)

// Domain is a host as rules have it: in lower case, in ASCII, without what stands
// around it in some lists. reason tells why it can't be used.
func Domain(text string) (domain, reason string) {
	d := strings.ToLower(strings.TrimSpace(text))
	if scheme, rest, ok := strings.Cut(d, "://"); ok && (scheme == "https" || scheme == "http") {
		d = rest
	}
	d = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(d, "@"), "*."), "/"), ".")
	switch {
	case d == "":
		return "", "there is no host"
	case strings.Contains(d, "*"):
		return "", "parts of the host are hidden"
	}
	ascii, err := idna.Lookup.ToASCII(d)
	if err != nil {
		ascii = d // Underscores are none of its business.
	}
	if len(ascii) > 253 || !domainForm.MatchString(ascii) {
		return "", "this is no host"
	}
	return ascii, ""
}

func (r *reading) skip(line int, text, reason string) {
	if len(r.list.Skipped) < maxSkipped {
		r.list.Skipped = append(r.list.Skipped, Skipped{line, cut(text, 200), reason})
	}
}

func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// add takes an entry in. Of two about one host the hardest stands.
func (r *reading) add(line int, host string, e Entry) error {
	domain, reason := Domain(host)
	if reason == "" && e.Severity == "" {
		e.Severity = "suspend"
	}
	if reason == "" && level(e.Severity) < 0 {
		reason = "the severity " + cut(e.Severity, 40) + " is not known"
	}
	if reason != "" {
		r.skip(line, host, reason)
		return nil
	}
	e.Domain, e.PublicComment, e.PrivateNotes = domain, cut(strings.TrimSpace(e.PublicComment), maxComment), cut(strings.TrimSpace(e.PrivateNotes), maxComment)
	if i, ok := r.at[domain]; ok {
		r.list.Entries[i] = harder(r.list.Entries[i], e)
		return nil
	}
	if len(r.list.Entries) == maxEntries {
		return fault.New(fault.TooLarge, "The list has more than %d hosts.", maxEntries)
	}
	r.at[domain] = len(r.list.Entries)
	r.list.Entries = append(r.list.Entries, e)
	return nil
}

// columns are the names of columns as they are met, without "#" and case.
var columns = map[string]func(*Entry, string){
	"domain":          nil,
	"severity":        func(e *Entry, v string) { e.Severity = severityNamed(v) },
	"reject_media":    func(e *Entry, v string) { e.RejectMedia = yes(v) },
	"reject_reports":  func(e *Entry, v string) { e.RejectReports = yes(v) },
	"public_comment":  func(e *Entry, v string) { e.PublicComment = v },
	"private_comment": func(e *Entry, v string) { e.PrivateNotes = v },
	"comment":         func(e *Entry, v string) { e.PublicComment = v },
	"reason":          func(e *Entry, v string) { e.PublicComment = v }, // RapidBlock
	"obfuscate":       func(e *Entry, v string) { e.Obfuscate = yes(v) },
}

// standard is the order of columns where a list does not name them.
var standard = []string{"domain", "severity", "reject_media", "reject_reports", "public_comment", "obfuscate"}

func yes(v string) bool {
	switch strings.ToLower(strings.TrimSpace(v)) {
	case "true", "t", "yes", "1":
		return true
	}
	return false
}

// severityNamed knows other names too: limit is how Mastodon calls silence, reject how
// Pleroma calls suspend.
func severityNamed(v string) string {
	v = strings.ToLower(strings.TrimSpace(v))
	switch v {
	case "limit", "limited":
		return "silence"
	case "reject", "block":
		return "suspend"
	case "none":
		return "noop"
	}
	return v
}

// header reads the first row as the names of columns; nil where it is none.
func header(row []string) []string {
	if name := columnName(row[0]); name != "domain" && name != "host" && name != "instance" {
		return nil
	}
	names := []string{"domain"}
	for _, c := range row[1:] {
		names = append(names, columnName(c))
	}
	return names
}

func columnName(c string) string {
	return strings.ToLower(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(c), "#")))
}

// table reads CSV, and lists of a host a line, which are CSV of one column.
func (r *reading) table(text []byte) error {
	in := csv.NewReader(bytes.NewReader(text))
	in.FieldsPerRecord, in.LazyQuotes, in.TrimLeadingSpace, in.ReuseRecord = -1, true, true, true
	names, first := standard, true
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fault.Because(err, fault.Invalid, "The list can't be read as CSV: %s.", err)
		}
		line, _ := in.FieldPos(0)
		if first {
			first = false
			if have := header(row); have != nil {
				names = have
				continue
			}
		}
		host, _, _ := strings.Cut(row[0], "#") // A comment, or one behind the host.
		if strings.TrimSpace(host) == "" {
			continue
		}
		var e Entry
		for i, v := range row {
			if i < len(names) && columns[names[i]] != nil {
				columns[names[i]](&e, v)
			}
		}
		if err := r.add(line, host, e); err != nil {
			return err
		}
	}
}

// jsonEntry is a host in JSON: of Mastodon's list for everybody, and of that for admins.
type jsonEntry struct {
	Domain        string `json:"domain"`
	Severity      string `json:"severity"`
	Comment       string `json:"comment"`
	PublicComment string `json:"public_comment"`
	PrivateNotes  string `json:"private_comment"`
	RejectMedia   bool   `json:"reject_media"`
	RejectReports bool   `json:"reject_reports"`
	Obfuscate     bool   `json:"obfuscate"`
}

// rapidBlock is RapidBlock's form.
type rapidBlock struct {
	Blocks map[string]struct {
		IsBlocked bool   `json:"isBlocked"`
		Reason    string `json:"reason"`
	} `json:"blocks"`
}

func (r *reading) json(text []byte) error {
	if text[0] == '{' {
		var rapid rapidBlock
		if err := json.Unmarshal(text, &rapid); err != nil || rapid.Blocks == nil {
			return fault.Because(err, fault.Invalid, "The list is JSON in a form that is not known.")
		}
		for host, b := range rapid.Blocks {
			if !b.IsBlocked {
				continue // Taken back.
			}
			if err := r.add(0, host, Entry{Severity: "suspend", PublicComment: b.Reason}); err != nil {
				return err
			}
		}
		slices.SortFunc(r.list.Skipped, func(a, b Skipped) int { return strings.Compare(a.Text, b.Text) })
		return nil
	}
	var all []jsonEntry
	if err := json.Unmarshal(text, &all); err != nil {
		return fault.Because(err, fault.Invalid, "The list is JSON in a form that is not known.")
	}
	for _, j := range all {
		e := Entry{Severity: severityNamed(j.Severity), RejectMedia: j.RejectMedia, RejectReports: j.RejectReports, PublicComment: j.PublicComment, PrivateNotes: j.PrivateNotes, Obfuscate: j.Obfuscate}
		if e.PublicComment == "" {
			e.PublicComment = j.Comment
		}
		if err := r.add(0, j.Domain, e); err != nil {
			return err
		}
	}
	return nil
}

// Write writes entries as Mastodon exports them; private adds the column of private
// comments, as FediBlockHole has it.
func Write(w io.Writer, entries []Entry, private bool) error {
	out := csv.NewWriter(w)
	head := []string{"#domain", "#severity", "#reject_media", "#reject_reports", "#public_comment", "#obfuscate"}
	if private {
		head = append(head, "#private_comment")
	}
	if err := out.Write(head); err != nil {
		return err
	}
	for _, e := range entries {
		row := []string{e.Domain, e.Severity, word(e.RejectMedia), word(e.RejectReports), e.PublicComment, word(e.Obfuscate)}
		if private {
			row = append(row, e.PrivateNotes)
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func word(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// WriteDomains writes hosts as Mastodon exports those that are allowed.
func WriteDomains(w io.Writer, domains []string) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"#domain"}}
	for _, d := range domains {
		rows = append(rows, []string{d})
	}
	if err := out.WriteAll(rows); err != nil {
		return err
	}
	return out.Error()
}
