package redisconn

import "time"

// What a breaker is told.
var (
	ErrFailed  = errFailed
	ErrNothing = errNothing
)

// Bounds of a breaker.
const (
	MinFailures   = minFailures
	TripWindow    = 1500 * time.Millisecond // at the default time-outs
	OpenFor       = openFor
	ProbesToClose = probesToClose
)

// Breaker is a breaker whose probes wait for a sign of life, or do not.
type Breaker struct{ *breaker }

// NewBreaker returns a closed one.
func NewBreaker(signed bool) Breaker { return Breaker{newBreaker(signed, TripWindow/windowTimeouts)} }

// Allow admits a command, whose outcome done must be told.
func (b Breaker) Allow(urgent bool) (done func(error), err error) { return b.allow(urgent) }

// Open reports whether the server is asked nothing, or only tried.
func (b Breaker) Open() bool { return b.open() }

// HealthOf is what an error tells of a server, and whether that ends reads too.
func HealthOf(err error) (words string, answers, writes bool) {
	h := healthOf(err)
	return h.String(), h.noAnswers(), h.noWrites()
}

// RightsCheck is what is known of rights on a server.
type RightsCheck struct{ rightsCheck }

// Dialed, Refused, Finished, Due, Unexplained and MissingRules tell of it: that a connection
// was made, that the server refused something, what a check found, whether one is due,
// whether what was refused has no name, and what is missing.
func (c *RightsCheck) Dialed()                    { c.dials.Add(1) }
func (c *RightsCheck) Refused()                   { c.refusedAt.Store(time.Now().UnixNano()) }
func (c *RightsCheck) Finished(missing ...string) { c.finished(missing) }
func (c *RightsCheck) Due() bool                  { return c.due() }
func (c *RightsCheck) Unexplained() bool          { return c.unexplained() }
func (c *RightsCheck) MissingRules() string       { return c.missingRules() }
