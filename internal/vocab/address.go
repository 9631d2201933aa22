package vocab

import "bytes"

// iri is the address that v stands for: a string, the id of an object, the href of
// a Link, or the first of a list that has a usable one. "" when there is none that
// is http or https.
func (v value) iri() IRI {
	switch v.kind() {
	case '"':
		raw := v.raw()
		raw = raw[1 : len(raw)-1]
		if len(raw) > 6*maxIRI {
			return ""
		}
		var iri IRI
		if bytes.IndexByte(raw, '\\') < 0 {
			iri = IRI(raw)
		} else {
			iri = IRI(v.str(maxIRI + 1))
		}
		if iri.ok() {
			return iri
		}
	case '{':
		if id := v.get("id"); id.kind() == '"' {
			return id.iri()
		}
		if href := v.get("href"); href.kind() == '"' {
			return href.iri()
		}
	case '[':
		for e := range v.each() {
			if e.kind() == '[' {
				continue // Lists in lists would let one value be visited many times.
			}
			if iri := e.iri(); iri != "" {
				return iri
			}
		}
	}
	return ""
}

// id is the id of a document: "" when absent or null, and unusable (not "") when
// it is anything but one usable address.
func (v value) id() (id IRI, usable bool) {
	m := v.get("id")
	switch m.kind() {
	case 0:
		return "", true
	case '"':
		id = m.iri()
	}
	return id, id != ""
}

// link is the first address that is meant for opening or loading: strings, Links,
// objects with a url (an Image in icon). Objects' ids do not count.
func (v value) link() IRI {
	for e := range v.each() {
		if e.kind() == '{' {
			e = e.get("url", "href")
			if e.kind() != '"' {
				if e.kind() == 0 {
					continue
				}
				for inner := range e.each() {
					if inner.kind() == '{' {
						inner = inner.get("href", "url")
					}
					if inner.kind() == '"' {
						if iri := inner.iri(); iri != "" {
							return iri
						}
					}
				}
				continue
			}
		}
		if e.kind() == '"' {
			if iri := e.iri(); iri != "" {
				return iri
			}
		}
	}
	return ""
}

// appendIRIs adds the addresses of a list to list, up to limit of them. Entries
// that have none are left out.
func (v value) appendIRIs(list []IRI, limit int) []IRI {
	for e := range v.each() {
		if len(list) >= limit {
			break
		}
		if e.kind() == '[' {
			continue
		}
		if iri := e.iri(); iri != "" {
			list = append(list, iri)
		}
	}
	return list
}

// audience is appendIRIs for to, cc and the like: each spelling of Public becomes
// Public. No other casing counts.
//
// spec: ap#public-addressing
func (v value) audience(list []IRI) []IRI {
	for e := range v.each() {
		if len(list) >= maxAudience {
			break
		}
		if e.kind() == '[' {
			continue
		}
		if e.kind() == '{' {
			e = e.get("id", "href")
		}
		if e.kind() != '"' {
			continue
		}
		switch string(e.raw()) {
		case `"as:Public"`, `"Public"`, `"https://www.w3.org/ns/activitystreams#Public"`:
			list = append(list, Public)
			continue
		}
		if iri := e.iri(); iri != "" {
			list = append(list, iri)
		}
	}
	return list
}

// typ is the type of a document: of several the first of class want, else the
// first that any table knows, else the first. Known prefixes are gone.
func (v value) typ(want Class) typeInfo {
	var best typeInfo
	for e := range v.get("type").each() {
		if e.kind() != '"' {
			continue
		}
		t := e.typeInfo()
		switch {
		case t.name == "":
			continue
		case t.class != UnknownClass && t.class == want:
			return t
		case best.name == "" || best.class == UnknownClass && t.class != UnknownClass:
			best = t
		}
	}
	return best
}

// typeInfo looks a type's name up.
func (v value) typeInfo() typeInfo {
	raw := v.raw()
	raw = raw[1 : len(raw)-1]
	raw = raw[plainName(raw):]
	if t, ok := typeTable[string(raw)]; ok {
		return t
	}
	name := []byte(v.str(maxType))
	name = name[plainName(name):]
	if t, ok := typeTable[string(name)]; ok {
		return t
	}
	return typeInfo{name: string(name)}
}
