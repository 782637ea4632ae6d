package main

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/go-jose/go-jose/v4"

	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/redistest"
)

// busy goes through all that a fleet does, and hoards what must be seen nowhere.
type busy struct {
	*crew
	*hoard
	t *testing.T
}

// rest asks a broker, and hoards what it answers.
func (b *busy) rest(i *instance, route string, body map[string]any, want int, headers ...string) answer {
	b.t.Helper()
	a := i.rest(b.t, demoPool, route, body, headers...)
	b.grant(a)
	if a.status != want {
		b.t.Errorf("%s: got %d %v, want %d", route, a.status, a.tree["code"], want)
	}
	return a
}

func (b *busy) identityOf(a answer) string {
	id, _ := a.tree["identityId"].(string)
	if id == "" {
		b.t.Fatal("got no identity")
	}
	return id
}

// user is a new user with a login of each provider.
func (b *busy) user(n int) (first, second map[string]string) {
	subject := fmt.Sprint("subject-of-the-busy-run-", n)
	b.add("subject", subject)
	first, second = b.a.login(b.t, subject), b.second(subject)
	for _, logins := range []map[string]string{first, second} {
		for _, token := range logins {
			b.token("login's token", token)
		}
	}
	return first, second
}

// Nothing that goes through a fleet can be read from its Redis, while it goes or
// afterwards, from the brokers' logs at level debug, or from their metrics.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	sealed, named := base64Key(), base64Key()
	c := startCrewOn(t, "", redisYAML(redis.Addr(), sealed, named))
	b := &busy{crew: c, hoard: newHoard(), t: t}
	heard := tapped(t, redis)
	b.add("key", sealed, named)
	b.add("caller's secret", adminSecret, adminAPIKey, backendSecret, backendAPIKey)
	for n := range 3 {
		one, other := c.a, c.b
		if n%2 == 1 {
			one, other = other, one
		}
		b.apps(n, one, other)
		b.classic(n+10, one, other)
		b.backends(n, one, other)
		b.administer(n+20, one, other)
		b.refused(n+30, one)
	}
	// What stands in Redis alone names these.
	b.searchAll(t, map[string]string{"logs of a": c.a.logs.String(), "logs of b": c.b.logs.String(), "logs of the engine": c.engine.logs.String()})
	for name, i := range map[string]*instance{"metrics of a": c.a, "metrics of b": c.b} {
		b.search(t, name, string(i.send(t, "GET", "/metrics", "").body))
	}
	b.add("pool", demoPool, closedPool, strings.TrimPrefix(demoPool, "us-east-1:"))
	b.add("provider", c.engine.provider(), c.idp.Name(), "login.example")
	b.add("address", c.a.url, c.b.url)
	var dump strings.Builder
	for _, e := range redis.Dump() {
		dump.WriteString(e.String() + "\n")
	}
	b.search(t, "Redis", dump.String())
	b.search(t, "what Redis was sent", heard.String())
	if text := heard.String(); strings.Count(dump.String(), "\n") < 50 || !strings.Contains(text, `"publish"`) && !strings.Contains(text, `"PUBLISH"`) || !strings.Contains(c.a.logs.String(), `"op":"GetCredentialsForIdentity"`) {
		t.Error("got a Redis and logs that show nothing: this test would see nothing")
	}
}

func (b *busy) searchAll(t *testing.T, texts map[string]string) {
	t.Helper()
	for where, text := range texts {
		b.search(t, where, text)
	}
}

// apps are guests and users: they come, come back, link, merge and unlink.
func (b *busy) apps(n int, one, other *instance) {
	first, second := b.user(n)
	guest := b.identityOf(b.rest(one, "identities", map[string]any{}, 200))
	b.rest(one, "credentials", map[string]any{"identityId": guest}, 200)
	b.rest(other, "credentials", map[string]any{"identityId": guest}, 200)
	b.rest(other, "credentials", map[string]any{"identityId": guest, "logins": first}, 200) // becomes a user
	b.rest(one, "credentials", map[string]any{"logins": first}, 200)
	b.rest(one, "credentials", map[string]any{"logins": first}, 200)
	merged := b.identityOf(b.rest(one, "credentials", map[string]any{"logins": second}, 200))
	both := maps.Clone(first)
	maps.Copy(both, second)
	b.rest(other, "logins/link", map[string]any{"identityId": merged, "logins": both}, 200)
	survivor := b.identityOf(b.rest(one, "identities", map[string]any{"logins": first}, 200))
	b.rest(one, "token", map[string]any{"identityId": survivor, "logins": first}, 200)
	b.rest(one, "logins/unlink", map[string]any{"identityId": survivor, "logins": both, "loginsToRemove": []string{b.idp.Name()}}, 204)
	out, err := other.getCredentials(b.t.Context(), survivor, first)
	if err != nil {
		b.t.Fatal(err)
	}
	b.add("access key", *out.Credentials.AccessKeyId, *out.Credentials.SecretKey, *out.Credentials.SessionToken)
}

// classic is the classic flow, in one call and by an OpenID token.
func (b *busy) classic(n int, one, other *instance) {
	first, _ := b.user(n)
	body := map[string]any{"logins": first, "flow": "classic", "roleArn": authRole, "roleSessionName": "session-name-of-an-app"}
	b.add("session name", "session-name-of-an-app")
	b.rest(one, "credentials", body, 200)
	b.rest(other, "credentials", body, 200)
}

// backends log their own users in, look them up, merge and unlink them.
func (b *busy) backends(n int, one, other *instance) {
	caller := bearer(backendAPIKey)
	users := []string{fmt.Sprint("user-of-a-backend-", n), fmt.Sprint("another-of-a-backend-", n)}
	b.add("backend's user", users...)
	tags := map[string]string{"tag-of-a-backend": "value-of-a-tag-of-a-backend"}
	b.add("principal tag", "tag-of-a-backend", tags["tag-of-a-backend"])
	for _, user := range users {
		b.rest(one, "developer/credentials", map[string]any{"userIdentifier": user, "principalTags": tags}, 200, caller...)
		b.rest(other, "developer/credentials", map[string]any{"userIdentifier": user, "principalTags": tags}, 200, caller...)
	}
	id := b.identityOf(b.rest(one, "developer/lookup", map[string]any{"userIdentifier": users[0]}, 200, caller...))
	token := b.rest(other, "developer/token", map[string]any{"userIdentifier": users[0], "identityId": id}, 200, caller...)
	own, _ := token.tree["token"].(string)
	b.rest(one, "credentials", map[string]any{"identityId": id, "logins": map[string]string{"cognito-identity.amazonaws.com": own}}, 200)
	b.rest(other, "developer/merge", map[string]any{"sourceUserIdentifier": users[0], "destinationUserIdentifier": users[1]}, 200, caller...)
	id = b.identityOf(b.rest(one, "developer/lookup", map[string]any{"userIdentifier": users[0]}, 200, caller...))
	b.rest(other, "developer/unlink", map[string]any{"identityId": id, "userIdentifier": users[0]}, 204, caller...)
}

// administer changes roles, lists, purges and deletes, by the wire and by REST.
func (b *busy) administer(n int, one, other *instance) {
	ctx, t := b.t.Context(), b.t
	first, _ := b.user(n)
	id := b.identityOf(b.rest(one, "credentials", map[string]any{"logins": first}, 200))
	api := other.sdkAs(admin())
	_, err := api.SetIdentityPoolRoles(ctx, &cognitoidentity.SetIdentityPoolRolesInput{
		IdentityPoolId: aws.String(demoPool), Roles: map[string]string{"authenticated": authRole, "unauthenticated": unauthRole},
	})
	if err != nil {
		t.Fatal(err)
	}
	listed, err := api.ListIdentities(ctx, &cognitoidentity.ListIdentitiesInput{IdentityPoolId: aws.String(demoPool), MaxResults: aws.Int32(60)})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range listed.Identities {
		b.add("identity", *i.IdentityId)
	}
	headers := append(bearer(adminAPIKey), "Content-Type", "application/json")
	if a := one.send(t, "POST", "/v1/pools/"+demoPool+"/identities/"+id+"/purge", "", headers...); a.status/100 != 2 {
		t.Errorf("purge: got %d", a.status)
	}
	if _, err := api.DescribeIdentity(ctx, &cognitoidentity.DescribeIdentityInput{IdentityId: aws.String(id)}); err != nil {
		t.Errorf("describe: %v", err)
	}
	if _, err := api.DeleteIdentities(ctx, &cognitoidentity.DeleteIdentitiesInput{IdentityIdsToDelete: []string{id}}); err != nil {
		t.Errorf("delete: %v", err)
	}
	b.rest(one, "credentials", map[string]any{"logins": first}, 200) // known under an identity that is gone
	b.rest(one, "credentials", map[string]any{"identityId": id, "logins": first}, 404)
}

// refused is what comes with tokens, ids and bodies that are not right.
func (b *busy) refused(n int, i *instance) {
	first, second := b.user(n)
	id := b.identityOf(b.rest(i, "credentials", map[string]any{"logins": first}, 200))
	forged := b.idp.Sign(idptest.Claims{"sub": "subject-of-a-forger"}, jose.RS256, idptest.Key(2), "k0")
	b.add("subject", "subject-of-a-forger", "subject-of-another-audience")
	elsewhere := b.idp.Token(idptest.Claims{"sub": "subject-of-another-audience", "aud": "audience-of-someone-else"})
	for _, token := range []string{forged, elsewhere, b.idp.Token(idptest.Claims{"sub": "subject-of-a-forger", "exp": 1})} {
		b.token("refused token", token)
		b.rest(i, "credentials", map[string]any{"logins": map[string]string{b.idp.Name(): token}}, 403)
		b.rest(i, "credentials", map[string]any{"identityId": id, "logins": map[string]string{b.idp.Name(): token}}, 403)
		i.getID(b.t.Context(), demoPool, map[string]string{"provider-that-nobody-knows.example": token})
	}
	b.rest(i, "credentials", map[string]any{"identityId": id, "logins": second}, 403)
	b.rest(i, "credentials", map[string]any{"identityId": id}, 403)
	b.rest(i, "developer/token", map[string]any{"userIdentifier": "user-of-a-thief"}, 401, bearer("api-key-of-a-thief")...)
	b.add("thief's", "user-of-a-thief", "api-key-of-a-thief")
	token := first[b.engine.provider()]
	for _, body := range []string{
		`{"IdentityId":"` + id + `","Logins":{"x":1}}`, `{"IdentityId":"` + id + `"`, `{"IdentityId":"` + id + `","IdentityId":"` + id + `"}`,
		`{"IdentityId":"` + id + `x","Logins":{"` + token + `":"` + id + `"}}`, `{"IdentityId":"` + token + `"}`,
	} {
		if a := i.wire(b.t, "GetCredentialsForIdentity", body); a.status != 400 {
			b.t.Errorf("a body that is not right: got %d, want 400", a.status)
		}
	}
	for _, path := range []string{"/v1/pools/" + id + "/credentials", "/v1/identities/" + id, "/?token=" + token} {
		i.post(b.t, path, "application/json", "{}")
	}
}
