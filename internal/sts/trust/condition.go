package trust

import (
	"slices"
	"strings"
)

// keyPrefix begins the condition keys of tokens of Cognito's own. It stays what it
// is whatever the issuer of the tokens.
const keyPrefix = provider + ":"

// provider is the federated principal of such tokens.
const provider = "cognito-identity.amazonaws.com"

// quantifier is how a condition takes a key of several values.
type quantifier int

const (
	single quantifier = iota
	forAny
	forAll
)

// condition is one operator on one key.
type condition struct {
	line     int
	operator string // as the policy has it
	key      string // likewise
	values   []string

	quantifier quantifier
	negated    bool
	like, fold bool
	ifExists   bool
	null       bool // the Null operator; values are truth values
	read       reader
}

// reader is what a request has of a key; ok is false where it has none.
type reader func(r *Request) (values []string, ok bool)

// keyOf finds a condition key; multi says that it holds several values. Names of
// keys are case-insensitive.
func keyOf(name string) (read reader, multi, ok bool) {
	one := func(get func(r *Request) string) reader {
		return func(r *Request) ([]string, bool) { v := get(r); return []string{v}, v != "" }
	}
	switch lower := strings.ToLower(name); {
	case lower == keyPrefix+"aud":
		return one(func(r *Request) string { return r.Audience }), false, true
	case lower == keyPrefix+"sub":
		return one(func(r *Request) string { return r.Subject }), false, true
	case lower == keyPrefix+"amr":
		return func(r *Request) ([]string, bool) { return r.AMR, len(r.AMR) > 0 }, true, true
	case lower == "sts:rolesessionname":
		return one(func(r *Request) string { return r.SessionName }), false, true
	case lower == "aws:tagkeys":
		return tagKeys, true, true
	case strings.HasPrefix(lower, "aws:requesttag/") && len(lower) > len("aws:requesttag/"):
		return requestTag(name[len("aws:requesttag/"):]), false, true
	}
	return nil, false, false
}

func tagKeys(r *Request) ([]string, bool) {
	var keys []string
	for key := range r.Tags {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys, len(keys) > 0
}

func requestTag(name string) reader {
	return func(r *Request) ([]string, bool) {
		for key, value := range r.Tags {
			if strings.EqualFold(key, name) {
				return []string{value}, true
			}
		}
		return nil, false
	}
}

// ambiguous reports whether two tags have one name: names of tags are
// case-insensitive in conditions, and either value could be meant.
func (r *Request) ambiguous() bool {
	keys, _ := tagKeys(r)
	for n, key := range keys {
		if slices.ContainsFunc(keys[:n], func(other string) bool { return strings.EqualFold(other, key) }) {
			return true
		}
	}
	return false
}

// readOperator takes an operator's name apart.
func (c *condition) readOperator(name string) bool {
	c.operator = name
	rest, any := strings.CutPrefix(name, "ForAnyValue:")
	rest, all := strings.CutPrefix(rest, "ForAllValues:")
	switch {
	case any && all:
		return false
	case any:
		c.quantifier = forAny
	case all:
		c.quantifier = forAll
	}
	if rest == "Null" {
		c.null = true
		return c.quantifier == single
	}
	rest, c.ifExists = strings.CutSuffix(rest, "IfExists")
	switch rest {
	case "StringEquals":
	case "StringNotEquals":
		c.negated = true
	case "StringEqualsIgnoreCase":
		c.fold = true
	case "StringNotEqualsIgnoreCase":
		c.negated, c.fold = true, true
	case "StringLike":
		c.like = true
	case "StringNotLike":
		c.negated, c.like = true, true
	default:
		return false
	}
	return true
}

// holds decides as IAM does. Without the key a condition fails, unless it is
// negated, speaks for all values, or says IfExists.
func (c *condition) holds(r *Request) bool {
	values, ok := c.read(r)
	if c.null {
		return slices.Contains(c.values, map[bool]string{true: "false", false: "true"}[ok])
	}
	if !ok {
		return c.ifExists || c.quantifier == forAll || c.negated && c.quantifier == single
	}
	good := func(value string) bool { return c.matched(value) != c.negated }
	if c.quantifier == forAny {
		return slices.ContainsFunc(values, good)
	}
	for _, value := range values {
		if !good(value) {
			return false
		}
	}
	return true
}

// matched reports whether a value is one of the condition's.
func (c *condition) matched(value string) bool {
	return slices.ContainsFunc(c.values, func(want string) bool {
		switch {
		case c.like:
			return matches(want, value, false)
		case c.fold:
			return strings.EqualFold(want, value)
		}
		return want == value
	})
}

// refusal says in words why the condition does not hold. Only the policy is quoted.
func (c *condition) refusal(r *Request) string {
	what := "condition " + c.operator + " on " + c.key + " does not hold: "
	if _, ok := c.read(r); !ok {
		return what + "the request has no such value"
	}
	if c.null {
		return what + "the request has such a value"
	}
	list := strings.Join(c.values, ", ")
	switch {
	case c.quantifier == forAll && !c.negated:
		return what + "the request has others than " + list
	case c.quantifier == forAny && c.negated:
		return what + "the request has no others than " + list
	case c.negated:
		return what + "the request has one of " + list
	}
	return what + "the request has none of " + list
}
