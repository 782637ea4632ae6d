package cognito_test

import (
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/cognito"
)

// An ARN names the pool that it ends in, of its own region, or none; and the ARN
// that a pool is given names that pool.
func FuzzPoolARN(f *testing.F) {
	const id = "us-east-1:00000000-0000-4000-8000-000000000001"
	for _, seed := range []string{
		"arn:aws:cognito-identity:us-east-1:000000000000:identitypool/" + id,
		"arn:aws-cn:cognito-identity:us-east-1:000000000000:identitypool/" + id,
		"arn:aws:cognito-identity:eu-west-1:000000000000:identitypool/" + id,
		"arn:aws:cognito-identity:us-east-1:000000000000:identitypool/" + id + "\n",
		"arn:aws:cognito-identity::000000000000:identitypool/:0", "arn:aws:cognito-identity:-:000000000000:identitypool/-:-",
		"arn", "",
	} {
		f.Add(seed, id)
	}
	f.Fuzz(func(t *testing.T, arn, pool string) {
		if got, ok := cognito.PoolOfARN(arn); ok {
			parts := strings.SplitN(arn, ":", 6)
			region, _, _ := strings.Cut(got, ":")
			if len(parts) != 6 || parts[0] != "arn" || parts[2] != "cognito-identity" || parts[3] != region ||
				len(parts[4]) != 12 || parts[5] != "identitypool/"+got {
				t.Errorf("%q: got pool %q", arn, got)
			}
			if cognito.Validate("DescribeIdentityPool", map[string]any{"IdentityPoolId": got}) != nil {
				t.Errorf("%q: got %q, which is no pool's id", arn, got)
			}
			pool = got
		}
		arn = cognito.ARNOfPool("000000000000", pool)
		if got, ok := cognito.PoolOfARN(arn); ok && got != pool {
			t.Errorf("the ARN of %q: got that of %q", pool, got)
		}
	})
}
