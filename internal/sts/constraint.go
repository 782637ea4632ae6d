package sts

import (
	"strconv"
	"strings"
)

// constraints collects the constraints that a request breaks, since STS names
// all of them at once. The zero value has none broken.
type constraints struct {
	broken []string
}

// add notes a broken constraint, worded as the service does for members whose
// value it does not repeat.
func (c *constraints) add(member, constraint string) {
	c.broken = append(c.broken, "Value at '"+member+"' failed to satisfy constraint: "+constraint)
}

// length holds n, the length of member, between lo and hi.
func (c *constraints) length(member string, n, lo, hi int) {
	if n < lo {
		c.add(member, "Member must have length greater than or equal to "+strconv.Itoa(lo))
	}
	if n > hi {
		c.add(member, "Member must have length less than or equal to "+strconv.Itoa(hi))
	}
}

// err is nil, or the ValidationError that names what was broken.
func (c *constraints) err() error {
	if len(c.broken) == 0 {
		return nil
	}
	count := strconv.Itoa(len(c.broken)) + " validation error"
	if len(c.broken) > 1 {
		count += "s"
	}
	return &Error{Code: CodeValidation, Message: count + " detected: " + strings.Join(c.broken, "; ")}
}
