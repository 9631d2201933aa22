package vocab

// Track is what somebody listened to, as Pleroma tells it in a Listen.
type Track struct {
	Title, Artist, Album string // Plain text, at most 4 kB each.
	Length               int64  // As sent: Pleroma's clients give seconds or milliseconds. 0 unknown.
	Link                 IRI    // Where it can be heard; "" unknown.
}

// Track returns what a Listen is about; false when it names no title.
func (a *Activity) Track() (Track, bool) {
	if a.Inline == nil {
		return Track{}, false
	}
	v, r, err := parse(a.Inline.Raw)
	if err != nil {
		return Track{}, false
	}
	defer r.release()
	t := Track{Title: v.get("title", "name").text(maxTitle), Artist: v.get("artist").text(maxTitle), Album: v.get("album").text(maxTitle),
		Length: int64(v.get("length").count(0)), Link: v.get("externalLink").iri()}
	return t, t.Title != ""
}

// EncodeTrack returns the object of a Listen by actor.
func EncodeTrack(id, actor IRI, to, cc []IRI, t Track) []byte {
	w := start(512, trackContext)
	w.iri("id", id)
	w.str("type", "Audio")
	w.iri("actor", actor)
	w.addressing(to, cc, nil, true)
	w.str("title", t.Title)
	w.str("artist", t.Artist)
	w.str("album", t.Album)
	w.size("length", int(min(t.Length, 1<<31-1)))
	w.iri("externalLink", t.Link)
	w.close('}')
	return w.buf
}

const trackContext = `["https://www.w3.org/ns/activitystreams",{"litepub":"http://litepub.social/ns#","title":"litepub:title","artist":"litepub:artist",` +
	`"album":"litepub:album","length":"litepub:length","externalLink":"litepub:externalLink"}]`
