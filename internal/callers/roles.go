package callers

import (
	"errors"
	"slices"
	"strings"
)

// anyRole is the pattern of all roles.
const anyRole = "*"

// arnParts are arn, partition, service, region, account and resource.
const arnParts = 6

// maxPattern is more than the longest ARN of a role has.
const maxPattern = 1024

// Every role's resource begins so.
const roleResource = "role/"

// rolePattern is an ARN in which, as in IAM's policies, * stands for any run of
// characters and ? for a single one, each within one of the ARN's six parts; or
// it is * alone, for all that there is. Case counts. It has six parts, or one: Config.check
// refuses all others.
type rolePattern []string

func newRolePattern(text string) rolePattern {
	if text == anyRole {
		return rolePattern{anyRole}
	}
	return strings.SplitN(text, ":", arnParts)
}

// checkRolePattern refuses patterns that no role's ARN could match.
func checkRolePattern(text string) error {
	p := newRolePattern(text)
	switch {
	case text == anyRole:
		return nil
	case len(text) > maxPattern:
		return errors.New("is longer than 1024 bytes")
	case len(p) < arnParts || p[0] != "arn":
		return errors.New("is no ARN of six parts")
	}
	resource := p[arnParts-1]
	fixed := resource
	if i := strings.IndexAny(resource, "*?"); i >= 0 {
		fixed = resource[:i]
	}
	if resource == "" || !strings.HasPrefix(fixed, roleResource) && !strings.HasPrefix(roleResource, fixed) {
		return errors.New("is not of a role")
	}
	return nil
}

func (p rolePattern) matches(role string) bool {
	if len(p) == 1 {
		return true
	}
	parts := strings.SplitN(role, ":", arnParts)
	if len(parts) != arnParts {
		return false
	}
	return !slices.ContainsFunc([]int{0, 1, 2, 3, 4, 5}, func(i int) bool { return !glob(p[i], parts[i]) })
}

// matchesEvery says whether every role of the account matches, whose partition is
// not looked at: the resource has no more than a beginning that all roles have.
func (p rolePattern) matchesEvery(account string) bool {
	if len(p) == 1 {
		return true
	}
	beginning, open := strings.CutSuffix(p[arnParts-1], "*")
	return open && strings.HasPrefix(roleResource, beginning) &&
		glob(p[2], "iam") && glob(p[3], "") && glob(p[4], account)
}

// glob matches text as a whole. It takes at most len(pattern) * len(text) steps.
func glob(pattern, text string) bool {
	p, t := 0, 0
	star, resume := -1, 0 // the last *, and where what follows it is tried next
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			resume++
			p, t = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
