package httpapi

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/cognito-broker/broker/internal/cognito"
)

// floor is the least remaining life that a request asks for: a whole number of seconds,
// or a duration such as "20m". Left out it is zero.
type floor time.Duration

func (f *floor) read(v any) error {
	d, err := minRemaining(v)
	*f = floor(d)
	return err
}

// minRemaining reads a floor. It fails with InvalidParameterException.
func minRemaining(v any) (time.Duration, error) {
	const maxFloor = 12 * time.Hour // the longest life of any session
	bad := cognito.InvalidParameter(
		"minRemaining must be a whole number of seconds or a duration such as \"20m\", at most 12h.")
	var d time.Duration
	switch v := v.(type) {
	case nil:
		return 0, nil
	case json.Number:
		n, err := v.Int64()
		if err != nil || n > int64(maxFloor/time.Second) {
			return 0, bad
		}
		d = time.Duration(n) * time.Second
	case string:
		parsed, err := time.ParseDuration(v)
		if err != nil {
			return 0, bad
		}
		d = parsed
	default:
		return 0, bad
	}
	if d < 0 || d > maxFloor {
		return 0, bad
	}
	return d, nil
}

// optional is a member whose faults its route words itself, for they depend on other
// members.
type optional[T any] struct {
	value T
	given bool // not left out, nor null
	fits  bool // of the right type
}

func (m *optional[T]) read(v any) error {
	m.given = v != nil
	m.value, m.fits = v.(T)
	return nil
}

// seconds is a duration in whole seconds, whose bounds are the model's to check.
type seconds time.Duration

func (s *seconds) read(v any) error {
	if n, ok := v.(json.Number); ok {
		whole, _ := n.Int64() // the model refuses what is no whole number
		*s = seconds(time.Duration(whole) * time.Second)
	}
	return nil
}

// only refuses members that a route does not know: a misspelt name must not count as
// left out.
func only(tree map[string]any, known ...string) error {
	for name := range tree {
		if !slices.Contains(known, name) {
			return unknownMember(name, known)
		}
	}
	return nil
}

// bounded is the beginning of a text, for messages.
func bounded(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}

// members leaves out what is null.
func members(tree map[string]any) map[string]any {
	for name, v := range tree {
		if v == nil {
			delete(tree, name)
		}
	}
	return tree
}

// texts are the members of an object that are strings.
func texts(tree map[string]any) map[string]string {
	out := make(map[string]string, len(tree))
	for name, value := range tree {
		if text, ok := value.(string); ok {
			out[name] = text
		}
	}
	return out
}
