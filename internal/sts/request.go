package sts

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of a session's life.
const (
	MinDuration = 15 * time.Minute
	MaxDuration = 12 * time.Hour
)

// defaultDuration is the life of a session whose Request asks for none.
const defaultDuration = time.Hour

// Bounds of a request's members. The identity's are ours: STS takes what the
// provider signed, while here they travel inside the session token.
const (
	minSessionName = 2
	maxSessionName = 64
	minToken       = 4
	maxToken       = 20000
	maxIdentity    = 255 // provider, audience, subject
	maxAMR         = 64
	maxAMREntry    = 2048
	maxTags        = 50
	maxTagKey      = 128 // characters
	maxTagValue    = 256 // characters
)

// check holds req against STS's constraints; the role comes back taken apart.
// Whose account it is in is not looked at.
func (req *AssumeRequest) check() (role, error) {
	var c constraints
	req.constrain(&c)
	req.Identity.constrain(&c)
	if err := c.err(); err != nil {
		return role{}, err
	}
	return req.resolve()
}

// check holds r against STS's constraints, all but the token's truth. What comes
// back lacks the identity.
func (r *Request) check() (AssumeRequest, error) {
	req := AssumeRequest{
		RoleARN: r.RoleARN, SessionName: r.SessionName, Duration: r.Duration,
		Policy: r.Policy, PolicyARNs: r.PolicyARNs,
	}
	if req.Duration == 0 {
		req.Duration = defaultDuration
	}
	var c constraints
	req.constrain(&c)
	c.length("webIdentityToken", len(r.Token), minToken, maxToken)
	if r.ProviderID != "" {
		c.add("providerId", "Member must be absent for tokens of OpenID Connect providers")
	}
	if err := c.err(); err != nil {
		return AssumeRequest{}, err
	}
	_, err := req.resolve()
	return req, err
}

// constrain notes what breaks the model, member by member, but for the identity.
func (req *AssumeRequest) constrain(c *constraints) {
	c.length("roleArn", len(req.RoleARN), minARN, maxARN)
	c.length("roleSessionName", len(req.SessionName), minSessionName, maxSessionName)
	if !nameChars(req.SessionName) {
		c.add("roleSessionName", `Member must satisfy regular expression pattern: [\w+=,.@-]*`)
	}
	constrainDuration(c, req.Duration)
	constrainPolicies(c, req.Policy, req.PolicyARNs)
}

func constrainDuration(c *constraints, d time.Duration) {
	if d < MinDuration {
		c.add("durationSeconds", "Member must have value greater than or equal to 900")
	}
	if d > MaxDuration {
		c.add("durationSeconds", "Member must have value less than or equal to 43200")
	}
}

func constrainPolicies(c *constraints, policy string, arns []string) {
	if policy != "" {
		c.length("policy", utf8.RuneCountInString(policy), 1, maxPolicy)
		if !policyChars(policy) {
			c.add("policy", `Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+`)
		}
	}
	c.length("policyArns", len(arns), 0, maxPolicyARNs)
	for i, arn := range arns[:min(len(arns), maxPolicyARNs)] {
		c.length(policyMember(i), len(arn), minARN, maxARN)
	}
}

// policyMember names the i-th managed policy, counted from one as the protocol does.
func policyMember(i int) string { return "policyArns." + strconv.Itoa(i+1) + ".member.arn" }

// resolve takes the role apart and judges the session policies, which hang on it.
func (req *AssumeRequest) resolve() (role, error) {
	r, ok := parseRole(req.RoleARN)
	if !ok {
		return role{}, &Error{Code: CodeValidation, Message: msgInvalidARN}
	}
	if err := checkPolicyARNs(r, req.PolicyARNs); err != nil {
		return role{}, err
	}
	if req.Policy != "" {
		if err := checkDocument(req.Policy); err != nil {
			return role{}, err
		}
	}
	if percent := packedPercent(req.Policy, req.PolicyARNs); percent > 100 {
		return role{}, packedTooLarge("session policy", percent)
	}
	if percent := packedTags(&req.Identity); percent > 100 {
		return role{}, packedTooLarge("session tags", percent)
	}
	return r, nil
}

func (w *WebIdentity) constrain(c *constraints) {
	c.length("provider", len(w.Provider), 1, maxIdentity)
	c.length("audience", len(w.Audience), 1, maxIdentity)
	c.length("subject", len(w.Subject), 1, maxIdentity)
	c.length("amr", len(w.AMR), 0, maxAMR)
	for _, entry := range w.AMR[:min(len(w.AMR), maxAMR)] {
		c.length("amr", len(entry), 1, maxAMREntry)
	}
	c.length("tags", len(w.Tags), 0, maxTags)
	for key, value := range w.Tags {
		c.length("tags", utf8.RuneCountInString(key), 1, maxTagKey)
		c.length("tags", utf8.RuneCountInString(value), 0, maxTagValue)
	}
	if w.ambiguous() {
		c.add("tags", "Member must have keys that differ in more than case")
	}
}

// ambiguous reports whether tags have keys that differ in case alone: to conditions
// they are one, and either value could be meant.
func (w *WebIdentity) ambiguous() bool {
	if len(w.Tags) > maxTags { // refused; not worth the work
		return false
	}
	keys := slices.Collect(maps.Keys(w.Tags))
	for n, key := range keys {
		if slices.ContainsFunc(keys[:n], func(other string) bool { return strings.EqualFold(other, key) }) {
			return true
		}
	}
	return false
}
