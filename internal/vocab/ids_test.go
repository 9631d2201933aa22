package vocab

import (
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

func TestValidIRI(t *testing.T) {
	for iri, want := range map[IRI]bool{
		"https://a.test":                true,
		"http://a.test/":                true,
		"HTTPS://A.test/x?y#z":          true,
		"https://a.test:8443/x":         true,
		"https://127.0.0.1:4000/x":      true, // Whether it may be fetched is for remote.
		"https://[::1]/x":               true,
		"https://[::1]:8443/x":          true,
		"https://rémote.example/ü":      true,
		"https://a_b.test/":             true,
		"https://a.test/at://did:plc:x": true,
		"https://a.test/@ann@b.test":    true,
		"":                              false,
		"a.test/x":                      false,
		"/x":                            false,
		"//a.test/x":                    false,
		"https:a.test":                  false,
		"https:///x":                    false,
		"https://":                      false,
		"javascript:alert(1)":           false,
		"data:text/html,x":              false,
		"file:///etc/passwd":            false,
		"bear:?u=https://a.test":        false,
		"tag:a.test,2020:1":             false,
		"https://ann@a.test/":           false,
		"https://ann:pw@a.test/":        false,
		"https://b.test\\@a.test/":      false,
		"https://a.test%2f@b.test/":     false,
		"https://a%2etest/":             false,
		"https://a.test:99999/":         false,
		"https://a.test:x/":             false,
		"https://a.test:80:80/":         false,
		"https://a.test/\nx":            false,
		"https://a.test/\x7f":           false,
		"https://a.test/\u0085":         false,
		"https://a.test/\xff":           false,
		" https://a.test/":              false,
		"https://a test/":               false,
		"https://[::1/x":                false,
		"https://[::1]x/":               false,
		"https://[evil.test]/":          false,
		IRI("https://a.test/" + strings.Repeat("x", maxIRI)): false,
		IRI("https://" + strings.Repeat("x", 300) + "/"):     false,
	} {
		if err := iri.Valid(); (err == nil) != want {
			t.Errorf("(%q).Valid() = %v, want valid = %t", iri, err, want)
		}
		if want != (iri.Host() != "") && len(iri) < 100 && !strings.ContainsAny(string(iri), "\n\x7f") && utf8.ValidString(string(iri)) && !strings.Contains(string(iri), "\u0085") {
			t.Errorf("(%q).Host() = %q, but Valid is %t", iri, iri.Host(), want)
		}
	}
}

func TestHost(t *testing.T) {
	for iri, want := range map[IRI]string{
		"https://A.Test/x":                "a.test",
		"https://a.test:443/x":            "a.test",
		"http://a.test:80/x":              "a.test",
		"HTTP://a.test:80":                "a.test",
		"http://a.test:443/x":             "a.test:443",
		"https://a.test:80/x":             "a.test:80",
		"https://a.test:8443?x":           "a.test:8443",
		"https://a.test:/x":               "a.test",
		"https://a.test#x":                "a.test",
		"https://rémote.example/":         "xn--rmote-bsa.example",
		"https://RÉMOTE.example:8443/":    "xn--rmote-bsa.example:8443",
		"https://xn--rmote-bsa.example/":  "xn--rmote-bsa.example",
		"https://[2001:DB8::1]:443/":      "[2001:db8::1]",
		"https://a.test.evil.test/a.test": "a.test.evil.test",
		"acct:ann@a.test":                 "",
	} {
		if got := iri.Host(); got != want {
			t.Errorf("(%q).Host() = %q, want %q", iri, got, want)
		}
	}
	if HostOf("https://a.test/x") != "a.test" || NormalHost("Rémote.example") != "xn--rmote-bsa.example" || NormalHost("a.test/x") != "" || NormalHost("a b") != "" || NormalHost("") != "" {
		t.Error("HostOf and NormalHost disagree with Host")
	}
}

func TestSameHost(t *testing.T) {
	for _, tt := range []struct {
		a, b IRI
		want bool
	}{
		{"https://a.test/1", "https://a.test/2", true},
		{"https://a.test/1", "https://A.TEST:443/2", true},
		{"http://a.test/1", "https://a.test/2", true},
		{"https://a.test/1", "https://a.test:8443/2", false},
		{"https://a.test/1", "https://b.a.test/2", false},
		{"https://a.test/1", "https://a.test.evil.test/2", false},
		{"https://a.test/1", "https://evila.test/2", false},
		{"https://rémote.example/1", "https://xn--rmote-bsa.example/1", true},
		{"https://remote.example/1", "https://rémote.example/1", false},
		{"https://remote.example/1", "https://rеmote.example/1", false}, // Cyrillic е
		{"", "", false},
		{"x", "x", false},
		{"https://a.test@b.test/1", "https://b.test/1", false},
	} {
		if SameHost(tt.a, tt.b) != tt.want || SameHost(tt.b, tt.a) != tt.want {
			t.Errorf("SameHost(%q, %q) is not %t", tt.a, tt.b, tt.want)
		}
	}
}

func TestValidUsername(t *testing.T) {
	for name, want := range map[string]bool{
		"bob": true, "Bob_1": true, "snarfed.org": true, "a-b": true, "ann~x": true, "localhost:3080": true,
		"josé": true, "山田": true, "борис": true, "lain日本": true, "1": true,
		"": false, "bob\n": false, "bob x": false, "bob\u00a0x": false, "\u202ebob": false, "b\u200bob": false,
		"bоb": false, "jose\u0301": false, "bob@b.test": false, "bob/x": false, "<b>": false, "bob\x00": false, "a\ufe0f🎉": false,
		"bob%40x": false, "αlpha": false, "bob\xff": false,
		strings.Repeat("x", 255): true, strings.Repeat("x", 256): false,
	} {
		if err := ValidUsername(name); (err == nil) != want {
			t.Errorf("ValidUsername(%q) = %v, want usable = %t", name, err, want)
		}
	}
}

func TestParseTime(t *testing.T) {
	at := func(ns int) time.Time { return noon.Add(time.Duration(ns)) }
	for s, want := range map[string]time.Time{
		"2026-03-01T12:00:00Z":            noon,
		"2026-03-01T12:00:00.123456Z":     at(123456000),
		"2026-03-01T14:00:00+02:00":       noon,
		"2026-03-01T14:00:00.5+0200":      at(5e8),
		"2026-03-01T14:00:00+02":          noon,
		"2026-03-01T12:00:00":             noon,
		"2026-03-01T12:00Z":               noon,
		"2026-03-01 12:00:00":             noon,
		"2026-03-01 14:00:00 +0200":       noon,
		"2026-03-01 12:00:00 UTC":         noon,
		" 2026-03-01T12:00:00Z ":          noon,
		"2026-03-01":                      noon.Add(-12 * time.Hour),
		"Sun, 01 Mar 2026 12:00:00 +0000": noon,
		"9999-12-31T23:59:59Z":            time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		"1900-01-01T00:00:00Z":            time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC),
		"":                                {},
		"not a date":                      {},
		"2026-02-30T25:61:61Z":            {},
		"2026-02-30T12:00:00Z":            {},
		"-200000-01-01T00:00:00Z":         {},
		"12026-01-01T00:00:00Z":           {},
		"1767268800":                      {},
		strings.Repeat("2", 1000):         {},
	} {
		got, err := ParseTime(s)
		if !got.Equal(want) || (err == nil) == want.IsZero() || got.Location() != time.UTC {
			t.Errorf("ParseTime(%q) = %v, %v, want %v", s, got, err, want)
		}
	}
}

func TestClampTime(t *testing.T) {
	early := time.Date(2007, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct{ t, want time.Time }{
		{time.Time{}, noon},
		{noon.Add(time.Second), noon},
		{noon, noon},
		{noon.Add(-time.Second), noon.Add(-time.Second)},
		{early, early},
		{early.Add(-time.Second), early},
		{time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC), early},
		{time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), noon},
	} {
		if got := ClampTime(tt.t, noon); !got.Equal(tt.want) {
			t.Errorf("ClampTime(%v) = %v, want %v", tt.t, got, tt.want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for s, want := range map[string]float64{
		"PT5151S": 5151, "PT1H2M3.5S": 3723.5, "P1DT1S": 86401, "P1W": 604800, "PT0S": 0, "12.5": 12.5, "213": 213,
		"": 0, "P": 0, "PT": 0, "P1Y": 0, "P1M": 0, "PTS": 0, "-PT5S": 0, "PT5": 0, "PT1.2.3S": 0, "five": 0, "-5": 0, "NaN": 0,
		"1e300": maxDuration, "P99999999D": maxDuration, "PT" + strings.Repeat("9", 100) + "S": 0,
	} {
		if got := parseDuration(s); got != want {
			t.Errorf("parseDuration(%q) = %v, want %v", s, got, want)
		}
	}
}

func TestIDsGrow(t *testing.T) {
	now := noon
	g := &IDs{Now: func() time.Time { return now }}
	last := int64(0)
	for i := range 200_000 { // More than fit into one millisecond.
		switch i {
		case 100_000:
			now = now.Add(time.Millisecond)
		case 150_000:
			now = now.Add(-time.Hour) // The clock was set back.
		}
		id := g.Next()
		if id <= last {
			t.Fatalf("id %d of the %dth follows %d", id, i, last)
		}
		last = id
	}
	if drift := TimeOf(last).Sub(noon); drift < 0 || drift > 5*time.Millisecond {
		t.Errorf("200,000 ids later the time is off by %s", drift)
	}
}

func TestIDsAreUniqueAcrossGoroutines(t *testing.T) {
	var g IDs // The zero value is ready.
	var mu sync.Mutex
	seen := map[int64]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				id := g.Next()
				mu.Lock()
				if seen[id] {
					t.Errorf("%d twice", id)
				}
				seen[id] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if got := time.Since(TimeOf(g.Next())); got < -time.Second || got > time.Minute {
		t.Errorf("an id of now is %s old", got)
	}
}

// Two nodes that make an id in the same millisecond should seldom make the same.
func TestNodesRarelyCollide(t *testing.T) {
	now := func() time.Time { return noon }
	same := 0
	for range 1000 {
		a, b := &IDs{Now: now}, &IDs{Now: now}
		if a.Next() == b.Next() {
			same++
		}
	}
	if same > 3 {
		t.Errorf("%d of 1,000 pairs collide", same)
	}
}

func TestAt(t *testing.T) {
	g := &IDs{}
	t0 := noon.Add(123456789 * time.Nanosecond)
	for range 100 {
		if got := TimeOf(g.At(t0)); !got.Equal(t0.Truncate(time.Millisecond)) {
			t.Fatalf("TimeOf(At(%v)) = %v", t0, got)
		}
	}
	if a, b := g.At(noon), g.At(noon); a == b && a == g.At(noon) {
		t.Error("the low bits are not random")
	}
	if g.At(noon) >= g.At(noon.Add(time.Millisecond)) {
		t.Error("ids do not sort by time")
	}
	if id := g.At(time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC)); id < 0 {
		t.Errorf("id %d before 1970", id)
	}
}
