package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/coreos/go-oidc/v3/oidc"
)

const (
	authRole   = "arn:aws:iam::000000000000:role/demo-auth"
	unauthRole = "arn:aws:iam::000000000000:role/demo-unauth"
)

// both runs a test against the engine's broker and against one in aws mode before
// it.
func both(t *testing.T, test func(t *testing.T, b *instance)) {
	t.Helper()
	engine := startBroker(t, nil, "")
	t.Run("engine", func(t *testing.T) { test(t, engine) })
	front := startUpstream(t, engine, engine.url, "")
	front.behind = engine
	t.Run("aws", func(t *testing.T) { test(t, front) })
}

// grant digs what a grant holds out of an answer.
func grant(t *testing.T, a answer) (id, key, secret, session string) {
	t.Helper()
	c, ok := a.tree["credentials"].(map[string]any)
	if !ok || a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %d without a grant that nobody stores: %v", a.status, a.tree["detail"])
	}
	return a.tree["identityId"].(string), c["accessKeyId"].(string), c["secretAccessKey"].(string), c["sessionToken"].(string)
}

// holds fails unless a grant is of the identity and the role, as the session says.
func (i *instance) holds(t *testing.T, a answer, id, session string) {
	t.Helper()
	got, key, secret, token := grant(t, a)
	if got != id {
		t.Errorf("got a grant for %s, want %s", got, id)
	}
	who, err := i.engine().whoAmI(t.Context(), key, secret, token)
	if err != nil || *who.Arn != "arn:aws:sts::000000000000:assumed-role/"+session {
		t.Errorf("got a session of %v (%v), want %s", who, err, session)
	}
}

// One call upgrades a guest; links and unlinks follow, and after an unlink nothing
// old is served.
func TestAGuestsLife(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, b *instance) {
		guest := b.rest(t, demoPool, "credentials", map[string]any{})
		id, _, _, _ := grant(t, guest)
		b.holds(t, guest, id, "demo-unauth/CognitoIdentityCredentials")
		user := b.login(t, t.Name())
		b.holds(t, b.rest(t, demoPool, "credentials", map[string]any{"identityId": id, "logins": user}), id, "demo-auth/CognitoIdentityCredentials")
		// In front of Cognito a link that takes long is made by a fence that does not last, and is not kept.
		again := b.rest(t, demoPool, "credentials", map[string]any{"identityId": id, "logins": user})
		if again.header.Get("X-Cache") != "hit" {
			again = b.rest(t, demoPool, "credentials", map[string]any{"identityId": id, "logins": user})
		}
		if again.header.Get("X-Cache") != "hit" {
			t.Errorf("again: got X-Cache %q, want hit", again.header.Get("X-Cache"))
		}
		if late := b.rest(t, demoPool, "credentials", map[string]any{"identityId": id}); late.status != 403 {
			t.Errorf("the guest after his sign-in: got %d, want 403", late.status)
		}
		a := b.rest(t, demoPool, "logins/link", map[string]any{"identityId": id, "logins": user})
		if names, _ := a.tree["logins"].([]any); a.status != 200 || len(names) != 1 || names[0] != b.provider() {
			t.Errorf("link: got %d %s", a.status, a.body)
		}
		a = b.rest(t, demoPool, "logins/unlink", map[string]any{"identityId": id, "logins": user, "loginsToRemove": []string{b.provider()}})
		if a.status != http.StatusNoContent || len(a.body) != 0 {
			t.Errorf("unlink: got %d %s, want 204", a.status, a.body)
		}
		a = b.rest(t, demoPool, "credentials", map[string]any{"identityId": id, "logins": user})
		if a.status != 403 || a.tree["code"] != "NotAuthorizedException" {
			t.Errorf("after the unlink: got %d %s, want 403 NotAuthorizedException", a.status, a.tree["code"])
		}
	})
}

func TestClassicFlow(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, b *instance) {
		user := b.login(t, "carol")
		id, err := b.getID(t.Context(), demoPool, user)
		if err != nil {
			t.Fatal(err)
		}
		body := map[string]any{"identityId": id, "logins": user, "flow": "classic", "roleArn": authRole, "roleSessionName": "mine", "durationSeconds": 3600}
		b.holds(t, b.rest(t, demoPool, "credentials", body), id, "demo-auth/mine")
		again := b.rest(t, demoPool, "credentials", body)
		if again.header.Get("X-Cache") != "hit" {
			t.Errorf("again: got X-Cache %q, want hit", again.header.Get("X-Cache"))
		}
		body["roleSessionName"] = "other"
		b.holds(t, b.rest(t, demoPool, "credentials", body), id, "demo-auth/other")
		body["roleArn"] = unauthRole
		if a := b.rest(t, demoPool, "credentials", body); a.status != 403 || a.tree["code"] != "AccessDenied" {
			t.Errorf("a role of guests: got %d %s, want 403 AccessDenied", a.status, a.tree["code"])
		}
		closed := b.rest(t, closedPool, "credentials", map[string]any{"logins": user, "flow": "classic", "roleArn": authRole})
		if closed.status != 400 || closed.tree["code"] != "InvalidParameterException" {
			t.Errorf("a pool without the classic flow: got %d %s", closed.status, closed.tree["code"])
		}
		a := b.rest(t, demoPool, "token", map[string]any{"identityId": id, "logins": user})
		expires, err := time.Parse(time.RFC3339, a.tree["expiration"].(string))
		if a.status != 200 || err != nil || time.Until(expires) < 9*time.Minute || time.Until(expires) > 10*time.Minute || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("token: got %d, expiring in %v", a.status, time.Until(expires))
		}
		provider, err := oidc.NewProvider(t.Context(), b.engine().url)
		if err != nil {
			t.Fatal(err)
		}
		token, err := provider.Verifier(&oidc.Config{ClientID: demoPool}).Verify(t.Context(), a.tree["token"].(string))
		if err != nil || token.Subject != id {
			t.Errorf("go-oidc: %v", err)
		}
	})
}

type staticToken string

func (s staticToken) GetIdentityToken() ([]byte, error) { return []byte(s), nil }

// The SDK's own provider runs the classic flow unmodified.
func TestSDKProvidersRunTheClassicFlow(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, b *instance) {
		user := b.login(t, "dora")
		id, err := b.getID(t.Context(), demoPool, user)
		if err != nil {
			t.Fatal(err)
		}
		out, err := b.sdk().GetOpenIdToken(t.Context(), &cognitoidentity.GetOpenIdTokenInput{IdentityId: &id, Logins: user})
		if err != nil {
			t.Fatal(err)
		}
		c, err := stscreds.NewWebIdentityRoleProvider(b.stsClient(), authRole, staticToken(*out.Token)).Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if who, err := b.engine().whoAmI(t.Context(), c.AccessKeyID, c.SecretAccessKey, c.SessionToken); err != nil || !strings.Contains(*who.Arn, "/demo-auth/") {
			t.Errorf("got %v %v, want the role of users", who, err)
		}
	})
}

func TestDeveloperFlow(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, b *instance) {
		body := map[string]any{"userIdentifier": t.Name()}
		first := b.rest(t, demoPool, "developer/credentials", body, bearer(backendAPIKey)...)
		id, _, _, _ := grant(t, first)
		b.holds(t, first, id, "demo-auth/CognitoIdentityCredentials")
		again := b.rest(t, demoPool, "developer/credentials", body, bearer(backendAPIKey)...)
		if got, _, _, _ := grant(t, again); got != id || again.header.Get("X-Cache") != "hit" {
			t.Errorf("again: got %s X-Cache %q, want %s from the cache", got, again.header.Get("X-Cache"), id)
		}
		token := b.rest(t, demoPool, "developer/token", map[string]any{"userIdentifier": t.Name(), "tokenDuration": 60}, bearer(backendAPIKey)...)
		if token.status != 200 || token.tree["identityId"] != id {
			t.Fatalf("token: got %d %v", token.status, token.tree["detail"])
		}
		out, err := b.getCredentials(t.Context(), id, map[string]string{"cognito-identity.amazonaws.com": token.tree["token"].(string)})
		if err != nil || *out.IdentityId != id {
			t.Errorf("the token buys: %v", err)
		}
		signed, err := b.sdkAs(backendCaller()).GetOpenIdTokenForDeveloperIdentity(t.Context(), &cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput{
			IdentityPoolId: aws.String(demoPool), Logins: map[string]string{"login.example": t.Name()},
		})
		if err != nil || *signed.IdentityId != id {
			t.Errorf("the same by the wire: %v", err)
		}
	})
}

// Who may not, is told so in the right words and learns nothing.
func TestCallersAreHeldToTheirRights(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	body := map[string]any{"userIdentifier": "u"}
	for name, c := range map[string]struct {
		pool    string
		headers []string
		status  int
		code    string
	}{
		"nobody":       {demoPool, nil, 401, "MissingAuthenticationTokenException"},
		"a wrong key":  {demoPool, bearer("no-such-api-key-at-all"), 401, "UnrecognizedClientException"},
		"another pool": {closedPool, bearer(backendAPIKey), 403, "AccessDeniedException"},
		"the admin":    {closedPool, bearer(adminAPIKey), 200, ""},
	} {
		a := b.rest(t, c.pool, "developer/token", body, c.headers...)
		if code, _ := a.tree["code"].(string); a.status != c.status || code != c.code {
			t.Errorf("%s: got %d %s, want %d %s", name, a.status, code, c.status, c.code)
		}
	}
	list := &cognitoidentity.ListIdentityPoolsInput{MaxResults: aws.Int32(60)}
	if _, err := b.sdkAs(backendCaller()).ListIdentityPools(t.Context(), list); code(err) != "AccessDeniedException" {
		t.Errorf("a backend lists pools: got %v", err)
	}
	out, err := b.sdkAs(admin()).ListIdentityPools(t.Context(), list)
	if err != nil || len(out.IdentityPools) != 3 {
		t.Errorf("the admin lists pools: got %v %v", out, err)
	}
	who, err := sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: aws.String(b.url), Credentials: admin()}).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != "arn:aws:iam::000000000000:user/admin" {
		t.Errorf("GetCallerIdentity with a caller's key: got %v %v", who, err)
	}
}
