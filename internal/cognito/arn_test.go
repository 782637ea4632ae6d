package cognito_test

import (
	"testing"

	"github.com/cognito-broker/broker/internal/cognito"
)

func TestARNOfPool(t *testing.T) {
	for region, partition := range map[string]string{"us-east-1": "aws", "cn-north-1": "aws-cn",
		"us-gov-west-1": "aws-us-gov"} {
		id := region + ":00000000-0000-4000-8000-000000000001"
		arn := cognito.ARNOfPool("000000000000", id)
		if want := "arn:" + partition + ":cognito-identity:" + region + ":000000000000:identitypool/" + id; arn != want {
			t.Errorf("got %s, want %s", arn, want)
		}
		if pool, ok := cognito.PoolOfARN(arn); pool != id || !ok {
			t.Errorf("%s: got %q %t back, want the pool", arn, pool, ok)
		}
	}
}
