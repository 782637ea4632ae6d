package sts

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// Bounds of IAM's names.
const (
	minARN        = 20
	maxARN        = 2048
	maxRoleName   = 64
	maxPolicyName = 128
	maxPath       = 512
	maxPartition  = 32
	accountChars  = 12
)

// role is a role's ARN, taken apart.
type role struct {
	arn       string
	partition string
	account   string
	name      string // without the path
}

// parseRole takes arn:<partition>:iam::<account>:role/<path/><name> apart;
// false if arn is anything else.
func parseRole(arn string) (role, bool) {
	a, ok := parseIAM(arn)
	if !ok || !validAccount(a.account) {
		return role{}, false
	}
	resource, found := strings.CutPrefix(a.resource, "role/")
	if !found {
		return role{}, false
	}
	name, ok := iamName(resource, maxRoleName)
	return role{arn: arn, partition: a.partition, account: a.account, name: name}, ok
}

// RoleAccount is the account of the role that arn names; false if arn is no role's.
func RoleAccount(arn string) (account string, ok bool) {
	r, ok := parseRole(arn)
	return r.account, ok
}

// mayTakePolicy says whether arn is of a managed policy that a session of r may
// be limited by: one of AWS or of r's account.
func (r role) mayTakePolicy(arn string) bool {
	a, ok := parseIAM(arn)
	if !ok || a.partition != r.partition || a.account != "aws" && a.account != r.account {
		return false
	}
	resource, found := strings.CutPrefix(a.resource, "policy/")
	if !found {
		return false
	}
	_, ok = iamName(resource, maxPolicyName)
	return ok
}

// iamARN is arn:<partition>:iam::<account>:<resource>, taken apart.
type iamARN struct{ partition, account, resource string }

// parseIAM leaves account and resource to be judged. A path may have colons.
func parseIAM(arn string) (iamARN, bool) {
	if len(arn) < minARN || len(arn) > maxARN {
		return iamARN{}, false
	}
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" || parts[3] != "" || !validPartition(parts[1]) {
		return iamARN{}, false
	}
	return iamARN{partition: parts[1], account: parts[4], resource: parts[5]}, true
}

// iamName cuts the path off. Every part of a path has at least one character.
func iamName(resource string, longest int) (string, bool) {
	if strings.HasPrefix(resource, "/") || strings.Contains(resource, "//") {
		return "", false
	}
	path, name := "", resource
	if i := strings.LastIndexByte(resource, '/'); i >= 0 {
		path, name = resource[:i], resource[i+1:]
	}
	if len(path) > maxPath {
		return "", false
	}
	for i := range len(path) {
		if path[i] <= ' ' || path[i] >= 0x7f {
			return "", false
		}
	}
	return name, len(name) >= 1 && len(name) <= longest && nameChars(name)
}

// validPartition takes aws and its siblings aws-cn, aws-us-gov and so on.
func validPartition(s string) bool {
	if s == "aws" {
		return true
	}
	rest, found := strings.CutPrefix(s, "aws-")
	if !found || rest == "" || len(s) > maxPartition {
		return false
	}
	for i := range len(rest) {
		c := rest[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

func validAccount(s string) bool {
	if len(s) != accountChars {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// nameChars says whether s consists of [\w+=,.@-], the alphabet of role,
// policy and session names.
func nameChars(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte("_+=,.@-", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// assumedARN names the session as a principal. IAM leaves the role's path out.
func (r role) assumedARN(session string) string {
	return "arn:" + r.partition + ":sts::" + r.account + ":assumed-role/" + r.name + "/" + session
}

// assumedID is the role's unique id with the session name. There is no register
// of roles to draw an id from, so it follows from the ARN, under no key: it must
// not change when keys rotate.
func (r role) assumedID(session string) string {
	sum := sha256.Sum256([]byte("broker/sts/role-id/v1\x00" + r.arn))
	return "AROA" + base32.StdEncoding.EncodeToString(sum[:])[:17] + ":" + session
}
