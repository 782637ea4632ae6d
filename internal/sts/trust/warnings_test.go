package trust_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/sts/trust"
)

func TestWarnings(t *testing.T) {
	const (
		aud     = `"StringEquals":{"cognito-identity.amazonaws.com:aud":"` + pool + `"}`
		amr     = `"cognito-identity.amazonaws.com:amr":`
		anyPool = "line 1: statement 1 allows tokens of any pool: no condition names exact values of cognito-identity.amazonaws.com:aud"
		guests  = "line 1: statement 1 allows guests and users alike: no condition on cognito-identity.amazonaws.com:amr tells them apart"
		anyone  = "line 1: statement 1 allows tokens of any provider"
		nothing = "the policy allows tokens of Cognito nothing"
	)
	with := func(conditions string) string { return strings.ReplaceAll(with(conditions), "\n", "") }
	users := func(more string) string {
		return with(aud + `,"ForAnyValue:StringLike":{` + amr + `"authenticated"}` + more)
	}
	for text, want := range map[string][]string{
		console("authenticated"):   nil,
		console("unauthenticated"): nil,
		users(""):                  nil,
		with(""):                   {anyPool, guests},
		with(aud):                  {guests},
		with(aud + `,"ForAnyValue:StringLike":{` + amr + `"graph.facebook.com*"}`):                         nil,
		with(aud + `,"ForAnyValue:StringNotEquals":{` + amr + `"unauthenticated"}`):                        nil,
		with(aud + `,"ForAllValues:StringEquals":{` + amr + `["authenticated","accounts.google.com"]}`):    nil,
		with(aud + `,"ForAnyValue:StringLike":{` + amr + `"*authenticated"}`):                              {guests},
		with(aud + `,"ForAnyValue:StringLike":{` + amr + `["unauthenticated","graph.facebook.com"]}`):      {guests},
		with(aud + `,"ForAllValues:StringNotEquals":{` + amr + `"graph.facebook.com"}`):                    {guests},
		with(aud + `,"Null":{` + amr + `"false"}`):                                                         {guests},
		with(`"ForAnyValue:StringEquals":{` + amr + `"authenticated"}`):                                    {anyPool},
		users(`,"StringLike":{"cognito-identity.amazonaws.com:sub":"us-east-1:*"}`):                        nil,
		strings.ReplaceAll(users(""), "StringEquals", "StringNotEquals"):                                   {anyPool},
		strings.ReplaceAll(users(""), "StringEquals", "StringEqualsIfExists"):                              {anyPool},
		strings.ReplaceAll(users(""), "StringEquals", "ForAllValues:StringEquals"):                         {anyPool},
		strings.ReplaceAll(strings.ReplaceAll(users(""), "StringEquals", "StringLike"), pool, "us-east-*"): {anyPool},
		strings.ReplaceAll(users(""), "StringEquals", "StringLike"):                                        nil,
		strings.ReplaceAll(users(""), cognito, `"*"`):                                                      {anyone},
		strings.ReplaceAll(users(""), "cognito-identity.amazonaws.com\"}", "cognito-identify\"}"):          {nothing},
		policy(`{"Sid":"T","Effect":"Allow","Principal":` + cognito + `,"Action":"sts:TagSession"}`):       {nothing},
		policy(`{"Sid":"A","Effect":"Allow","Principal":` + cognito + `,"Action":"sts:AssumeRole"}`):       {"line 1: statement A is about no action of a web identity", nothing},
		policy(`{"Effect":"Deny","Principal":` + cognito + `,"Action":"sts:AssumeRoleWithWebIdentty"}`):    {"line 1: statement 1 is about no action of a web identity", nothing},
		policy(`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`): {nothing},
		policy(`{"Effect":"Deny","Principal":"*","Action":"*"}`):                                           {nothing},
	} {
		p, err := trust.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, trust.Warnings(p)); diff != "" {
			t.Errorf("%s: warnings (-want +got):\n%s", text, diff)
		}
	}
}
