package trust_test

import (
	"testing"

	"github.com/cognito-broker/broker/internal/sts/trust"
)

// A Deny that would silently deny nothing is refused, as IAM refuses it, and so is
// what could be read in two ways.
func TestParseRefusesDoubt(t *testing.T) {
	for text, want := range map[string]string{
		policy(`{"Effect":"Deny","Principal":{},"Action":"*"}`):               "line 1: statement 1: it has no Principal",
		policy(`{"Effect":"Deny","Principal":{"Federated":[]},"Action":"*"}`): "line 1: statement 1: Principal has no values",
		policy(`{"Effect":"Deny","Principal":"*","Action":[]}`):               "line 1: statement 1: Action has no values",
		policy(`{"Effect":"Deny","Principal":{"AWS":[]},"Action":"*"}`):       "line 1: statement 1: Principal has no values",
		policy(`{"Effect":"Deny","Principal":"*","Action":"AssumeRole*"}`):    `line 1: statement 1: Action is "AssumeRole*"; expected "*" or one with its service, as "sts:TagSession"`,
		policy(allowAll + ",\n" + `{"Effect":"Permit"}`):                      `line 2: statement 2: Effect is "Permit"; expected Allow or Deny`,
		policy(`{"Sid":"a","Effect":"Allow","Principal":"*","Action":"*"},
{"Sid":"a","Effect":"Deny","Principal":"*","Action":"*"}`): `line 2: statement 2: the Sid "a" stands twice`,
		policy(`{"Effect":"Allow","Principal":"*","Action":"*","Condition":{
"StringEquals":{"aws:RequestTag/a":"1",
"aws:requesttag/A":"2"}}}`): `line 3: statement 1: "aws:requesttag/A" of StringEquals stands twice; keys are case-insensitive`,
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"*"},"Statement":{}}`:            `line 1: "Statement" stands twice`,
		policy(`{"Effect":"Allow","Principal":"*","Action":"*","Condition":{"StringEquals":{}}}`): "line 1: statement 1: StringEquals has no keys",
		`{"Version":"2012-10-17","Id":"\ud800"}`:                                                  "line 1: the policy is not Unicode text",
		"{\n\"Statement\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}":                                      "line 2: the policy is nested too deeply",
		"{\"Version\":\"2012-10-17\"}\n{}":                                                        "line 2: something follows the policy",
		"{\"Version\":\"2012-10-17\",}":                                                           "line 1: the policy is not JSON at byte 25 of the line",
	} {
		if _, err := trust.Parse(text); err == nil || err.Error() != want {
			t.Errorf("%.90q:\ngot  %v\nwant %s", text, err, want)
		}
	}
}
