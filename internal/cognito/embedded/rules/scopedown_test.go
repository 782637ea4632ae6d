package rules_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/sts"
)

// The built-in STS takes the guests' policies for a role of any partition, and
// would hold them against its bounds.
func TestGuestPolicies(t *testing.T) {
	b, err := sts.NewBuiltin(sts.BuiltinConfig{Keys: [][]byte{bytes.Repeat([]byte{7}, 32)}, AccountID: account})
	if err != nil {
		t.Fatal(err)
	}
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov"} {
		role := "arn:" + partition + ":iam::" + account + ":role/guest"
		inline, arns := rules.GuestPolicies(role)
		if inline == "" || len(arns) != 1 || !strings.HasPrefix(arns[0], "arn:"+partition+":iam::aws:policy/") {
			t.Fatalf("%s: got policy %q and ARNs %v", partition, inline, arns)
		}
		c, err := b.Assume(t.Context(), sts.AssumeRequest{
			RoleARN: role, SessionName: "CognitoIdentityCredentials", Duration: time.Hour,
			Identity: sts.WebIdentity{Provider: "cognito-identity.amazonaws.com", Audience: "pool", Subject: self,
				AMR: []string{"unauthenticated"}},
			Policy: inline, PolicyARNs: arns,
		})
		if err != nil {
			t.Fatalf("%s: %v", partition, err)
		}
		s, err := b.Open(c.AccessKeyID, c.SessionToken)
		if err != nil || s.Policy != inline || len(s.PolicyARNs) != 1 || s.PolicyARNs[0] != arns[0] {
			t.Errorf("%s: the session does not record the policies: %v", partition, err)
		}
	}
}

// What the policy must not allow: nothing that makes one somebody else, or more.
func TestGuestPolicyLeavesOut(t *testing.T) {
	inline, _ := rules.GuestPolicies(guest)
	if strings.Count(inline, `"*"`) != 1 || !strings.Contains(inline, `"Resource":"*"`) {
		t.Error("the inline policy allows every action")
	}
	for _, action := range []string{`"iam:`, `"sts:`, `"kms:`, `"ec2:`, `"secretsmanager:`, `"ssm:`} {
		if strings.Contains(inline, action) {
			t.Errorf("the inline policy allows %s", action)
		}
	}
}
