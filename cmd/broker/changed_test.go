package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/redistest"
)

// scene is a fleet whose configuration is changed: askers of all kinds, and what each
// broker answers them with.
type scene struct {
	root, t       *testing.T // of the test, and of its step
	engine, front *instance
	idp           *idptest.Issuer
	asks          map[string]func(i *instance) answer
}

// startScene runs an engine and a broker in front of it. The YAML of each says which
// Redis it uses.
func startScene(t *testing.T, atEngine, atFront string) *scene {
	t.Helper()
	atEngine, atFront = unlimited+atEngine, unlimited+atFront
	s := &scene{root: t, t: t, idp: idptest.Start(t)}
	s.engine = startBroker(t, []string{s.idp.URL}, atEngine)
	s.front = startUpstream(t, s.engine, s.engine.url, atFront, s.idp.URL)
	s.front.behind = s.engine
	guest, err := s.front.getID(t.Context(), demoPool, nil)
	if err != nil {
		t.Fatal(err)
	}
	alice, other := s.engine.login(t, "alice"), map[string]string{s.idp.Name(): s.idp.Token(idptest.Claims{"sub": "bob"})}
	credentials := func(pool string, body map[string]any) func(*instance) answer {
		return func(i *instance) answer { return i.rest(s.t, pool, "credentials", body) }
	}
	s.asks = map[string]func(i *instance) answer{
		"user":   credentials(demoPool, map[string]any{"logins": alice}),
		"other":  credentials(demoPool, map[string]any{"logins": other}),
		"guest":  credentials(demoPool, map[string]any{"identityId": guest}),
		"closed": credentials(closedPool, map[string]any{"logins": alice}),
		"classic": credentials(demoPool, map[string]any{
			"logins": alice, "flow": "classic", "roleArn": authRole, "roleSessionName": "long", "durationSeconds": 43200,
		}),
		"backend": func(i *instance) answer {
			return i.rest(s.t, demoPool, "developer/credentials", map[string]any{"userIdentifier": "u1"}, bearer(adminAPIKey)...)
		},
		"a login": func(i *instance) answer { // whose a login is
			return i.wire(s.t, "GetId", fmt.Sprintf(`{"IdentityPoolId":%q,"Logins":{%q:%q}}`, demoPool, s.engine.provider(), alice[s.engine.provider()]))
		},
	}
	return s
}

// outcomes is how a broker answers each asker: hit, miss, or the status of a refusal.
func (s *scene) outcomes(i *instance) map[string]string {
	s.t.Helper()
	got := map[string]string{}
	for _, who := range slices.Sorted(maps.Keys(s.asks)) { // "a login" first: others make it known
		a := s.asks[who](i)
		if got[who] = cmp.Or(a.header.Get("X-Cache"), "uncached"); a.status != 200 {
			got[who] = fmt.Sprint(a.status)
		}
	}
	return got
}

// warm has all that is served be a hit.
func (s *scene) warm(brokers ...*instance) {
	s.t.Helper()
	for _, i := range brokers {
		for range 2 {
			s.outcomes(i)
		}
	}
}

// want compares how a broker answers; who is not named is answered from the cache.
func (s *scene) want(what string, i *instance, want map[string]string) {
	s.t.Helper()
	for who, got := range s.outcomes(i) {
		if expected := cmp.Or(want[who], "hit"); got != expected {
			s.t.Errorf("%s: %s: got %s, want %s", what, who, got, expected)
		}
	}
}

// all gives the same outcome to some askers.
func all(outcome string, who ...string) map[string]string {
	want := map[string]string{}
	for _, w := range who {
		want[w] = outcome
	}
	return want
}

// but is want with other outcomes for some.
func but(want map[string]string, outcome string, who ...string) map[string]string {
	want = maps.Clone(want)
	maps.Copy(want, all(outcome, who...))
	return want
}

// A change of the engine's configuration ends what rests on it, in all brokers, and
// nothing else; that the change is taken back brings nothing of it back.
func TestChangedConfigurationOfTheEngine(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	shared := redisYAML(redis.Addr(), base64Key(), base64Key())
	s := startScene(t, shared, shared)
	ofDemo := []string{"user", "other", "guest", "classic", "backend"}
	granted, known := all("miss", ofDemo...), all("miss", append(ofDemo, "a login")...)
	everyone := but(known, "miss", "closed")
	policy := `{"Statement": {"Effect": "Deny", "Principal": {"Federated": "cognito-identity.amazonaws.com"}, "Action": "sts:AssumeRoleWithWebIdentity"}}`
	open := "name: demo, allow_unauthenticated_identities: true, roles: {authenticated: '" + authRole + "', unauthenticated: '"
	arn := "open_id_connect_provider_arns: ['arn:aws:iam::000000000000:oidc-provider/" + s.idp.Name() + "'"
	clients := "client_ids: [" + idptest.ClientID + "]"
	for _, c := range []struct {
		what, old, now string
		changed, back  map[string]string
	}{
		{"nothing that answers rest on", "log: {level: debug", "log: {level: info", nil, nil},
		{"the role of guests", open + unauthRole, open + authRole, granted, granted},
		{"guests", open, strings.Replace(open, "true", "false", 1), but(granted, "403", "guest"), granted},
		{"the classic flow", open, "allow_classic_flow: false, " + open, but(granted, "400", "classic"), granted},
		{"a provider", arn + ",], name: demo", "open_id_connect_provider_arns: [], name: demo", but(known, "403", "other"), known},
		{"trust", "callers:\n", "roles: [{arn: '" + authRole + "', trust_policy: '" + policy + "'}]\ncallers:\n",
			but(but(granted, "422", "user", "other", "backend", "closed"), "403", "classic"), but(granted, "miss", "closed")},
		{"the length of sessions", "callers:\n", "roles: [{arn: '" + authRole + "', max_session_duration: 1h}]\ncallers:\n",
			but(but(granted, "miss", "closed"), "400", "classic"), but(granted, "miss", "closed")},
		{"one client id more", clients, "client_ids: [" + idptest.ClientID + ", another]", nil, everyone},
		{"another client id", clients, "client_ids: [another]", but(everyone, "403", "other"), everyone},
		{"the issuer", "cognito: {", "cognito: {issuer: 'http://127.0.0.1:1', ", everyone, everyone},
	} {
		t.Run(c.what, func(t *testing.T) {
			s.t = t
			s.warm(s.engine, s.front)
			s.want("before", s.front, nil)
			s.want("before, at the engine", s.engine, nil)
			for _, step := range []struct {
				when, old, now string
				want           map[string]string
			}{{"changed", c.old, c.now, c.changed}, {"taken back", c.now, c.old, c.back}} {
				s.engine.stop(t)
				s.engine.edit(t, step.old, step.now)
				s.engine.start(s.root) // it outlives the step
				s.want(step.when+", at the engine", s.engine, step.want)
				s.want(step.when+", in front", s.front, step.want)
				s.warm(s.engine, s.front)
			}
		})
	}
}

// What the running broker was told of is no change at the next start; what a start takes
// back of it is, and what an import brings, or a time without Redis.
func TestChangedBesideTheConfiguration(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	shared := redisYAML(redis.Addr(), base64Key(), base64Key())
	s := startScene(t, shared, shared)
	known := all("miss", "user", "other", "guest", "classic", "backend", "a login")
	lines := filepath.Join(t.TempDir(), "lines")
	text := `{"identity":{"id":"us-east-1:0000aaaa","pool":"` + demoPool + `","logins":[{"provider":"` + s.engine.provider() + `","subject":"carol"}]}}` + "\n"
	if err := os.WriteFile(lines, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	api := s.engine.sdkAs(admin())
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	alone := func() {
		s.engine.edit(t, shared, "# "+shared)
		s.engine.start(t)
		must(api.DeleteIdentityPool(t.Context(), &cognitoidentity.DeleteIdentityPoolInput{IdentityPoolId: aws.String(bareRoles)}))
		s.engine.stop(t)
		s.engine.edit(t, "# "+shared, shared)
	}
	for _, c := range []struct {
		what            string
		running, before func() // changes by the API, and between stop and start
		want            map[string]string
	}{
		{"a pool made, one changed, and tags set, by the API", func() {
			must(api.CreateIdentityPool(t.Context(), &cognitoidentity.CreateIdentityPoolInput{IdentityPoolName: aws.String("new")}))
			must(api.SetPrincipalTagAttributeMap(t.Context(), &cognitoidentity.SetPrincipalTagAttributeMapInput{
				IdentityPoolId: aws.String(demoPool), IdentityProviderName: aws.String("arn:aws:iam::000000000000:oidc-provider/" + s.idp.Name()), PrincipalTags: map[string]string{"t": "sub"},
			}))
		}, nil, nil},
		{"roles set by the API, which the configuration takes back", func() {
			must(api.SetIdentityPoolRoles(t.Context(), &cognitoidentity.SetIdentityPoolRolesInput{
				IdentityPoolId: aws.String(demoPool), Roles: map[string]string{"authenticated": authRole, "unauthenticated": authRole},
			}))
		}, nil, all("miss", "user", "other", "guest", "classic", "backend")},
		{"an import", nil, func() { must(s.engine.command(t, "import", "-config", s.engine.config, "-file", lines)) }, known},
		{"the same import", nil, func() { must(s.engine.command(t, "import", "-config", s.engine.config, "-file", lines)) }, nil},
		{"a time without Redis", nil, alone, but(known, "miss", "closed")},
		{"nothing", nil, nil, nil},
	} {
		if c.running != nil {
			c.running()
		}
		s.warm(s.engine, s.front)
		s.want(c.what+": before", s.front, nil)
		s.engine.stop(t)
		if c.before != nil {
			c.before()
		}
		s.engine.start(t)
		s.want(c.what+": at the engine", s.engine, c.want)
		s.want(c.what+": in front", s.front, c.want)
	}
	// Another store is another engine: it knows nobody.
	s.warm(s.engine, s.front)
	s.engine.stop(t)
	if err := os.RemoveAll(filepath.Dir(s.engine.store)); err != nil {
		t.Fatal(err)
	}
	s.engine.start(t)
	for _, i := range []*instance{s.engine, s.front} {
		for who, got := range s.outcomes(i) {
			if got == "hit" && who != "a login" && who != "classic" {
				t.Errorf("another store: %s: got a hit", who)
			}
		}
	}
}

// A change of the configuration of a broker in front of upstream, likewise. Upstream
// shares nothing with it.
func TestChangedConfigurationInFront(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	pools := "pools: [{id: '" + demoPool + "'}, {id: '" + closedPool + "'}]\n"
	s := startScene(t, "", pools+redisYAML(redis.Addr(), base64Key(), base64Key()))
	ofUsers := all("miss", "user", "classic", "closed", "a login")
	everyone := but(ofUsers, "miss", "other", "guest", "backend")
	ofDemo := all("miss", "user", "classic", "other", "guest", "backend", "a login")
	clients := "client_ids: [" + idptest.ClientID + "]"
	provider := "  - {provider: '" + s.idp.Name() + "', issuer: '" + s.idp.URL + "', " + clients + "}\n"
	endpoint := "aws, endpoint: '" + s.engine.url + "'"
	proxy := startProxy(t, s.engine.url)
	for _, c := range []struct {
		what, old, now string
		changed, back  map[string]string
	}{
		{"nothing that answers rest on", "log: {level: debug", "log: {level: info", nil, nil},
		{"a pool less", "\npools: [{id: '" + demoPool + "'}, ", "\npools: [", but(all("404", "user", "other", "guest", "classic", "backend"), "400", "a login"), ofDemo},
		{"any pool", pools, "# " + pools, everyone, everyone},
		{"a developer provider's name", "{id: '" + demoPool + "'}", "{id: '" + demoPool + "', developer_provider_name: login.example}", ofDemo, ofDemo},
		{"one client id more", clients, "client_ids: [" + idptest.ClientID + ", another]", nil, all("miss", "other")},
		{"another client id", clients, "client_ids: [another]", all("uncached", "other"), all("miss", "other")},
		{"a provider less", provider + "callers:\n", "callers:\n", all("miss", "other"), all("miss", "other")},
		{"another Cognito", "cognito: {backend: " + endpoint, "cognito: {backend: aws, endpoint: '" + proxy.url + "'", everyone, everyone},
		{"another STS", "sts: {backend: " + endpoint, "sts: {backend: aws, endpoint: '" + proxy.url + "'", everyone, everyone},
	} {
		t.Run(c.what, func(t *testing.T) {
			s.t = t
			s.warm(s.front)
			s.want("before", s.front, nil)
			for _, step := range []struct {
				when, old, now string
				want           map[string]string
			}{{"changed", c.old, c.now, c.changed}, {"taken back", c.now, c.old, c.back}} {
				s.front.stop(t)
				s.front.edit(t, step.old, step.now)
				s.front.start(s.root)
				s.want(step.when, s.front, step.want)
				s.warm(s.front)
			}
		})
	}
}
