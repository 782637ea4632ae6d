package rules_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

const (
	newerPool = "issuer-" + poolID
	samlKey   = "arn:aws:iam::" + account + ":saml-provider/office"
	appleARN  = "arn:aws:iam::" + account + ":oidc-provider/" + appleID
)

// everyKind takes logins of every kind; Apple's by an ARN and by an app.
func everyKind() *rules.Pool {
	return &rules.Pool{
		ID: "us-east-1:00000000-0000-4000-8000-000000000001", DeveloperProvider: "login.example",
		OIDCProviderARNs: []string{oidcKey, appleARN},
		PublicProviders: map[string]string{
			googleID: "g:1", appleID: "com.example", "graph.facebook.com": "123", "www.amazon.com": "amzn1.app",
		},
		UserPools:        []rules.UserPool{{Provider: newerPool, ClientID: "web"}, {Provider: poolID, ClientID: "ios"}},
		SAMLProviderARNs: []string{samlKey},
		Roles:            rules.Roles{Authenticated: dflt, Unauthenticated: guest},
	}
}

func TestWays(t *testing.T) {
	p := everyKind()
	for key, want := range map[string]rules.Way{
		oidcID: rules.ByOIDC, appleID: rules.ByOIDC, googleID: rules.ByApp, "graph.facebook.com": rules.ByApp,
		poolID: rules.ByUserPool, newerPool: rules.ByUserPool, samlKey: rules.BySAML,
		"login.example": 0, "nobody.example": 0, "": 0, poolID + "x": 0, "office": 0,
	} {
		if got := p.Way(key); got != want || p.Accepts(key) != (want != 0) {
			t.Errorf("%q: got way %v, accepted %v, want way %v", key, got, p.Accepts(key), want)
		}
	}
	for _, named := range []string{poolID, newerPool} {
		if got := p.Key(named); got != poolID {
			t.Errorf("%q: got the key %q, want %q", named, got, poolID)
		}
	}
	// By an ARN too: the app clients count where the pool lists any, and the spellings are one.
	p.OIDCProviderARNs = []string{"arn:aws:iam::" + account + ":oidc-provider/" + newerPool}
	for _, listed := range []bool{true, false} {
		want := rules.ByUserPool
		if !listed {
			p.UserPools, want = nil, rules.ByOIDC
		}
		for _, named := range []string{poolID, newerPool} {
			if got := p.Way(named); got != want || p.Key(named) != poolID {
				t.Errorf("%s by an ARN, listed %v: got way %v, key %q", named, listed, got, p.Key(named))
			}
		}
	}
}

// Which clients count stands at the pool, for apps and app clients; a prefix is none.
func TestClientsOfPools(t *testing.T) {
	p := everyKind()
	for _, c := range []struct {
		key      string
		audience []string
		want     string
	}{
		{googleID, []string{"g:1"}, "g:1"}, {googleID, []string{"x", "g:1"}, "g:1"}, {googleID, []string{"g"}, ""},
		{googleID, []string{"g:12"}, ""}, {googleID, nil, ""}, {googleID, []string{""}, ""}, {googleID, []string{"G:1"}, ""},
		{"www.amazon.com", []string{"amzn1.application", "amzn1.app"}, "amzn1.app"},
		{"graph.facebook.com", []string{"12"}, ""},
		{poolID, []string{"web"}, "web"}, {newerPool, []string{"ios"}, "ios"}, {poolID, []string{"android"}, ""},
		{poolID, []string{""}, ""}, {appleID, []string{"com.example"}, ""}, {samlKey, []string{"web"}, ""},
		{oidcID, []string{"web"}, ""}, {"nobody.example", []string{"web"}, ""},
	} {
		got, ok := p.Client(c.key, c.audience)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s for %q: got %q, %v, want %q", c.key, c.audience, got, ok, c.want)
		}
	}
	empty := &rules.Pool{PublicProviders: map[string]string{googleID: ""}}
	if _, ok := empty.Client(googleID, []string{""}); ok {
		t.Error("no client: got it taken")
	}
}

func TestServerSideChecks(t *testing.T) {
	yes, no := true, false
	p := &rules.Pool{UserPools: []rules.UserPool{
		{Provider: newerPool, ClientID: "checked", ServerSideTokenCheck: &yes},
		{Provider: poolID, ClientID: "unchecked", ServerSideTokenCheck: &no}, {Provider: poolID, ClientID: "silent"},
	}}
	for client, want := range map[string]bool{"checked": true, "unchecked": false, "silent": false, "other": false} {
		for _, key := range []string{poolID, newerPool} {
			if got := p.ChecksServerSide(key, client); got != want {
				t.Errorf("%s at %s: got %v, want %v", client, key, got, want)
			}
		}
	}
	if p.ChecksServerSide(googleID, "checked") {
		t.Error("another provider: got it checked")
	}
}

// How a call was authenticated is told, and read back, for every kind.
func TestAMROfEveryKind(t *testing.T) {
	p := everyKind()
	want := map[string]string{
		oidcID: oidcKey + ":OIDC:u", appleID: appleARN + ":OIDC:u", googleID: googleID + ":g:1:u",
		"graph.facebook.com": "graph.facebook.com:123:u", "www.amazon.com": "www.amazon.com:amzn1.app:u",
		poolID: poolID + ":CognitoSignIn:u", samlKey: samlKey + ":SAML:u", "login.example": "login.example:" + p.ID + ":u",
	}
	for provider, text := range want {
		amr := rules.AMR(p, []rules.Proven{at(provider, "", nil)})
		amr[2] = amr[2][:len(amr[2])-len("alice")] + "u"
		if diff := cmp.Diff([]string{"authenticated", provider, text}, amr); diff != "" {
			t.Errorf("%s (-want +got):\n%s", provider, diff)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		var proven []rules.Proven
		var logins []rules.Login
		for _, provider := range slices.Sorted(maps.Keys(want)) {
			if rapid.Bool().Draw(t, provider) {
				l := rules.Login{Provider: provider, Subject: rapid.StringN(1, 40, -1).Draw(t, "subject")}
				proven, logins = append(proven, rules.Proven{Login: l}), append(logins, l)
			}
		}
		got, ok := rules.AMRLogins(p, rules.AMR(p, proven))
		if diff := cmp.Diff(logins, got); len(proven) > 0 && (!ok || diff != "") {
			t.Fatalf("got %v, logins (-want +got):\n%s", ok, diff)
		}
	})
}

// Names of a user pool's settings may be spelled in two ways, each once.
func TestSpellingsOfUserPools(t *testing.T) {
	deny := rules.Mapping{Type: "Token", Ambiguous: "Deny"}
	for name, key := range map[string]string{"older": poolID + ":web", "newer": newerPool + ":web"} {
		p := everyKind()
		if err := p.SetRoles(account, p.Roles, map[string]rules.Mapping{key: deny}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := answer(rules.ChooseRole(p, account, []rules.Proven{at(poolID, "web", claims{})}, ""))
		if got != denied(poolID) {
			t.Errorf("%s: got %q, want %q", name, got, denied(poolID))
		}
		if got := answer(rules.ChooseRole(p, account, []rules.Proven{at(poolID, "ios", claims{})}, "")); got != dflt {
			t.Errorf("%s, another client: got %q, want %q", name, got, dflt)
		}
		both := map[string]rules.Mapping{poolID + ":ios": deny, newerPool + ":ios": deny}
		if err := p.SetRoles(account, p.Roles, both); err == nil {
			t.Errorf("%s: got both spellings taken at once", name)
		}
		if err := p.SetTagMap(newerPool, rules.TagMap{UseDefaults: true}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := rules.PrincipalTags(p, []rules.Proven{at(poolID, "web", claims{})}); got["client"] != "web" {
			t.Errorf("%s: got tags %v, want the newer spelling's", name, got)
		}
		err := p.SetTagMap(poolID, rules.TagMap{})
		if err != nil || len(p.PrincipalTags) != 1 || p.TagMap(newerPool).UseDefaults {
			t.Errorf("%s: got %v and maps %v, want one of the user pool", name, err, p.PrincipalTags)
		}
	}
	twice := everyKind()
	twice.UserPools = append(twice.UserPools, rules.UserPool{Provider: poolID, ClientID: "web"})
	if err := rules.CheckPool(twice); err == nil {
		t.Error("an app client in both spellings: got it taken")
	}
	if err := rules.CheckPool(everyKind()); err != nil {
		t.Errorf("every kind: got %v", err)
	}
	local := &rules.Pool{UserPools: []rules.UserPool{{Provider: "localhost:9229/local_1", ClientID: "web"}}}
	if err := rules.CheckPool(local); err == nil {
		t.Error("an emulator's user pool: got it taken by everybody")
	}
	if err := rules.CheckPool(local, "localhost:9229/local_1"); err != nil {
		t.Errorf("an emulator's user pool: got %v", err)
	}
}

// The defaults of every kind: the client for which a login was made, and its user.
func TestDefaultTagsOfEveryKind(t *testing.T) {
	for provider, want := range map[string]map[string]string{
		oidcID: {"client": "c", "username": "alice"}, googleID: {"client": "c", "username": "alice"},
		"graph.facebook.com": {"client": "c", "username": "alice"}, "www.amazon.com": {"client": "c", "username": "alice"},
		poolID: {"client": "c", "username": "alice"}, samlKey: {"username": "alice"},
	} {
		p, name := everyKind(), provider
		if provider == oidcID {
			name = oidcKey
		}
		if err := p.SetTagMap(name, rules.TagMap{UseDefaults: true}); err != nil {
			t.Fatalf("%s: %v", provider, err)
		}
		got := rules.PrincipalTags(p, []rules.Proven{at(provider, "c", claims{})})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", provider, diff)
		}
	}
}
