package cache_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cache"
)

// distant is a fleet of which nothing is known.
type distant struct {
	cache.Fleet // what a test does not expect to be called
	lease       *cache.Lease
}

func (d distant) Lease() *cache.Lease { return d.lease }

func ofFleet() *cache.Epochs {
	e := cache.NewEpochs()
	e.ShareWith(distant{lease: cache.NewLease()})
	return e
}

// Whose epochs the fleet told shares by them, and only with those who were told
// the same.
func TestFlightsShareByTheFleetsEpochs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f cache.Flights[int]
		epochs := ofFleet()
		runs := 0
		release := make(chan struct{})
		for _, told := range []byte{1, 1, 2, 1, 2} {
			stamp := epochs.Read("i/i", "p/p").With(map[cache.Scope]cache.Epoch{"i/i": {told}, "p/p": {1}})
			go f.Do(t.Context(), cache.Key{}, stamp, time.Minute, func(context.Context) (int, error) { runs++; <-release; return 0, nil })
			synctest.Wait()
		}
		close(release)
		synctest.Wait()
		if runs != 2 {
			t.Errorf("runs for askers who were told two epochs: got %d, want 2", runs)
		}
	})
}

// caller is one of TestFlightsOfUnknownEpochs. Times are its steps.
type asker struct {
	asked, left int // left 0: never
	leave       context.CancelFunc
	began       int // what his work tells: when it began
	led, ended  bool
	err         error
}

// Where the fleet's epochs are not known, everyone's work begins after he asked,
// one at a time, and he waits for no more than the one that he found.
func TestFlightsOfUnknownEpochs(t *testing.T) {
	steps := rapid.SliceOfN(rapid.SampledFrom([]string{"ask", "ask", "end", "leave"}), 1, 40)
	rapid.Check(t, func(rt *rapid.T) {
		todo, who := steps.Draw(rt, "steps"), rapid.SliceOfN(rapid.IntRange(0, 9), 40, 40).Draw(rt, "who leaves")
		var askers []*asker
		var begun []int
		synctest.Test(t, func(t *testing.T) { askers, begun = queueing(t, todo, who) })
		judge(rt, askers, begun)
	})
}

// queueing has callers come, leave and be served, and tells when work began.
func queueing(t *testing.T, todo []string, who []int) (askers []*asker, begun []int) {
	var f cache.Flights[int]
	epochs, release := ofFleet(), make(chan struct{})
	step, running := 0, 0
	work := func(context.Context) (int, error) {
		if running++; running > 1 {
			return 0, errors.New("another runs")
		}
		defer func() { running-- }()
		began := step
		begun = append(begun, began)
		<-release
		return began, nil
	}
	for i, do := range todo {
		step = i + 1
		switch do {
		case "ask":
			ctx, leave := context.WithCancel(t.Context())
			a := &asker{asked: step, leave: leave}
			askers = append(askers, a)
			go func() {
				a.began, a.led, a.err = f.Do(ctx, cache.Key{}, epochs.Read("i/i"), time.Minute, work)
				a.ended = true
			}()
		case "end":
			select {
			case release <- struct{}{}:
			default:
			}
		case "leave":
			if len(askers) > 0 {
				a := askers[who[i]%len(askers)]
				a.leave()
				a.left = cmp.Or(a.left, step)
			}
		}
		synctest.Wait()
	}
	close(release)
	synctest.Wait()
	for _, a := range askers {
		a.leave()
	}
	return askers, begun
}

func judge(t *rapid.T, askers []*asker, begun []int) {
	leads, before := map[int]int{}, 0
	for _, began := range begun {
		if !slices.ContainsFunc(askers, func(a *asker) bool { return before < a.asked && a.asked <= began && (a.left == 0 || a.left > began) }) {
			t.Errorf("what began at %d: nobody waited for it", began)
		}
		before = began
	}
	for _, a := range askers {
		want := -1 // what began next
		if i := slices.IndexFunc(begun, func(b int) bool { return b >= a.asked }); i >= 0 {
			want = begun[i]
		}
		switch {
		case !a.ended:
			t.Errorf("who asked at %d still waits when all has ended", a.asked)
		case a.left == 0 && a.err != nil, a.err != nil && !errors.Is(a.err, context.Canceled):
			t.Errorf("who asked at %d: got %v, want an answer", a.asked, a.err)
		case a.err == nil && a.began != want:
			t.Errorf("who asked at %d: got what began at %d, want what began next, at %d", a.asked, a.began, want)
		case a.led:
			leads[a.began]++
		}
	}
	for began, n := range leads {
		if n > 1 {
			t.Errorf("what began at %d was led by %d, want 1", began, n)
		}
	}
}

// A panic in queued work ends nobody else's.
func TestFlightsOfUnknownEpochsSurvivePanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f cache.Flights[int]
		stamp := ofFleet().Read("i/i")
		release := make(chan struct{})
		ask := func(work func(context.Context) (int, error)) <-chan error {
			ended := make(chan error, 1)
			go func() {
				_, _, err := f.Do(t.Context(), cache.Key{}, stamp, time.Minute, work)
				ended <- err
			}()
			synctest.Wait()
			return ended
		}
		first := ask(func(context.Context) (int, error) { <-release; panic("boom") })
		second := ask(func(context.Context) (int, error) { return 0, nil })
		close(release)
		if err := <-first; !errors.Is(err, cache.ErrPanicked) {
			t.Errorf("whose work panics: got %v, want ErrPanicked", err)
		}
		if err := <-second; err != nil {
			t.Errorf("the next: got %v, want no error", err)
		}
	})
}
