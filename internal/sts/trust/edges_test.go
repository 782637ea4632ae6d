package trust_test

import (
	"testing"

	"github.com/cognito-broker/broker/internal/sts/trust"
)

const (
	allowAll = `{"Effect":"Allow","Principal":"*","Action":"sts:*"}`
	cognito  = `{"Federated":"cognito-identity.amazonaws.com"}`
)

func policy(statements string) string { return `{"Statement":[` + statements + `]}` }

// IAM holds {"AWS": "*"} for the same as "*". An Allow to all of AWS still gives a
// web identity nothing; a Deny to it takes.
func TestAllOfAWS(t *testing.T) {
	for _, principal := range []string{`{"AWS":"*"}`, `{"AWS":["arn:aws:iam::1:root","*"]}`, `{"AWS":"*","Federated":"idp.example"}`} {
		rest := `,"Principal":` + principal + `,"Action":"sts:*"}`
		if got := decide(t, policy(allowAll+`,{"Effect":"Deny"`+rest), user); got.Allowed {
			t.Errorf("Deny to %s: got %+v, want a denial", principal, got)
		}
		if got := decide(t, policy(`{"Effect":"Allow"`+rest), user); got.Allowed {
			t.Errorf("Allow to %s: got %+v, want a denial", principal, got)
		}
	}
	if got := decide(t, policy(allowAll+`,{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::1:root"},"Action":"*"}`), user); !got.Allowed {
		t.Errorf("Deny to an account: got %+v, want leave", got)
	}
}

// Names of tags are case-insensitive, so two that differ in case alone have no
// meaning; which of them a map yields first must not decide.
func TestTagsThatDifferInCase(t *testing.T) {
	r := user
	r.Tags = map[string]string{"team": "sales", "Team": "board"}
	const want = "the session has tags whose keys differ in case alone"
	for range 50 {
		for _, text := range []string{with(`"StringEquals":{"aws:RequestTag/team":"board"}`), policy(allowAll)} {
			if got := decide(t, text, r); got.Allowed || got.Reason != want {
				t.Fatalf("got %+v, want %q", got, want)
			}
		}
	}
}

// A request of nobody is let in nowhere, not even where anybody is.
func TestNobody(t *testing.T) {
	for _, text := range []string{policy(allowAll), policy(`{"Effect":"Allow","Principal":{"Federated":""},"Action":"*"}`)} {
		if got := decide(t, text, trust.Request{Audience: pool, Subject: "s"}); got.Allowed || got.Reason == "" {
			t.Errorf("%s: got %+v, want a denial", text, got)
		}
	}
}
