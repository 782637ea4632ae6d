package httpapi

import (
	"encoding/json"
	"time"

	"github.com/cognito-broker/broker/internal/cognito"
)

// minRemaining reads a floor: a whole number of seconds, or a duration such as
// "20m".
func minRemaining(v any) (time.Duration, error) {
	bad := cognito.InvalidParameter("minRemaining must be a whole number of seconds or a duration such as \"20m\", at most 12h.")
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

// maxFloor is the longest life that any session can have.
const maxFloor = 12 * time.Hour

// only refuses members that a route does not know: a typo must not pass as
// "left out".
func only(tree map[string]any, known ...string) error {
	for name := range tree {
		ok := false
		for _, k := range known {
			ok = ok || k == name
		}
		if !ok {
			return unknownMember(name, known)
		}
	}
	return nil
}

func bounded(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}

// members leaves out what the caller left out.
func members(tree map[string]any) map[string]any {
	for name, v := range tree {
		if v == nil {
			delete(tree, name)
		}
	}
	return tree
}

// texts reads a map of texts whose types were checked before.
func texts(v any) map[string]string {
	tree, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	out := make(map[string]string, len(tree))
	for name, value := range tree {
		if text, ok := value.(string); ok {
			out[name] = text
		}
	}
	return out
}

// text reads a text whose type was checked before.
func text(v any) string {
	s, _ := v.(string)
	return s
}

// seconds reads a whole number of seconds whose type and bounds were checked
// before.
func seconds(v any) time.Duration {
	n, ok := v.(json.Number)
	if !ok {
		return 0
	}
	whole, err := n.Int64()
	if err != nil {
		return 0
	}
	return time.Duration(whole) * time.Second
}
