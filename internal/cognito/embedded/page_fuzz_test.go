package embedded

import (
	"bytes"
	"testing"
)

// A page token opens for the query that it was sealed for, as it was sealed; any
// other text is refused, however near.
func FuzzPageToken(f *testing.F) {
	f.Add("ListIdentities us-east-1:00 true", "us-east-1:01", "ListIdentities us-east-1:00 false", 0, "")
	f.Add("ListIdentityPools", "", "", 3, "\n")
	f.Add("LookupDeveloperIdentity us-east-1:00 us-east-1:01", "user\x00", "x", -1, "AA==")
	f.Add("", "last", "a", 1<<20, "-_é")
	pages, err := newPager(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		f.Fatal(err)
	}
	others, err := newPager(bytes.Repeat([]byte{2}, 32))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query, last, other string, at int, with string) {
		token := pages.next(query, last)
		if got, err := pages.last(query, &token); err != nil || got != last {
			t.Fatalf("what was sealed: got %q %v, want %q", got, err, last)
		}
		if other != query {
			refused(t, "for another query", pages, other, token)
		}
		refused(t, "under another key", others, query, token)
		refused(t, "a text of the caller's", pages, query, with)
		if at = min(max(at, 0), len(token)); with != "" {
			refused(t, "with something put in", pages, query, token[:at]+with+token[at:])
		}
		if end := min(at+len(with), len(token)); token[at:end] != with[:end-at] {
			refused(t, "with something replaced", pages, query, token[:at]+with[:end-at]+token[end:])
		}
		if at < len(token) {
			refused(t, "cut short", pages, query, token[:at])
		}
	})
}

func refused(t *testing.T, what string, p *pager, query, token string) {
	t.Helper()
	if got, err := p.last(query, &token); err == nil || got != "" {
		t.Errorf("%s: got %q, want a refusal", what, got)
	}
}
