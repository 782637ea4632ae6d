package rules

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/cognito-broker/broker/internal/sts"
)

// Claims that say which roles a user may have (docs/cognito.md#roles-from-the-token).
const (
	claimRoles     = "cognito:roles"
	claimPreferred = "cognito:preferred_role"
)

// Claims are what a login's token says of its user, by name. A value is a string,
// json.Number, bool, []any, map[string]any or nil; it is only read.
type Claims interface {
	Claim(name string) (any, bool)
}

// claimOf reads a claim; nil means that it is absent. What stands there as null
// says as little.
func claimOf(c Claims, name string) any {
	if c == nil {
		return nil
	}
	if value, ok := c.Claim(name); ok {
		return value
	}
	return nil
}

// claimText is a value as rules and tags compare it: strings as they are, numbers
// and booleans as in JSON. Other values have no text.
func claimText(value any) (text string, ok bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// matches decides one rule (docs/cognito.md#roles-from-rules, docs/fidelity.md#roles). A
// claim that is absent never matches, not even NotEqual. Of an array some element has to
// match, and for NotEqual every one: an empty array says as little as an absent claim. An
// element that is no text matches nothing, so an array that could hide the value never
// passes as one without it.
func (r Rule) matches(value any) bool {
	list, ok := value.([]any)
	switch {
	case !ok:
		return r.compare(value)
	case r.Match == "NotEqual":
		return len(list) > 0 && !slices.ContainsFunc(list, func(v any) bool { return !r.compare(v) })
	}
	return slices.ContainsFunc(list, r.compare)
}

func (r Rule) compare(value any) bool {
	text, ok := claimText(value)
	if !ok || r.Value == "" { // no value: the model forbids it, and every text contains it
		return false
	}
	switch r.Match {
	case "Equals":
		return text == r.Value
	case "Contains":
		return strings.Contains(text, r.Value)
	case "StartsWith":
		return strings.HasPrefix(text, r.Value)
	case "NotEqual":
		return text != r.Value
	}
	return false
}

// roleClaims are a token's two role claims. The zero value: it has none.
type roleClaims struct {
	listed    bool // cognito:roles is there, be it empty
	roles     []string
	preferred string
}

// readRoleClaims reads cognito:roles, an array or a text with commas, and
// cognito:preferred_role. ok is false if one is there and is not made of role ARNs:
// what cannot be read must not count as absent, which would yield the default role.
// It also tells a list from a role whose name has a comma in it.
func readRoleClaims(c Claims) (r roleClaims, ok bool) {
	var list []any
	roles := claimOf(c, claimRoles)
	r.listed = roles != nil
	switch v := roles.(type) {
	case nil:
	case []any:
		list = v
	case string:
		if v == "" {
			break
		}
		for role := range strings.SplitSeq(v, ",") {
			list = append(list, strings.TrimSpace(role))
		}
	default:
		return roleClaims{}, false
	}
	for _, v := range list {
		role, _ := v.(string)
		if _, isRole := sts.RoleAccount(role); !isRole {
			return roleClaims{}, false
		}
		r.roles = append(r.roles, role)
	}
	v := claimOf(c, claimPreferred)
	preferred, isText := v.(string)
	if _, isRole := sts.RoleAccount(preferred); v != nil && !isText || preferred != "" && !isRole {
		return roleClaims{}, false
	}
	r.preferred = preferred
	return r, true
}

// sole is the role that cognito:roles lists alone, or nothing.
func (r roleClaims) sole() string {
	if len(r.roles) == 0 || slices.ContainsFunc(r.roles, func(role string) bool { return role != r.roles[0] }) {
		return ""
	}
	return r.roles[0]
}

// maxShown bounds a claim's value in a trace, in characters.
const maxShown = 128

// shown is a claim's value for a trace, cut where it is long. An absent one shows
// nothing.
func shown(value any) string {
	text, ok := claimText(value)
	if !ok && value != nil {
		encoded, _ := json.Marshal(value) // it was decoded from JSON
		text = string(encoded)
	}
	if runes := []rune(text); len(runes) > maxShown {
		return string(runes[:maxShown-1]) + "…"
	}
	return text
}
