package flows

import (
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// What is told of an entry's use, and when; it was told of at start.
func TestUsageIsReportedLazily(t *testing.T) {
	const m, idle = time.Minute, 20 * time.Minute
	start := time.Unix(1_800_000_000, 0)
	once := cache.Usage{Serves: 1, ServedAt: start, AskedAt: start, Floor: 20 * m}
	twice := once
	twice.Serves = 2
	for name, c := range map[string]struct {
		used  entryUse
		outs  int           // serves since
		floor time.Duration // of those who asked
		life  time.Duration // zero: an hour
		after time.Duration
		want  bool
	}{
		"the first serve":  {entryUse{}, 1, 20 * m, 0, 0, true},
		"nothing new":      {entryUse{reported: once}, 0, 0, 0, 10 * m, false},
		"the second":       {entryUse{reported: once}, 2, 20 * m, 0, 0, true},
		"the third":        {entryUse{reported: twice}, 3, 20 * m, 0, 0, false},
		"the third, later": {entryUse{reported: twice}, 3, 20 * m, 0, 30 * m, false},
		"a larger floor":   {entryUse{reported: twice}, 3, 21 * m, 0, 0, true},
		"one that the fleet knows": {
			entryUse{reported: cache.Usage{Serves: 2, Floor: 21 * m}}, 3, 21 * m, 0, 0, false,
		},
		"expected back, at once": {
			entryUse{reported: cache.Usage{Serves: 2, Floor: 51 * m}}, 3, 51 * m, 0, 3 * m, false,
		},
		"expected back, later": {
			entryUse{reported: cache.Usage{Serves: 2, Floor: 51 * m}}, 3, 51 * m, 0, 4 * m, true,
		},
		"one of two brokers, later": {entryUse{reported: once}, 1, 20 * m, 0, 4 * m, true},
		"a short life, later":       {entryUse{reported: twice}, 3, 10 * m, 30 * m, 4 * m, true},
		"what failed, at once":      {entryUse{reported: once, failed: true}, 2, 51 * m, 0, 29 * time.Second, false},
		"what failed, later":        {entryUse{reported: once, failed: true}, 2, 51 * m, 0, 30 * time.Second, true},
		"fresher tokens": {
			entryUse{reported: twice, requestExpires: start.Add(30 * m)}, 3, 20 * m, 0, 0, true,
		},
		"fresher by little": {
			entryUse{reported: twice, requestExpires: start.Add(59*m + 30*time.Second)}, 3, 20 * m, 0, 0, false,
		},
		"fresher ones that expired meantime": {
			entryUse{reported: twice, until: start.Add(m), requestExpires: start.Add(-time.Hour)}, 3, 20 * m, 0, 2 * m, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.life == 0 {
				c.life = time.Hour
			}
			one := c.used
			one.call = &provedRequest{}
			one.entry = &cache.Entry{Issued: start, Credentials: cache.Credentials{Expires: start.Add(c.life)}}
			if one.reported != (cache.Usage{}) {
				one.reportedAt = start
			}
			if one.requestExpires.IsZero() && !one.reportedAt.IsZero() {
				one.requestExpires = start.Add(c.life)
			}
			now := start.Add(c.after)
			for range c.outs {
				one.entry.RecordServe(now.Add(time.Millisecond), c.floor)
			}
			if got := one.worthReporting(now, idle); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// Of the tokens that clients bring, those that last longest are kept.
func TestUsageKeepsTheFreshestCall(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	e := &cache.Entry{Issued: start, Credentials: cache.Credentials{Expires: start.Add(time.Hour)}}
	u := newUsageReports(20*time.Minute, 2)
	ask := func(key byte, role string, life time.Duration) {
		q := query{request: request{Role: role}, key: cache.Key{key}}
		if life != 0 {
			q.expires = start.Add(life)
		}
		u.record(e, q, start)
	}
	for _, c := range []struct {
		role string
		life time.Duration
		want string
	}{
		{"first", 10 * time.Minute, "first"},
		{"older", 9 * time.Minute, "first"},
		{"fresher", 11 * time.Minute, "fresher"},
		{"for ever", 0, "for ever"},
		{"an hour", time.Hour, "for ever"},
	} {
		if ask(1, c.role, c.life); u.by[cache.Key{1}].call.request.Role != c.want {
			t.Errorf("after %s: got %q, want %q", c.role, u.by[cache.Key{1}].call.request.Role, c.want)
		}
	}
	again := &cache.Entry{Issued: start, Credentials: e.Credentials}
	again.RecordServe(start, 0)
	u.record(again, query{key: cache.Key{1}}, start)
	u.record(&cache.Entry{Issued: start, Credentials: e.Credentials}, query{key: cache.Key{1}}, start)
	if got := u.by[cache.Key{1}].usage().Serves; got != 1 {
		t.Errorf("got %d serves, want that of the copy too", got)
	}
	ask(2, "", 0)
	ask(3, "", 0)
	if len(u.by) != 2 {
		t.Errorf("got %d entries followed, want no more than 2", len(u.by))
	}
	if got := len(u.nextReports(start)); got != 2 {
		t.Errorf("got %d reports, want one for each entry", got)
	}
	if got := len(u.nextReports(start)); got != 0 {
		t.Errorf("got %d reports more, want none", got)
	}
}

// A call that the fleet keeps is not kept here too. When the fleet has it no more, or the entry
// is another, that of the next client is told.
func TestNoCallIsKeptThatTheFleetKeeps(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	const life = time.Hour
	e := &cache.Entry{Issued: start, Credentials: cache.Credentials{Expires: start.Add(life)}}
	renewed := &cache.Entry{Issued: start.Add(life / 2), Credentials: cache.Credentials{Expires: start.Add(2 * life)}}
	u, key := newUsageReports(20*time.Minute, 2), cache.Key{1}
	for _, step := range []struct {
		name   string
		entry  *cache.Entry
		expire time.Duration // of the client's tokens
		told   time.Duration // until when the fleet says that it keeps a call; -1: it says nothing
		brings bool          // the report has a call
		of     string        // whose it is
		kept   bool          // a call, after the fleet's answer
	}{
		{"first, unanswered", e, life, -1, true, "first, unanswered", true},
		{"first, answered", e, life, life, true, "first, unanswered", false},
		{"again", e, life, life, false, "", false},
		{"fresher, for the same entry", e, 2 * life, life, false, "", false},
		{"evicted", e, 2 * life, 0, false, "", false},
		{"after that", e, 2 * life, life, true, "after that", false},
		{"renewed, with older tokens", renewed, life * 3 / 2, 0, true, "renewed, with older tokens", true},
		{"with the same tokens", renewed, life * 3 / 2, life * 3 / 2, true, "renewed, with older tokens", false},
		{"with fresher tokens", renewed, 2 * life, 2 * life, true, "with fresher tokens", false},
	} {
		now := start.Add(time.Minute)
		u.record(step.entry, query{
			request: request{Role: step.name}, key: key, evidence: evidence{expires: start.Add(step.expire)},
		}, now)
		one := u.by[key]
		one.queued, u.queue = true, []cache.Key{key} // whether it is told yet is another test's
		reports := u.nextReports(now)
		if len(reports) != 1 || (reports[0].Call != nil) != step.brings {
			t.Fatalf("%s: got a call told %v, want %v", step.name, reports[0].Call != nil, step.brings)
		}
		if step.brings {
			if call, _ := decodeProved(reports[0].Call); call.request.Role != step.of {
				t.Errorf("%s: got the call of %q, want that of %q", step.name, call.request.Role, step.of)
			}
		}
		told := []cache.SharedUsage{{Issued: step.entry.Issued, RequestExpires: start.Add(step.told)}}
		switch step.told {
		case -1:
			told = nil
		case 0:
			told[0].RequestExpires = time.Time{}
		}
		u.recordAnswers(reports, told)
		if kept := one.call != nil; kept != step.kept {
			t.Errorf("%s: got a call kept %v, want %v", step.name, kept, step.kept)
		}
	}
}
