package zitadel

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
)

const user = "arn:aws:sts::000000000000:assumed-role/user/CognitoIdentityCredentials"

// An ID token of the code flow buys credentials, by REST and by the SDK.
func TestLoginBecomesCredentials(t *testing.T) {
	issuer := startProvider(t)
	b := startBroker(t, issuer)
	token := logIn(t, issuer, shop, alice)

	id, err := b.getID(t, token)
	if err != nil {
		t.Fatal(err)
	}
	out, err := b.client(nil).GetCredentialsForIdentity(t.Context(), &cognitoidentity.GetCredentialsForIdentityInput{
		IdentityId: aws.String(id), Logins: b.logins(token),
	})
	if err != nil {
		t.Fatal(err)
	}
	c := out.Credentials
	if got := b.whoAmI(t, *c.AccessKeyId, *c.SecretKey, *c.SessionToken); got != user {
		t.Errorf("by the SDK: got %s, want %s", got, user)
	}
	status, g := b.rest(t, logIn(t, issuer, shop, alice))
	if status != http.StatusOK || g.IdentityID != id {
		t.Fatalf("by REST, after another login: got %d for %q, want 200 for %q", status, g.IdentityID, id)
	}
	if got := b.whoAmI(t, g.Credentials.AccessKeyID, g.Credentials.SecretAccessKey, g.Credentials.SessionToken); got != user {
		t.Errorf("by REST: got %s, want %s", got, user)
	}
	if other, err := b.getID(t, logIn(t, issuer, shop, bob)); err != nil || other == id {
		t.Errorf("another user: got %q %v, want another identity", other, err)
	}
}

// A token for another app, and one that was altered, buy nothing.
func TestRefusals(t *testing.T) {
	issuer := startProvider(t)
	b := startBroker(t, issuer)
	token := logIn(t, issuer, shop, alice)
	forged := token[:len(token)-8] + "AAAAAAAA"
	for what, c := range map[string]struct{ token, want string }{
		"another app's": {logIn(t, issuer, other, alice), "Invalid login token. Incorrect token audience."},
		"a forged one":  {forged, "Invalid login token. Couldn't verify signed token."},
	} {
		_, err := b.getID(t, c.token)
		refusal, ok := errors.AsType[*types.NotAuthorizedException](err)
		if !ok || refusal.ErrorMessage() != c.want {
			t.Errorf("%s, by the SDK: got %v, want NotAuthorizedException %q", what, err, c.want)
		}
		status, g := b.rest(t, c.token)
		if status != http.StatusForbidden || g.Code != "NotAuthorizedException" || g.Detail != c.want {
			t.Errorf("%s, by REST: got %d %s %q, want 403 NotAuthorizedException %q", what, status, g.Code, g.Detail, c.want)
		}
	}
}

// grant is an answer of REST, or a problem.
type grant struct {
	IdentityID  string `json:"identityId"`
	Credentials struct {
		AccessKeyID     string `json:"accessKeyId"`
		SecretAccessKey string `json:"secretAccessKey"`
		SessionToken    string `json:"sessionToken"`
	} `json:"credentials"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (b *instance) rest(t *testing.T, token string) (status int, g grant) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"logins": b.logins(token)})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(b.url+"/v1/pools/"+b.pool+"/credentials", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&g); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, g
}
