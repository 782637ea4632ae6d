package trust_test

import (
	"fmt"
	"strings"

	"github.com/cognito-broker/broker/internal/sts/trust"
)

// A role for users of one pool, and not for its guests.
func ExamplePolicy_Decide() {
	policy, err := trust.Parse(`{
	  "Version": "2012-10-17",
	  "Statement": [{
	    "Sid": "Users", "Effect": "Allow",
	    "Principal": {"Federated": "cognito-identity.amazonaws.com"},
	    "Action": "sts:AssumeRoleWithWebIdentity",
	    "Condition": {
	      "StringEquals": {"cognito-identity.amazonaws.com:aud": "us-east-1:00000000-0000-4000-8000-000000000001"},
	      "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"}
	    }
	  }]
	}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	who := trust.Request{
		Provider: "cognito-identity.amazonaws.com", Audience: "us-east-1:00000000-0000-4000-8000-000000000001",
		Subject: "us-east-1:11111111-1111-4111-8111-111111111111", SessionName: "CognitoIdentityCredentials",
	}
	who.AMR = []string{"authenticated", "idp.example"}
	fmt.Println(policy.Decide(who).Allowed)

	who.AMR = []string{"unauthenticated"}
	decision := policy.Decide(who)
	fmt.Println(decision.Allowed, decision.Statement, decision.Line)
	condition, reason, _ := strings.Cut(decision.Reason, ": ")
	fmt.Println(condition)
	fmt.Println(reason)
	// Output:
	// true
	// false Users 9
	// condition ForAnyValue:StringLike on cognito-identity.amazonaws.com:amr does not hold
	// the request has none of authenticated
}

// What is not understood never permits: such a policy is refused when it is read.
func ExampleParse() {
	_, err := trust.Parse(`{
	  "Version": "2012-10-17",
	  "Statement": [{
	    "Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRoleWithWebIdentity",
	    "Condition": {"StringSomehow": {"aws:SourceIp": "192.0.2.0/24"}}
	  }]
	}`)
	fault, expected, _ := strings.Cut(err.Error(), "; ")
	fmt.Println(fault)
	fmt.Println(expected)
	// Output:
	// line 5: statement 1: the operator "StringSomehow" is not known
	// expected StringEquals, StringLike or another of strings, or Null
}
