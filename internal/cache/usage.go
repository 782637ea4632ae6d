package cache

import "time"

// Usage is what is known of the requests for an entry.
type Usage struct {
	// Serves is how often it was served since the exchange that brought it.
	// Of several brokers together, two stands for more.
	Serves int64
	// ServedAt is when that was last; zero: never.
	ServedAt time.Time
	// AskedAt is when it, or what it renewed, was served last; zero: never.
	AskedAt time.Time
	// Floor is the largest of those who were served since the exchange.
	Floor time.Duration
}

// Expected reports whether those who were served want so much of a life that they
// come back at a known time, for which Due has the entry renewed.
func (u Usage) Expected(life time.Duration) bool { return u.Serves > 0 && large(u.Floor, life) }

// Wanted decides about an entry of that life whose renewal is due: somebody is
// expected back, or asked within idle, or twice since the exchange.
func (u Usage) Wanted(now time.Time, life, idle time.Duration) bool {
	return u.Expected(life) || now.Sub(u.AskedAt) <= idle || u.Serves > 1
}

// Usage is what this process knows of the entry's use.
func (e *Entry) Usage() Usage {
	return Usage{Serves: e.Serves(), ServedAt: e.LastServed(), AskedAt: e.LastAsked(), Floor: e.MaxFloor()}
}

// timeOf is the time of Unix nanoseconds; zero is none.
func timeOf(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

// Due is when an entry of this use is due for renewal by tokens that expire then;
// zero: never. Where they expire within the window of 55 to 65 % of its life, that
// is a minute before, if the window has begun.
func (u Usage) Due(e *Entry, tokens time.Time) time.Time {
	due := Due(e.Issued, e.Credentials.Expires, u.ServedAt, u.Floor, e.Jitter)
	if tokens.IsZero() || large(u.Floor, e.Life()) || !due.After(tokens.Add(-lastMinute)) {
		return due
	}
	opens := e.Issued.Add(Earliest(e.Life()))
	if last := tokens.Add(-lastMinute); last.After(opens) {
		return last
	}
	if opens.Before(tokens) {
		return opens
	}
	return due
}

// lastMinute is how long before its tokens expire a renewal is made that could be
// made later otherwise.
const lastMinute = time.Minute
