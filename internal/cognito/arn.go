package cognito

import (
	"regexp"
	"strings"
)

var poolARN = regexp.MustCompile(
	`\Aarn:aws(?:-[a-z]+)*:cognito-identity:([a-z0-9-]+):[0-9]{12}:identitypool/([\w-]+:[0-9a-f-]+)\z`)

// PoolOfARN is the id of the pool that a resource's ARN names (docs/cognito.md#pools). The
// region stands there twice and must be the same.
func PoolOfARN(arn string) (pool string, ok bool) {
	m := poolARN.FindStringSubmatch(arn)
	if m == nil || !strings.HasPrefix(m[2], m[1]+":") || len(m[2]) > 55 {
		return "", false
	}
	return m[2], true
}

// ARNOfPool names a pool of an account as a resource, in the partition of its
// region; PoolOfARN reads it.
func ARNOfPool(account, pool string) string {
	region, _, _ := strings.Cut(pool, ":")
	partition := "aws"
	switch {
	case strings.HasPrefix(region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		partition = "aws-us-gov"
	}
	return "arn:" + partition + ":cognito-identity:" + region + ":" + account + ":identitypool/" + pool
}
