// Package trust reads and judges trust policies of roles: who may assume one by a web
// identity (docs/cognito.md#trust-policies). It knows the part of IAM's language that such
// policies use, and refuses, when a policy is read, every element, operator, condition key
// and variable that it does not know: what is not understood never permits.
//
// It knows nothing of tokens: what a token proves comes in as plain values.
package trust

import (
	"fmt"
	"slices"
	"strings"
)

// maxPolicy bounds a policy, in bytes: IAM takes up to 4096 characters.
const maxPolicy = 4096

// Actions that a web identity needs.
const (
	actionAssume = "sts:AssumeRoleWithWebIdentity"
	actionTag    = "sts:TagSession"
)

// Policy is a trust policy that was read. It is immutable and safe for concurrent
// use.
type Policy struct{ statements []statement }

type statement struct {
	sid        string
	line       int
	deny       bool
	principals []string // federated ones; "*" is anyone
	allOfAWS   bool     // {"AWS": "*"} is among the principals
	actions    []string
	conditions []condition
}

// Request is who asks for a role, as proven.
type Request struct {
	Provider    string // the federated principal: the issuer of the token, without scheme
	Audience    string
	Subject     string
	AMR         []string
	SessionName string
	Tags        map[string]string // session tags; any makes sts:TagSession needed
}

// Decision is what a policy says of a request. The zero Decision denies.
type Decision struct {
	Allowed bool
	// Statement tells, by its Sid or its number from 1, which statement decided, or
	// came nearest to allow; empty where none spoke of the request at all.
	Statement string
	Line      int // in the policy's text, of what decided; from 1, 0 for none
	// Reason says in words why it was refused. It quotes the policy, and of the
	// request no more than the provider.
	Reason string
}

// Decide judges a request: refused where any statement denies it, allowed where
// one allows it, refused otherwise. A request without a provider is refused, and
// so is one whose tags have keys that differ in case alone.
func (p *Policy) Decide(r Request) Decision {
	if r.ambiguous() {
		return Decision{Reason: "the session has tags whose keys differ in case alone"}
	}
	decision := p.decide(r, actionAssume)
	if !decision.Allowed || len(r.Tags) == 0 {
		return decision
	}
	if tagging := p.decide(r, actionTag); !tagging.Allowed {
		tagging.Reason = "the session has tags, and " + actionTag + " is refused: " + tagging.Reason
		return tagging
	}
	return decision
}

func (p *Policy) decide(r Request, action string) Decision {
	var allowed, nearest Decision
	depth := -1
	for n := range p.statements {
		s := &p.statements[n]
		reached, line, reason := s.judge(&r, action)
		if s.deny {
			if reason == "" {
				return Decision{Statement: s.name(n), Line: s.line, Reason: "it is denied explicitly"}
			}
			continue
		}
		if reason == "" {
			if !allowed.Allowed {
				allowed = Decision{Allowed: true, Statement: s.name(n), Line: s.line}
			}
		} else if reached > depth {
			depth, nearest = reached, Decision{Statement: s.name(n), Line: line, Reason: reason}
		}
	}
	if allowed.Allowed {
		return allowed
	}
	if nearest.Reason == "" {
		nearest.Reason = "no statement allows " + action
	}
	return nearest
}

func (s *statement) name(n int) string {
	if s.sid != "" {
		return s.sid
	}
	return fmt.Sprint(n + 1)
}

// judge reports how far a request got in a statement, and why no further; an empty
// reason is all the way.
func (s *statement) judge(r *Request, action string) (reached, line int, reason string) {
	if !matchesAny(s.actions, action, true) {
		return 0, s.line, "its Action does not name " + action
	}
	if !s.names(r.Provider) {
		return 1, s.line, "its Principal does not name the provider " + r.Provider
	}
	for n := range s.conditions {
		c := &s.conditions[n]
		if !c.holds(r) {
			return 2 + n, c.line, c.refusal(r)
		}
	}
	return 2 + len(s.conditions), s.line, ""
}

// names reports whether the statement is about a principal. Principals are
// compared to the letter: they take no wildcard but "*" alone. Nobody is not
// anybody.
func (s *statement) names(federated string) bool {
	return federated != "" && (slices.Contains(s.principals, "*") || slices.Contains(s.principals, federated))
}

func matchesAny(patterns []string, text string, fold bool) bool {
	for _, p := range patterns {
		if matches(p, text, fold) {
			return true
		}
	}
	return false
}

// matches is IAM's pattern: * is any text, ? any one character. It takes at most
// as many steps as the lengths multiplied.
func matches(pattern, text string, fold bool) bool {
	if fold {
		pattern, text = strings.ToLower(pattern), strings.ToLower(text)
	}
	p, t := []rune(pattern), []rune(text)
	star, from := -1, 0
	i, j := 0, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '*':
			star, from = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == t[j]):
			i++
			j++
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}
