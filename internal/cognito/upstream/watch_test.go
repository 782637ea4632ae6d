package upstream_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/upstream"
)

// heard notes what a Directory tells; deaf takes no note of what was learnt.
type heard struct {
	all  []string
	deaf bool
}

func (h *heard) Learned(id, pool string, authenticated bool) bool {
	h.all = append(h.all, fmt.Sprint("learned ", id, " ", authenticated))
	return !h.deaf
}

func (h *heard) Forgot(id string) { h.all = append(h.all, "forgot "+id) }

// take returns what was heard since the last time.
func (h *heard) take() []string {
	all := h.all
	h.all = nil
	return all
}

// A watcher hears what is new, and of the rest now and then, as long as it was not
// told by another Directory.
func TestDirectoryTells(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	b, err := upstream.New(upstream.Config{Region: "us-east-1", Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	d, w := b.Directory(), &heard{}
	d.Watch(w)
	owns := func() { d.Owns(pool, "idp", "user", id) }
	for _, c := range []struct {
		what string
		do   func()
		want []string
	}{
		{"of what another told", func() { d.Recall(survivor, pool, false) }, nil},
		{"that a guest became a user", func() {
			d.Owns(pool, "idp", "next", survivor)
		}, []string{"learned " + survivor + " true"}},
		{"of another region", func() { d.Owns(pool, "idp", "user", "us-west-2:1") }, nil},
		{"while it takes no note", func() { w.deaf = true; owns(); w.deaf = false }, []string{"learned " + id + " true"}},
		{"what it took no note of", owns, []string{"learned " + id + " true"}},
		{"the same", owns, nil},
		{"less", func() { d.Recall(id, pool, false); owns() }, nil},
		{"the same, a while later", func() {
			now = now.Add(10 * time.Minute)
			owns()
			owns()
		}, []string{"learned " + id + " true"}},
	} {
		c.do()
		if got := w.take(); !slices.Equal(got, c.want) {
			t.Errorf("%s: heard %q, want %q", c.what, got, c.want)
		}
	}
	if got, want := known(d, survivor), pool+" authenticated"; got != want {
		t.Errorf("what was told: got %q, want %q", got, want)
	}
}

// A watcher hears of identities that upstream does not have, if anybody knew them.
func TestDirectoryTellsWhatIsGone(t *testing.T) {
	w := &heard{}
	playTo(t, w, []step{
		{operation: "GetId", answer: `{"IdentityId":"` + id + `"}`},
		{operation: "GetCredentialsForIdentity", answer: "ResourceNotFoundException"},
		{operation: "GetCredentialsForIdentity", answer: "ResourceNotFoundException"},
		{operation: "GetId", answer: `{"IdentityId":"` + id + `"}`},
		{operation: "DeleteIdentityPool"},
	})
	want := []string{"learned " + id + " true", "forgot " + id, "learned " + id + " true", "forgot " + id}
	if got := w.take(); !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
}
