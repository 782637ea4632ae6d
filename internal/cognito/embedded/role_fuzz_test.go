package embedded_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/sts"
)

// Whatever role a pool takes, the built-in STS gives sessions of: none is set and
// then never works.
func FuzzRoleARN(f *testing.F) {
	for _, seed := range []string{"a", "path/to/a", "a:b/c", "/a", "a//b", "~!/x", "a b", "a\n", ""} {
		f.Add("arn:aws:iam::" + account + ":role/" + seed)
	}
	f.Add("arn:aws-us-gov:iam::" + account + ":role/a")
	f.Add("arn:aws-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a:iam::" + account + ":role/a")
	f.Add("arn:aws:iam::999999999999:role/a")
	builtin, err := sts.NewBuiltin(sts.BuiltinConfig{Keys: [][]byte{bytes.Repeat([]byte{1}, 32)}, AccountID: account})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, arn string) {
		if arn == "" || rules.CheckRoles(&rules.Pool{}, account, rules.Roles{Authenticated: arn}, nil) != nil {
			return
		}
		c, err := builtin.Assume(t.Context(), sts.AssumeRequest{
			RoleARN: arn, SessionName: "CognitoIdentityCredentials", Duration: time.Hour,
			Identity: sts.WebIdentity{Provider: cognito.PassThrough, Audience: open, Subject: "us-east-1:00",
				AMR: []string{"authenticated"}},
		})
		if err != nil {
			t.Fatalf("%q: got %v of the STS, and a pool that takes it", arn, err)
		}
		if s, err := builtin.Open(c.AccessKeyID, c.SessionToken); err != nil || s.RoleARN != arn {
			t.Errorf("%q: got a session that does not open (%v), or of another role", arn, err)
		}
	})
}
