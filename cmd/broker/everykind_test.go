package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

const (
	everyKind = "us-east-1:00000000-0000-4000-8000-0000000000ee"
	classic   = "us-east-1:00000000-0000-4000-8000-0000000000ef"
)

// kindsBroker serves a pool that takes all kinds but SAML, whose providers are stand-ins.
type kindsBroker struct {
	*instance
	idp    *idptest.Issuer
	graph  *idptest.Graph
	amazon *idptest.Amazon
	pool   *httptest.Server // answers AdminGetUser
	says   atomic.Value     // with that
	asked  atomic.Int32
}

// userIs is an answer of AdminGetUser about an enabled user.
func userIs(sub string) string {
	return `{"Enabled":true,"UserAttributes":[{"Name":"sub","Value":"` + sub + `"}]}`
}

func startKinds(t testing.TB) *kindsBroker {
	t.Helper()
	b := &kindsBroker{idp: idptest.Start(t), graph: idptest.StartGraph(t), amazon: idptest.StartAmazon(t)}
	b.says.Store(userIs("alice"))
	b.pool = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") == "" {
			b.idp.ServeHTTP(w, r)
			return
		}
		b.asked.Add(1)
		if said := b.says.Load().(string); strings.Contains(said, "__type") {
			w.WriteHeader(400)
		}
		io.WriteString(w, b.says.Load().(string))
	}))
	t.Cleanup(b.pool.Close)
	b.instance = prepare(t, nil, fmt.Sprintf(`  - id: '%s'
    name: every
    roles: {authenticated: 'arn:aws:iam::000000000000:role/every'}
    supported_login_providers: {accounts.google.com: app, appleid.apple.com: app, graph.facebook.com: '%s', www.amazon.com: client}
    cognito_identity_providers:
      - {provider_name: issuer-%s, client_id: app}
      - {provider_name: %s, client_id: checked, server_side_token_check: true}
    role_mappings: {'%s:app': {type: Token, ambiguous_role_resolution: AuthenticatedRole}}
  - id: '%s'
    name: classic
    allow_classic_flow: true
    roles: {authenticated: 'arn:aws:iam::000000000000:role/every'}
    cognito_identity_providers:
      - {provider_name: %s, client_id: app}
      - {provider_name: %s, client_id: checked, server_side_token_check: true}
login_providers:
  - {provider: accounts.google.com, kind: google, issuer: '%s'}
  - {provider: appleid.apple.com, kind: apple, issuer: '%s'}
  - {provider: %s, kind: user_pool, issuer: '%s', endpoint: '%s', jwks_uri: '%s/keys', admin_get_user: true}
  - {provider: graph.facebook.com, kind: facebook, endpoint: '%s', client_ids: ['%s'], app_secret: '%s'}
  - {provider: www.amazon.com, kind: amazon, endpoint: '%s'}
`, everyKind, idptest.AppID, someUserPool, someUserPool, someUserPool,
		classic, someUserPool, someUserPool, b.idp.URL, b.idp.URL, someUserPool, b.idp.URL, b.pool.URL, b.idp.URL,
		b.graph.URL, idptest.AppID, idptest.AppSecret, b.amazon.URL))
	b.environ = append(b.environ, "AWS_ACCESS_KEY_ID="+adminKey, "AWS_SECRET_ACCESS_KEY="+adminSecret)
	b.start(t)
	return b
}

func (b *kindsBroker) jwt(user, client string, more idptest.Claims) string {
	claims := idptest.Claims{"sub": user, "aud": client, "token_use": "id", "cognito:username": user}
	for name, value := range more {
		claims[name] = value
	}
	return b.idp.Token(claims)
}

func (b *kindsBroker) grant(t testing.TB, provider, token string) answer {
	t.Helper()
	return b.rest(t, everyKind, "credentials", map[string]any{"logins": map[string]string{provider: token}})
}

// Each kind walks from its login to credentials: a fresh token of the same login is answered from
// the cache, another user is another identity, and one that was made for another app is refused.
func TestEveryKindEndToEnd(t *testing.T) {
	t.Parallel()
	b := startKinds(t)
	const unlisted = "Token is not from a supported provider of this identity pool."
	jwt := func(user, client string) string {
		return b.jwt(user, client, idptest.Claims{"nonce": fmt.Sprint(time.Now().UnixNano())})
	}
	graph := func(user, client string) string {
		app := map[string]string{"app": idptest.AppID}[client]
		if app == "" {
			app = "1"
		}
		return b.graph.Token(idptest.GraphToken{App: app, User: facebookID(user)})
	}
	amazon := func(user, client string) string {
		return b.amazon.Token(idptest.AmazonToken{App: "amzn." + client, Client: map[string]string{"app": "client", "other": "else"}[client], User: user, Left: 3600})
	}
	ids := map[string]string{}
	for _, c := range []struct {
		provider string
		token    func(user, client string) string
		other    string
	}{
		{"accounts.google.com", jwt, unlisted}, {"appleid.apple.com", jwt, unlisted}, {someUserPool, jwt, unlisted},
		{"issuer-" + someUserPool, jwt, unlisted}, {"graph.facebook.com", graph, ""}, {"www.amazon.com", amazon, unlisted},
	} {
		first := b.grant(t, c.provider, c.token("alice", "app"))
		if first.status != 200 {
			t.Errorf("%s: got %d %s", c.provider, first.status, first.body)
			continue
		}
		again := b.grant(t, c.provider, c.token("alice", "app"))
		if again.header.Get("X-Cache") != "hit" || identityIn(t, again) != identityIn(t, first) {
			t.Errorf("%s, a fresh token: got X-Cache %q", c.provider, again.header.Get("X-Cache"))
		}
		ids[c.provider] = identityIn(t, first)
		if bob := b.grant(t, c.provider, c.token("bob", "app")); bob.status != 200 || identityIn(t, bob) == ids[c.provider] {
			t.Errorf("%s, another user: got %d %s", c.provider, bob.status, bob.body)
		}
		if other := b.grant(t, c.provider, c.token("alice", "other")); other.status != 403 || !strings.Contains(string(other.body), c.other) {
			t.Errorf("%s, another app: got %d %s", c.provider, other.status, other.body)
		}
	}
	if ids[someUserPool] != ids["issuer-"+someUserPool] {
		t.Error("the two spellings of a user pool: got two identities")
	}
	limited := b.grant(t, "graph.facebook.com", b.graph.Limited(facebookID("alice"), time.Now(), nil))
	if limited.status != 200 || identityIn(t, limited) != ids["graph.facebook.com"] {
		t.Errorf("Limited Login: got %d %s, want the identity of the access token", limited.status, limited.body)
	}
	role := b.jwt("carol", "app", idptest.Claims{"cognito:roles": []string{"arn:aws:iam::000000000000:role/one"}})
	if a := b.grant(t, someUserPool, role); a.status != 200 {
		t.Errorf("cognito:roles: got %d %s", a.status, a.body)
	}
}

// A user pool that wants it is asked, and who is gone gets nothing more than a minute's cache.
func TestServerSideTokenCheckEndToEnd(t *testing.T) {
	t.Parallel()
	b := startKinds(t)
	token := b.jwt("alice", "checked", nil)
	if a := b.grant(t, someUserPool, token); a.status != 200 || b.asked.Load() == 0 {
		t.Fatalf("got %d %s after %d questions", a.status, a.body, b.asked.Load())
	}
	b.says.Store(`{"__type":"UserNotFoundException"}`)
	if a := b.grant(t, someUserPool, b.jwt("bob", "checked", nil)); a.status != 403 ||
		!strings.Contains(string(a.body), "The user does not exist or is disabled.") {
		t.Errorf("gone: got %d %s", a.status, a.body)
	}
	b.says.Store(`{"__type":"TooManyRequestsException"}`)
	if a := b.grant(t, someUserPool, b.jwt("carol", "checked", nil)); a.status != 502 {
		t.Errorf("not to be asked: got %d %s", a.status, a.body)
	}
	if a := b.grant(t, someUserPool, token); a.status != 200 || a.header.Get("X-Cache") != "hit" {
		t.Errorf("within a minute: got %d, X-Cache %q", a.status, a.header.Get("X-Cache"))
	}
}

// A token of the broker's own ends with the user of the pool that it was made for: the wire's pass-through
// login and STS give nothing for it.
func TestServerSideTokenCheckOfOurTokensEndToEnd(t *testing.T) {
	t.Parallel()
	b := startKinds(t)
	token := func(user string) (id, token string) {
		t.Helper()
		login := map[string]string{someUserPool: b.jwt(user, "app", nil)}
		id, err := b.getID(t.Context(), classic, login)
		if err != nil {
			t.Fatal(err)
		}
		a := b.rest(t, classic, "token", map[string]any{"identityId": id, "logins": login})
		if token, _ = a.tree["token"].(string); token == "" {
			t.Fatalf("got %d %s", a.status, a.body)
		}
		return id, token
	}
	assume := func(token string) error {
		_, err := b.stsClient().AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String("arn:aws:iam::000000000000:role/every"), RoleSessionName: aws.String("every"),
			WebIdentityToken: &token,
		})
		return err
	}
	own := func(token string) map[string]string { return map[string]string{cognito.PassThrough: token} }
	id, good := token("alice")
	for range 2 {
		if _, err := b.getCredentials(t.Context(), id, own(good)); err != nil {
			t.Errorf("there: got %v", err)
		}
	}
	if err := assume(good); err != nil || b.asked.Load() == 0 {
		t.Errorf("there, by STS: got %v after %d questions", err, b.asked.Load())
	}
	id, gone := token("bob") // by an app client without the check, so nobody asked for him yet
	b.says.Store(`{"__type":"UserNotFoundException"}`)
	if _, err := b.getCredentials(t.Context(), id, own(gone)); code(err) != "NotAuthorizedException" {
		t.Errorf("gone: got %v", err)
	}
	if err := assume(gone); code(err) != "AccessDenied" {
		t.Errorf("gone, by STS: got %v", err)
	}
	a := b.rest(t, classic, "credentials", map[string]any{"identityId": id, "logins": own(gone)})
	if a.status != 403 || !strings.Contains(string(a.body), "The user does not exist or is disabled.") {
		t.Errorf("gone, by REST: got %d %s", a.status, a.body)
	}
	id, unasked := token("carol")
	b.says.Store(`{"__type":"TooManyRequestsException"}`)
	if _, err := b.getCredentials(t.Context(), id, own(unasked)); code(err) != "ExternalServiceException" {
		t.Errorf("not to be asked: got %v", err)
	}
	if err := assume(unasked); err == nil || code(err) == "AccessDenied" {
		t.Errorf("not to be asked, by STS: got %v", err)
	}
}

// facebookID is a user's id, which is a number there.
func facebookID(user string) string { return map[string]string{"alice": "1001", "bob": "1002"}[user] }

func identityIn(t *testing.T, a answer) string {
	t.Helper()
	id, _ := a.tree["identityId"].(string)
	if id == "" {
		t.Errorf("got no identity in %s", a.body)
	}
	return id
}
