package logins_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

const (
	poolName   = "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abc"
	poolIssuer = "https://" + poolName
	newIssuer  = "https://issuer-" + poolName
	poolClient = "1h57kf5cpq17m0eml12EXAMPLE"
	noAudience = "Invalid login token. Missing a required claim: aud"
)

// poolClaims are those of a user pool's good token, but for the claims that override.
func poolClaims(override idptest.Claims) idptest.Claims {
	claims := idptest.Claims{"iss": poolIssuer, "aud": poolClient, "token_use": "id", "cognito:username": "bob"}
	maps.Copy(claims, override)
	return claims
}

// poolProver proves logins at a user pool whose keys are an issuer's.
func poolProver(t *testing.T, idp *idptest.Issuer, c *clock) *logins.Prover {
	t.Helper()
	return proverOf(t, idp, c, func(p *logins.Provider) {
		*p = logins.Provider{Name: poolName, Kind: loginkey.UserPool, Endpoint: idp.URL}
	})
}

// Each check has a token that passes it barely, and one that does not; what comes twice is answered
// twice.
func TestUserPools(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := poolProver(t, idp, c)
	now := c.now().Unix()
	late := func(exp int64) string { return expired(now, exp) }
	early := func(at int64) string {
		return fmt.Sprintf("Invalid login token. Token is not valid yet: %d < %d", now, at)
	}
	token := func(override idptest.Claims) string { return idp.Token(poolClaims(override)) }
	good := token(nil)
	for name, f := range map[string]struct{ token, want string }{
		"good":            {good, ""},
		"two parts":       {good[:strings.LastIndex(good, ".")], noToken},
		"four parts":      {good + ".x", noToken},
		"no JSON":         {"a.b.c", noToken},
		"the new issuer":  {token(idptest.Claims{"iss": newIssuer}), ""},
		"with a slash":    {token(idptest.Claims{"iss": poolIssuer + "/"}), mismatch},
		"another pool":    {token(idptest.Claims{"iss": poolIssuer + "d"}), mismatch},
		"part of the key": {token(idptest.Claims{"iss": strings.TrimSuffix(poolIssuer, "c")}), mismatch},
		"without scheme":  {token(idptest.Claims{"iss": poolName}), mismatch},
		"issuer- twice":   {token(idptest.Claims{"iss": "https://issuer-issuer-" + poolName}), mismatch},
		"no issuer":       {token(idptest.Claims{"iss": nil}), mismatch},
		"other key":       {idp.Sign(poolClaims(nil), jose.RS256, idptest.Key(2), "k0"), unsigned},
		"RS384":           {idp.Sign(poolClaims(nil), jose.RS384, idptest.Key(0), "k0"), unsigned},
		"RS512":           {idp.Sign(poolClaims(nil), jose.RS512, idptest.Key(0), "k0"), unsigned},
		"PS256":           {idp.Sign(poolClaims(nil), jose.PS256, idptest.Key(0), "k0"), unsigned},
		"no audience":     {token(idptest.Claims{"aud": nil}), noAudience},
		"an access token": {token(idptest.Claims{"aud": nil, "token_use": "access", "client_id": poolClient}), noAudience},
		"such with aud":   {token(idptest.Claims{"token_use": "access"}), noToken},
		"no token_use":    {token(idptest.Claims{"token_use": nil}), noToken},
		"token_use ID":    {token(idptest.Claims{"token_use": "ID"}), noToken},
		"token_use null":  {idp.SignRaw(idp.Header(""), `{"iss":"`+poolIssuer+`","aud":"a","token_use":null}`), noToken},
		"token_use [id]":  {token(idptest.Claims{"token_use": []string{"id"}}), noToken},
		"no subject": {token(idptest.Claims{"sub": nil}),
			"Invalid login token. Missing a required claim: sub"},
		"longest subject": {token(idptest.Claims{"sub": strings.Repeat("x", 1024)}), ""},
		"longer subject": {token(idptest.Claims{"sub": strings.Repeat("x", 1025)}),
			"Invalid login token. The claim sub is longer than 1024 bytes."},
		"no expiry": {token(idptest.Claims{"exp": nil}),
			"Invalid login token. Missing a required claim: exp"},
		"expires now":           {token(idptest.Claims{"exp": now}), ""},
		"expired within grace":  {token(idptest.Claims{"exp": now - 299}), ""},
		"expired with grace":    {token(idptest.Claims{"exp": now - 300}), late(now - 300)},
		"expired beyond grace":  {token(idptest.Claims{"exp": now - 301}), late(now - 301)},
		"issued within grace":   {token(idptest.Claims{"iat": now + 300}), ""},
		"issued in the future":  {token(idptest.Claims{"iat": now + 301}), early(now + 301)},
		"azp of another client": {token(idptest.Claims{"azp": "another"}), ""}, // no such rule here
	} {
		for range 2 {
			proof, err := p.Prove(t.Context(), poolName, f.token)
			switch {
			case f.want != "" && refusal(err) != f.want:
				t.Errorf("%s: got %q, want %q", name, refusal(err), f.want)
			case f.want == "" && err != nil:
				t.Errorf("%s: got %v, want it proved", name, err)
			case f.want == "" && (proof.Provider != poolName || proof.ClientID != poolClient):
				t.Errorf("%s: got a login at %s of client %s", name, proof.Provider, proof.ClientID)
			}
		}
	}
	if n := idp.Fetches.Load(); n != 1 || idp.Discoveries.Load() != 0 {
		t.Errorf("got %d fetches of keys and %d of discovery, want one and none", n, idp.Discoveries.Load())
	}
}

// Of two faults the one that the documented order has first is told.
func TestOrderOfTheChecksOfUserPools(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := poolProver(t, idp, c)
	past := c.now().Unix() - 301
	faults := []struct {
		claims idptest.Claims
		forged bool
		want   string
	}{
		{idptest.Claims{"iss": "https://elsewhere.example"}, false, mismatch},
		{nil, true, unsigned},
		{idptest.Claims{"aud": nil}, false, noAudience},
		{idptest.Claims{"token_use": "access"}, false, noToken},
		{idptest.Claims{"exp": past}, false, expired(c.now().Unix(), past)},
	}
	for i, first := range faults {
		for _, second := range faults[i:] {
			claims, key := poolClaims(first.claims), idptest.Key(0)
			maps.Copy(claims, second.claims)
			if first.forged || second.forged {
				key = idptest.Key(2)
			}
			_, err := p.Prove(t.Context(), poolName, idp.Sign(claims, jose.RS256, key, "k0"))
			if got := refusal(err); got != first.want {
				t.Errorf("%v and %v: got %q, want %q", first.claims, second.claims, got, first.want)
			}
		}
	}
}

// A login has one name and one subject, whichever spelling of the key it comes under and whichever
// issuer signed; users of two pools have not, nor have two users of one.
func TestTwoSpellingsOfAUserPool(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := poolProver(t, idp, c)
	seen := map[string]bool{}
	for _, key := range []string{poolName, "issuer-" + poolName} {
		if !p.Known(key) {
			t.Fatalf("%s is not known", key)
		}
		for _, issuer := range []string{poolIssuer, newIssuer} {
			token := idp.Token(poolClaims(idptest.Claims{"iss": issuer}))
			for range 2 {
				proof, err := p.Prove(t.Context(), key, token)
				if err != nil {
					t.Fatalf("%s, signed by %s: %v", key, issuer, err)
				}
				seen[proof.Provider+" "+proof.Subject] = true
			}
			if err := p.Peek(key, token); err != nil {
				t.Errorf("%s, signed by %s: peeked: got %v", key, issuer, err)
			}
		}
	}
	evil := poolClaims(idptest.Claims{"sub": "eve", "cognito:username": "alice"})
	other, err := p.Prove(t.Context(), poolName, idp.Token(evil))
	if err != nil {
		t.Fatal(err)
	}
	if seen[other.Provider+" "+other.Subject] || len(seen) != 1 {
		t.Errorf("got %d logins of one user, and another's among them: %t", len(seen), seen[other.Provider+" "+other.Subject])
	}
	if p.Known("issuer-issuer-"+poolName) || p.Known(poolName+"d") || p.Known("issuer-accounts.google.com") {
		t.Error("a key of another pool is known")
	}
	twice := []logins.Provider{
		{Name: poolName, Kind: loginkey.UserPool}, {Name: "issuer-" + poolName, Kind: loginkey.UserPool},
	}
	if _, err := logins.New(logins.Config{Providers: twice}); err == nil {
		t.Error("one pool under both spellings: got a prover, want it refused")
	}
}

// keysAt serves each issuer's keys at their addresses, and notes what was asked for.
type keysAt struct {
	t     *testing.T
	keys  map[string]string
	asked []string
}

func (k *keysAt) RoundTrip(r *http.Request) (*http.Response, error) {
	k.asked = append(k.asked, r.URL.String())
	w := httptest.NewRecorder()
	if text, ok := k.keys[r.URL.String()]; ok {
		_, _ = io.WriteString(w, text)
	} else {
		w.WriteHeader(http.StatusNotFound)
	}
	return w.Result(), nil
}

// Keys are where the issuer that a token names has them, and nowhere else: no discovery. One issuer's
// do not verify the other's tokens.
func TestKeysOfUserPools(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	idp.SetNow(c.now)
	const id = "a+b/c=" // as Cognito's are
	idp.SetKeyID(id)
	const path = "/.well-known/jwks.json"
	served := &keysAt{t: t, keys: map[string]string{
		poolIssuer + path: set(members(t, &idptest.Key(0).PublicKey, id)),
		newIssuer + path:  set(members(t, &idptest.Key(1).PublicKey, id)),
	}}
	p, err := logins.New(logins.Config{
		Providers: []logins.Provider{{Name: poolName, Kind: loginkey.UserPool}}, Transport: served, Now: c.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		issuer string
		key    int
		want   string
	}{
		{poolIssuer, 0, "<nil>"}, {newIssuer, 1, "<nil>"}, {poolIssuer, 1, unsigned}, {newIssuer, 0, unsigned},
	} {
		_, err := p.Prove(t.Context(), poolName,
			idp.Sign(poolClaims(idptest.Claims{"iss": f.issuer}), jose.RS256, idptest.Key(f.key), id))
		if got := refusal(err); got != f.want {
			t.Errorf("%s, key %d: got %q, want %q", f.issuer, f.key, got, f.want)
		}
	}
	if want := []string{poolIssuer + path, newIssuer + path}; !slices.Equal(served.asked, want) {
		t.Errorf("asked for %q, want %q", served.asked, want)
	}
	if found, err := p.Ask(t.Context(), "issuer-"+poolName); err != nil || found != "1 usable keys" {
		t.Errorf("asked: got %q, %v", found, err)
	}
	served.keys = map[string]string{newIssuer + path: served.keys[newIssuer+path]}
	if found, err := p.Ask(t.Context(), poolName); err != nil || found != "1 usable keys" {
		t.Errorf("only the new issuer has keys: got %q, %v", found, err)
	}
	served.keys = nil
	_, err = p.Ask(t.Context(), poolName)
	for _, name := range []string{poolName, "issuer-" + poolName} {
		if err == nil || !strings.Contains("\n"+err.Error()+"\n", "\n"+name+": fetch keys: status 404\n") {
			t.Errorf("none has keys: got %v, want it told of %s", err, name)
		}
	}
}

// A development pool's issuer is an emulator, and its key its address.
func TestEmulatedUserPool(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	idp.SetNow(c.now)
	name, url := idp.Name()+"/local_1AbC", idp.URL+"/local_1AbC"
	p := proverOf(t, idp, c, func(p *logins.Provider) {
		*p = logins.Provider{Name: name, Kind: loginkey.UserPool, Issuer: url}
	})
	proof, err := p.Prove(t.Context(), name, idp.Token(poolClaims(idptest.Claims{"iss": url})))
	if err != nil || proof.Provider != name {
		t.Errorf("got %v, %v, want a login at %s", proof, err, name)
	}
	for _, other := range []string{poolIssuer, "https://" + name, "https://issuer-" + name, idp.URL} {
		_, err := p.Prove(t.Context(), name, idp.Token(poolClaims(idptest.Claims{"iss": other})))
		if refusal(err) != mismatch {
			t.Errorf("issuer %s: got %q, want it refused", other, refusal(err))
		}
	}
	whole := []logins.Provider{{Name: idp.Name(), Kind: loginkey.UserPool}}
	if _, err := logins.New(logins.Config{Providers: whole}); err == nil {
		t.Error("a key without a pool: got a prover")
	}
}

// All claims are there for rules, and after the proof is remembered too, with whom the token is for.
func TestClaimsOfUserPools(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := poolProver(t, idp, c)
	token := idp.Token(poolClaims(idptest.Claims{
		"aud": []string{"other", poolClient}, "custom:tier": "gold", "cognito:groups": []string{"a", "b"}, "auth_time": 17,
	}))
	for n := range 2 {
		proof, err := p.Prove(t.Context(), poolName, token)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"custom:tier", "cognito:groups", "cognito:username", "auth_time", "token_use"} {
			if _, ok := proof.Claim(name); !ok {
				t.Errorf("time %d: no claim %s", n, name)
			}
		}
		if proof.ClientID != "other" || !slices.Equal(proof.Audience, []string{"other", poolClient}) {
			t.Errorf("time %d: got client %s of %v", n, proof.ClientID, proof.Audience)
		}
	}
}

// Who refuses a token as too old says whom it is for: that comes first where a pool does not list it.
// No other refusal does: nothing is known of such tokens.
func TestRefusalsKnowTheAudience(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := poolProver(t, idp, c)
	old := poolClaims(idptest.Claims{"exp": c.now().Unix() - 301})
	for _, f := range []struct {
		token string
		want  []string
	}{
		{idp.Token(old), []string{poolClient}},
		{idp.Sign(old, jose.RS256, idptest.Key(2), "k0"), nil},
		{idp.Token(poolClaims(idptest.Claims{"sub": nil})), nil},
	} {
		_, err := p.Prove(t.Context(), poolName, f.token)
		refused, ok := errors.AsType[*logins.Refused](err)
		if !ok || !slices.Equal(refused.Audience, f.want) {
			t.Errorf("got %v, want it refused for %v", err, f.want)
		}
	}
	_, err := newProver(t, idp, c).Prove(t.Context(), idp.Name(), idp.Token(idptest.Claims{"exp": c.now().Unix() - 301}))
	if refused, ok := errors.AsType[*logins.Refused](err); !ok || refused.Audience != nil {
		t.Errorf("a plain OpenID provider, whose clients were looked at: got %v, want it refused for nobody", err)
	}
}

// check -online says what a set-up lacks.
func TestWhatASetUpLacks(t *testing.T) {
	encrypting, err := json.Marshal(jose.JSONWebKey{Key: &idptest.Key(0).PublicKey, KeyID: "k", Use: "enc"})
	if err != nil {
		t.Fatal(err)
	}
	curve := `{"kty":"EC","crv":"P-256","kid":"e","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",` +
		`"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	for name, f := range map[string]struct {
		serves http.HandlerFunc
		want   string
	}{
		"404":              {http.NotFound, "status 404"},
		"only EC keys":     {serving(`{"keys":[` + curve + `]}`), `of "EC"`},
		"only use enc":     {serving(`{"keys":[` + string(encrypting) + `]}`), "for another use than signatures"},
		"no keys":          {serving(`{"keys":[]}`), "the key set is empty"},
		"a page":           {serving("<html>"), "does not read"},
		"more than 64 KiB": {serving(`{"keys":[` + strings.Repeat(" ", 64<<10) + `]}`), "more than 65536 bytes"},
	} {
		for kind, p := range openKinds(t) {
			idp, c := idptest.Start(t), newClock()
			idp.ServeKeys(f.serves)
			if name == "404" {
				idp.Break(f.serves) // discovery too
			}
			_, err := proverOf(t, idp, c, func(to *logins.Provider) { *to = p(idp) }).Ask(t.Context(), p(idp).Name)
			if err == nil || !strings.Contains(err.Error(), f.want) {
				t.Errorf("%s, %s: got %v, want %q", kind, name, err, f.want)
			}
		}
	}
}

// openKinds are the kinds that are proved by ID tokens and keys, beside plain OpenID: how each is
// configured to have an issuer's keys.
func openKinds(t *testing.T) map[loginkey.Kind]func(*idptest.Issuer) logins.Provider {
	t.Helper()
	return map[loginkey.Kind]func(*idptest.Issuer) logins.Provider{
		loginkey.UserPool: func(idp *idptest.Issuer) logins.Provider {
			return logins.Provider{Name: poolName, Kind: loginkey.UserPool, Endpoint: idp.URL}
		},
		loginkey.Google: func(idp *idptest.Issuer) logins.Provider {
			return logins.Provider{Name: "accounts.google.com", Kind: loginkey.Google, Issuer: idp.URL}
		},
		loginkey.Apple: func(idp *idptest.Issuer) logins.Provider {
			return logins.Provider{Name: "appleid.apple.com", Kind: loginkey.Apple, KeysURL: idp.URL + "/auth/keys"}
		},
	}
}
