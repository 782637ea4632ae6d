package httpapi

import (
	"context"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/flows"
)

// appendGrant writes what the full path would encode.
func TestAppendGrantProperty(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var texts [4]string
		for i := range texts {
			texts[i] = rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]*`)).Draw(r, "text")
		}
		moment := func(name string) time.Time {
			zone := time.FixedZone("", 60*rapid.IntRange(-720, 720).Draw(r, "zone of "+name))
			return time.Unix(0, rapid.Int64Range(0, 1<<62).Draw(r, name)).In(zone)
		}
		expires, refresh := moment("expires"), moment("refresh")
		want, err := encoded(answerGrant(&flows.Grant{IdentityID: texts[0], RefreshAfter: refresh, Credentials: cache.Credentials{
			IdentityID: texts[0], AccessKeyID: texts[1], SecretKey: texts[2], SessionToken: texts[3], Expires: expires,
		}}))
		if err != nil {
			r.Fatal(err)
		}
		got := appendGrant(nil, &cache.EntryView{
			IdentityID: []byte(texts[0]), AccessKeyID: []byte(texts[1]), SecretKey: []byte(texts[2]), SessionToken: []byte(texts[3]), Expires: expires,
		}, refresh)
		if string(got) != string(want.body) {
			r.Fatalf("got  %s\nwant %s", got, want.body)
		}
	})
}

// A context lasts for life at least, and for one and a half times life at most.
func TestSharedDeadline(t *testing.T) {
	const life = time.Minute
	d := newSharedDeadline(life)
	for range 3 {
		before := time.Now()
		end, ok := d.context().Deadline()
		if left := end.Sub(before); !ok || left < life || left > 3*life/2+time.Since(before) {
			t.Errorf("got a context of %v, want %v to %v", left, life, 3*life/2)
		}
	}
	if d.context() != d.context() {
		t.Error("got two contexts at once, want one for both")
	}
}

// looks counts reads of an entry that the fleet does not have.
type looks int

func (l *looks) Read(context.Context) (*cache.EntryView, error) { *l++; return nil, nil }

// Where the fleet had nothing, the next replay reads there once more for an entry that is
// still valid, but not for one that was ended.
func TestReplayFindsNothing(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(*cache.Epochs)
		want    looks
	}{
		"it stands":    {func(*cache.Epochs) {}, 2},
		"it was ended": {func(e *cache.Epochs) { e.End("p/p") }, 1},
	} {
		memo, err := cache.NewMemo(10, false)
		if err != nil {
			t.Fatal(err)
		}
		defer memo.Close()
		now, epochs, spot := time.Now(), cache.NewEpochs(), new(looks)
		entry := &cache.Entry{Credentials: cache.Credentials{Expires: now.Add(time.Hour)}, Issued: now, Stamp: epochs.Read("i/i", "p/p")}
		key := memo.Key([]byte("r"), 0, []byte("b"))
		memo.Put(key, now, &cache.MemoCondition{Entry: entry, Ref: spot}, nil)
		s := &Server{
			Config:   Config{Memo: memo, Flows: flows.New(flows.Config{}), Now: time.Now},
			deadline: newSharedDeadline(time.Second),
		}
		test.happens(epochs)
		app := fiber.New()
		c := app.AcquireCtx(new(fasthttp.RequestCtx))
		for range 2 {
			if s.replay(c, key, now, &restResponder, nil) {
				t.Errorf("%s: answered with nothing", name)
			}
		}
		app.ReleaseCtx(c)
		if *spot != test.want {
			t.Errorf("%s: looked %d times, want %d", name, *spot, test.want)
		}
	}
}
