package sts

import (
	"slices"
	"unicode/utf8"
)

// Bounds of session policies.
const (
	maxPolicy     = 2048 // characters of an inline policy, and of all policies together
	maxPolicyARNs = 10
	maxPackedTags = 2048 // characters of tags and methods together
)

// policyChars says whether s keeps to the characters of a policy: Latin 1
// without controls other than white space.
func policyChars(s string) bool {
	for _, c := range s {
		if c > 0xFF || c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return utf8.ValidString(s)
}

// checkPolicyARNs takes policies of AWS and of the role's account, in the role's
// partition, each once.
func checkPolicyARNs(r role, arns []string) error {
	var c constraints
	for i, arn := range arns {
		if !r.mayTakePolicy(arn) {
			c.add(policyMember(i), "Member must be the ARN of a managed policy of the role's account or of AWS")
		}
		if slices.Contains(arns[:i], arn) {
			c.add(policyMember(i), "Member must not repeat another")
		}
	}
	return c.err()
}

// packedPercent is the share of the allotted space that session policies take,
// in percent, rounded up. What AWS counts is a packed form that it keeps to
// itself; ours is the text.
func packedPercent(policy string, arns []string) int {
	size := utf8.RuneCountInString(policy)
	for _, arn := range arns {
		size += len(arn)
	}
	return (size*100 + maxPolicy - 1) / maxPolicy
}

// packedTags is the share of the allotted space that session tags take, in percent, rounded
// up; none take none. The methods use the same space (docs/cognito.md#session-tags). Here
// too AWS's packed form is its own, and ours is the text.
func packedTags(w *WebIdentity) int {
	if len(w.Tags) == 0 {
		return 0
	}
	size := 0
	for key, value := range w.Tags {
		size += utf8.RuneCountInString(key) + utf8.RuneCountInString(value)
	}
	for _, entry := range w.AMR {
		size += len(entry)
	}
	return (size*100 + maxPackedTags - 1) / maxPackedTags
}
