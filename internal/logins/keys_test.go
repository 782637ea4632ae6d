package logins_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// members is a public key as a JWK's members, without braces.
func members(t testing.TB, key any, id string) string {
	t.Helper()
	text, err := jose.JSONWebKey{Key: key, KeyID: id}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Trim(string(text), "{}")
}

func set(keys ...string) string {
	for n := range keys {
		keys[n] = "{" + keys[n] + "}"
	}
	return `{"keys":[` + strings.Join(keys, ",") + `]}`
}

func serving(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(text)) }
}

// proverOf proves by one provider as it is given.
func proverOf(t *testing.T, idp *idptest.Issuer, c *clock, change func(*logins.Provider)) *logins.Prover {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	idp.SetNow(c.now)
	provider := logins.Provider{Name: idp.Name(), Issuer: idp.URL, ClientIDs: []string{idptest.ClientID}}
	if change != nil {
		change(&provider)
	}
	p, err := logins.New(logins.Config{Providers: []logins.Provider{provider}, Now: c.now, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A key of sound substance verifies, whatever decorates it; a key that is none costs
// itself alone.
func TestDecoratedKeys(t *testing.T) {
	good := members(t, &idptest.Key(0).PublicKey, "k0")
	n := base64.RawURLEncoding.EncodeToString(idptest.Key(0).N.Bytes())
	padded := base64.URLEncoding.EncodeToString(idptest.Key(0).N.Bytes())
	zeros := base64.RawURLEncoding.EncodeToString(append([]byte{0}, idptest.Key(0).N.Bytes()...))
	other := members(t, &idptest.Key(2).PublicKey, "k0")
	for name, f := range map[string]struct {
		set  string
		want bool
	}{
		"plain":                    {set(good), true},
		"x5c that is none":         {set(good + `,"x5c":["AAAA"]`), true},
		"x5c of another form":      {set(good + `,"x5c":{"a":1,"a":2}`), true},
		"x5c that is no Unicode":   {set(good + `,"x5c":["\ud800"]`), true},
		"odd x5t":                  {set(good + `,"x5t":"x","x5t#S256":"00ff"`), true},
		"bad x5u":                  {set(good + `,"x5u":"::"`), true},
		"padded n":                 {set(strings.Replace(good, n, padded, 1)), true},
		"zeros before n":           {set(strings.Replace(good, n, zeros, 1)), true},
		"use and key_ops":          {set(good + `,"use":"sig","key_ops":["verify"]`), true},
		"use and key_ops of null":  {set(good + `,"use":null,"key_ops":null`), true},
		"its algorithm":            {set(good + `,"alg":"RS256"`), true},
		"garbage beside":           {set(`"kty":7`, `"kty":"RSA","n":"!","e":"AQAB"`, good, `"kty":"oct","k":"AAAA"`), true},
		"no object beside":         {`{"keys":[1,null,[],{` + good + `}]}`, true},
		"twice beside":             {set(good, other+`,"n":"AAAA"`), true},
		"members beside keys":      {`{"x":{"a":1,"a":2},"keys":[{` + good + `}]}`, true},
		"for encryption, same kid": {set(other+`,"use":"enc"`, good), true},

		"n twice":                  {set(good + `,"n":"` + n + `"`), false},
		"N for n":                  {set(strings.Replace(good, `"n"`, `"N"`, 1)), false},
		"for encryption":           {set(good + `,"use":"enc"`), false},
		"use of a list":            {set(good + `,"use":["sig"]`), false},
		"key_ops without verify":   {set(good + `,"key_ops":["encrypt"]`), false},
		"key_ops of text":          {set(good + `,"key_ops":"verify"`), false},
		"alg of encryption":        {set(good + `,"alg":"RSA-OAEP"`), false},
		"alg of another signature": {set(good + `,"alg":"RS512"`), false},
		"alg of a number":          {set(good + `,"alg":256`), false},
		"other kind":               {set(strings.Replace(good, `"RSA"`, `"OKP"`, 1)), false},
		"no keys":                  {`{}`, false},
		"keys are no list":         {`{"keys":{}}`, false},
		"keys twice":               {`{"keys":[],"keys":[{` + good + `}]}`, false},
		"KEYS":                     {`{"KEYS":[{` + good + `}]}`, false},
		"something behind":         {set(good) + "{}", false},
	} {
		idp, c := idptest.Start(t), newClock()
		idp.ServeKeys(serving(f.set))
		_, err := proverOf(t, idp, c, nil).Prove(t.Context(), idp.Name(), idp.Token(nil))
		if (err == nil) != f.want {
			t.Errorf("%s: got %v, want proved %v", name, err, f.want)
		}
	}
}

// Some issuers write a number as kid in the set; tokens name it by its text.
func TestNumericKeyID(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	idp.ServeKeys(serving(set(members(t, &idptest.Key(2).PublicKey, "x"),
		strings.Replace(members(t, &idptest.Key(0).PublicKey, "7"), `"7"`, "7", 1))))
	if _, err := proverOf(t, idp, c, nil).Prove(t.Context(), idp.Name(),
		idp.Sign(nil, jose.RS256, idptest.Key(0), "7")); err != nil {
		t.Errorf("got %v, want a proof", err)
	}
}

// A token without key id is proved by none of several keys.
func TestChoiceOfKeys(t *testing.T) {
	good := members(t, &idptest.Key(0).PublicKey, "k")
	for name, f := range map[string]struct {
		set  string
		want bool
	}{
		"one key":                   {set(good), true},
		"two, of one id":            {set(good, members(t, &idptest.Key(2).PublicKey, "k")), false},
		"the same, the other first": {set(members(t, &idptest.Key(2).PublicKey, "k"), good), false},
	} {
		idp, c := idptest.Start(t), newClock()
		idp.ServeKeys(serving(f.set))
		_, err := proverOf(t, idp, c, nil).Prove(t.Context(), idp.Name(), idp.Sign(nil, jose.RS256, idptest.Key(0), ""))
		if (err == nil) != f.want {
			t.Errorf("%s: got %v, want proved %v", name, err, f.want)
		}
	}
}

// Bounds cost the keys beyond them, and not the set.
func TestManyKeys(t *testing.T) {
	good := members(t, &idptest.Key(0).PublicKey, "k0")
	other := &idptest.Key(2).PublicKey
	many := func(n int, id func(int) string) (keys []string) {
		for i := range n {
			keys = append(keys, members(t, other, id(i)))
		}
		return keys
	}
	named := func(i int) string { return fmt.Sprint("o", i) }
	nameless := func(int) string { return "" }
	unnamed := members(t, &idptest.Key(0).PublicKey, "")
	useless := make([]string, 150)
	for n := range useless {
		useless[n] = members(t, other, fmt.Sprint("e", n)) + `,"use":"enc"`
	}
	for name, f := range map[string]struct {
		set  string
		kid  string
		want bool
	}{
		"the first of 101":                 {set(append([]string{good}, many(100, named)...)...), "k0", true},
		"the 100th":                        {set(append(many(99, named), good)...), "k0", true},
		"the 101st":                        {set(append(many(100, named), good)...), "k0", false},
		"behind many that are of no use":   {set(append(useless, good)...), "k0", true},
		"the fifth without kid":            {set(append(many(4, nameless), unnamed)...), "", true},
		"the 16th without kid":             {set(append(many(15, nameless), unnamed)...), "", true},
		"the 17th without kid":             {set(append(many(16, nameless), unnamed)...), "", false},
		"behind 17 of one kid, of its own": {set(append(many(17, nameless), good)...), "k0", true},
	} {
		idp, c := idptest.Start(t), newClock()
		idp.ServeKeys(serving(f.set))
		_, err := proverOf(t, idp, c, nil).Prove(t.Context(), idp.Name(), idp.Sign(nil, jose.RS256, idptest.Key(0), f.kid))
		if (err == nil) != f.want {
			t.Errorf("%s: got %v, want proved %v", name, err, f.want)
		}
	}
}

// modulus is a JWK whose modulus has as many bits; nobody knows its factors.
func modulus(bits uint) string {
	n := new(big.Int).SetBit(big.NewInt(1), int(bits)-1, 1)
	return fmt.Sprintf(`"kty":"RSA","e":"AQAB","n":%q`, base64.RawURLEncoding.EncodeToString(n.Bytes()))
}

func TestLengthsOfKeys(t *testing.T) {
	for bits, want := range map[uint]bool{1024: false, 2047: false, 2048: true, 8192: true, 8193: false} {
		if _, err := logins.CheckKeys([]byte(set(modulus(bits))), nil); (err == nil) != want {
			t.Errorf("%d bits: got %v, want usable %v", bits, err, want)
		}
	}
	short, err := rsa.GenerateKey(rand.Reader, 2040)
	if err != nil {
		t.Fatal(err)
	}
	idp, c := idptest.Start(t), newClock()
	idp.ServeKeys(serving(set(members(t, &short.PublicKey, "short"), members(t, &idptest.Key(0).PublicKey, "k0"))))
	p := proverOf(t, idp, c, nil)
	if _, err := p.Prove(t.Context(), idp.Name(), idp.Sign(nil, jose.RS256, short, "short")); refusal(err) != unsigned {
		t.Errorf("a token by a key of 2040 bits: got %v, want refused", err)
	}
	if _, err := p.Prove(t.Context(), idp.Name(), idp.Token(nil)); err != nil {
		t.Errorf("a token by a key of 2048 bits: got %v", err)
	}
	for _, e := range []string{"AA", "AQ", "Ag", "AQAC", "AQAAAAAB", ""} {
		if _, err := logins.CheckKeys([]byte(set(strings.Replace(modulus(2048), "AQAB", e, 1))), nil); err == nil {
			t.Errorf("exponent %q: got it taken, want not", e)
		}
	}
}

// Algorithms are a provider's choice; ES256 is opt-in, and each curve is for one.
func TestAlgorithms(t *testing.T) {
	keys := map[string]*ecdsa.PrivateKey{}
	var served []string
	for name, curve := range map[string]elliptic.Curve{"p256": elliptic.P256(), "p384": elliptic.P384(),
		"p521": elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys[name] = key
		served = append(served, members(t, &key.PublicKey, name))
	}
	served = append(served, members(t, &idptest.Key(0).PublicKey, "rsa"),
		members(t, &keys["p256"].PublicKey, "for-another")+`,"alg":"ES384"`)
	for _, f := range []struct {
		configured []string
		signed     jose.SignatureAlgorithm
		key        any
		kid        string
		want       bool
	}{
		{nil, jose.RS256, idptest.Key(0), "rsa", true},
		{nil, jose.RS384, idptest.Key(0), "rsa", true},
		{nil, jose.ES256, keys["p256"], "p256", false},
		{nil, jose.PS256, idptest.Key(0), "rsa", false},
		{[]string{"RS256", "ES256"}, jose.ES256, keys["p256"], "p256", true},
		{[]string{"RS256", "ES256"}, jose.RS256, idptest.Key(0), "rsa", true},
		{[]string{"RS256", "ES256"}, jose.RS512, idptest.Key(0), "rsa", false},
		{[]string{"RS256", "ES256"}, jose.ES384, keys["p384"], "p384", false},
		{[]string{"ES256"}, jose.RS256, idptest.Key(0), "rsa", false},
		{[]string{"ES256"}, jose.ES256, keys["p256"], "for-another", false},
		{[]string{"ES256", "ES384", "ES512"}, jose.ES384, keys["p384"], "p384", true},
		{[]string{"ES256", "ES384", "ES512"}, jose.ES512, keys["p521"], "p521", true},
		{[]string{"ES256", "ES384", "ES512"}, jose.ES256, keys["p256"], "p384", false},
	} {
		idp, c := idptest.Start(t), newClock()
		idp.ServeKeys(serving(set(append([]string{}, served...)...)))
		p := proverOf(t, idp, c, func(p *logins.Provider) { p.Algorithms = f.configured })
		_, err := p.Prove(t.Context(), idp.Name(), idp.Sign(nil, f.signed, f.key, f.kid))
		if got := refusal(err); (err == nil) != f.want || !f.want && got != unsigned {
			t.Errorf("%v, signed %s under %s: got %v, want proved %v", f.configured, f.signed, f.kid, err, f.want)
		}
	}
	off := `"kty":"EC","crv":"P-256","x":"` + base64.RawURLEncoding.EncodeToString(make([]byte, 32)) + `","y":"AQ"`
	if _, err := logins.CheckKeys([]byte(set(off)), []string{"ES256"}); err == nil {
		t.Error("a point that is on no curve: got it taken, want not")
	}
}

// What is wrong with a provider is said, and quotes no more than its own documents'
// words for it.
func TestCauses(t *testing.T) {
	es, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey := members(t, &idptest.Key(0).PublicKey, "k0")
	missing := func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }
	other := func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]string{"issuer": "https://other.example",
			"jwks_uri": "https://other.example/keys"})
	}
	for name, f := range map[string]struct {
		fault http.HandlerFunc
		keys  string
		want  string
	}{
		"discovery missing": {missing, "", "fetch discovery: status 404"},
		"another issuer": {other, "",
			`the discovery document is of the issuer "https://other.example", not of "http://`},
		"discovery is HTML":      {serving("<html>"), "", "the discovery document does not read"},
		"an ambiguous discovery": {serving(`{"issuer":"a","Issuer":"b"}`), "", "in case alone"},
		"only EC keys": {nil, set(members(t, &es.PublicKey, "k0")),
			`none of the 1 keys of the set is usable: 1 of "EC", where algorithms takes RS256, RS384, RS512`},
		"only for encryption": {nil, set(rsaKey+`,"use":"enc"`, rsaKey+`,"use":"enc"`),
			"none of the 2 keys of the set is usable: 2 for another use than signatures"},
		"empty set":         {nil, `{"keys":[]}`, "the key set is empty"},
		"keys without list": {nil, `{}`, "the key set has no list of keys"},
		"keys are HTML":     {nil, "<html>", "the key set does not read"},
	} {
		idp, c := idptest.Start(t), newClock()
		idp.Break(f.fault)
		if f.keys != "" {
			idp.ServeKeys(serving(f.keys))
		}
		p := proverOf(t, idp, c, nil)
		for range 2 { // the second is not asked, and says the same
			_, err = p.Prove(t.Context(), idp.Name(), idp.Token(nil))
			if _, ok := errors.AsType[*logins.Unavailable](err); !ok || !strings.Contains(err.Error(), f.want) {
				t.Errorf("%s: got %v, want Unavailable with %q", name, err, f.want)
			}
		}
		if _, err := p.Ask(t.Context(), idp.Name()); err == nil || !strings.Contains(err.Error(), f.want) {
			t.Errorf("%s: asked: got %v, want %q", name, err, f.want)
		}
	}
	idp, c := idptest.Start(t), newClock()
	if found, err := proverOf(t, idp, c, nil).Ask(t.Context(), idp.Name()); found != "1 usable keys" || err != nil {
		t.Errorf("sound: found %q, %v", found, err)
	}
	_, err = proverOf(t, idp, c, nil).Ask(t.Context(), "elsewhere.example")
	if !errors.Is(err, logins.ErrUnknownProvider) {
		t.Errorf("unknown provider: got %v", err)
	}
}
