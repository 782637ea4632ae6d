package embedded_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
)

// A guest is kept while he comes back within the pool's retention; users, and
// guests of pools that keep them for ever, stay.
func TestGuestRetention(t *testing.T) {
	const day = 24 * time.Hour
	j := newJudged(t)
	pools := j.pools()
	pools[0].GuestRetention = 8 * day // open; bare keeps its guests
	if err := j.engine.ApplyPools(t.Context(), pools); err != nil {
		t.Fatal(err)
	}
	make := func(pool string, logins map[string]string) string {
		out, err := j.engine.GetId(t.Context(), &cognitoidentity.GetIdInput{IdentityPoolId: aws.String(pool), Logins: logins})
		if err != nil {
			t.Fatal(err)
		}
		return *out.IdentityId
	}
	come := func(id string) string {
		_, err := j.engine.GetCredentialsForIdentity(t.Context(),
			&cognitoidentity.GetCredentialsForIdentityInput{IdentityId: aws.String(id)})
		if err == nil {
			return ""
		}
		return cognito.Public(err).ErrorCode()
	}
	gone, kept, elsewhere := make(open, nil), make(open, nil), make(bare, nil)
	user := make(open, map[string]string{j.idps[0].Name(): j.idps[0].Token(nil)})
	for range 3 { // each within the retention of the time before
		j.ahead += 7 * day
		if got := come(kept); got != "" {
			t.Fatalf("a guest who comes back: got %s after %v", got, j.ahead)
		}
		j.engine.Sweep(t.Context())
	}
	if got := come(gone); got != "ResourceNotFoundException" {
		t.Errorf("a guest who did not: got %q, want him unknown", got)
	}
	for what, id := range map[string]string{"a guest of another pool": elsewhere, "a user": user} {
		if got := come(id); got == "ResourceNotFoundException" {
			t.Errorf("%s: got %s, want him kept", what, got)
		}
	}
	if n := j.engine.Sweep(t.Context()); n != 0 {
		t.Errorf("a second sweep: got %d removed, want none", n)
	}
}
