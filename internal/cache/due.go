package cache

import "time"

// Due is when credentials should be renewed ahead of their end
// (docs/architecture.md#floors-and-renewal): at 55 to 65 % of their life, so that no SDK is
// handed what makes it come straight back. Where those who asked want more than 40 % of the
// life left, they come back when their floor is reached, so renewal is due 1 to 4 minutes
// before (last time that it was served + floor) instead.
//
// jitter in [0,1) places the moment in its window; lastHandOut may be zero. The
// result is never after expires.
func Due(issued, expires, lastHandOut time.Time, maxFloor time.Duration, jitter float64) time.Time {
	life := expires.Sub(issued)
	due := issued.Add(Earliest(life) + time.Duration(0.10*jitter*float64(life)))
	if large(maxFloor, life) && !lastHandOut.IsZero() {
		early := time.Minute + time.Duration(jitter*float64(3*time.Minute))
		due = lastHandOut.Add(maxFloor - early)
	}
	if due.After(expires) {
		return expires
	}
	return due
}

// Earliest is how long after its exchange an entry of that life is due for renewal
// at the earliest, unless its callers are expected back.
func Earliest(life time.Duration) time.Duration { return time.Duration(0.55 * float64(life)) }

// large reports whether a floor exceeds 40 % of a life.
func large(floor, life time.Duration) bool { return 5*floor > 2*life }

// Due is when this entry's renewal is due.
func (e *Entry) Due() time.Time {
	return Due(e.Issued, e.Credentials.Expires, e.LastServed(), e.MaxFloor(), e.Jitter)
}
