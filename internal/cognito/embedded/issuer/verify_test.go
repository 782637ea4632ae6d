package issuer_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
)

// refusal is the reason of a refusal; anything else is spelled out.
func refusal(i *issuer.Issuer, token string) string {
	c, err := i.Verify(token)
	if err == nil {
		return fmt.Sprintf("accepted for %s", c.Subject)
	}
	if invalid, ok := errors.AsType[*issuer.Invalid](err); ok {
		return invalid.Reason.String()
	}
	return fmt.Sprintf("%T", err)
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func private(t testing.TB, m *memory) *rsa.PrivateKey {
	t.Helper()
	parsed, err := x509.ParsePKCS8PrivateKey(m.keys["us-east-1-1"].Private)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.(*rsa.PrivateKey)
}

// craft signs any header and payload by the issuer's own key.
func craft(t testing.TB, m *memory, header, payload string) string {
	t.Helper()
	text := b64(header) + "." + b64(payload)
	digest := sha512.Sum512([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, private(t, m), crypto.SHA512, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + b64(string(signature))
}

const (
	ours = `{"kid":"us-east-1-1","typ":"JWS","alg":"RS512"}`
	good = `{"sub":"s","aud":"a","amr":["authenticated"],"iss":"` + self + `","exp":1790000600,"iat":1790000000}`
)

// with puts members into a payload, before the others.
func with(members string) string { return "{" + members + "," + good[1:] }

func TestForgedTokens(t *testing.T) {
	c := newClock()
	m := stocked(t, c.now())
	i := start(t, config(m, c.now))
	elsewhere := start(t, config(&memory{}, c.now)) // the same kid
	renamed := config(m, c.now)
	renamed.Issuer = "https://cognito-identity.amazonaws.com"
	token := sign(t, i, claims(c.now()))
	parts := strings.Split(token, ".")
	key := private(t, m)

	hs512 := `{"kid":"us-east-1-1","typ":"JWS","alg":"HS512"}`
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha512.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
	mac.Write([]byte(b64(hs512) + "." + parts[1]))
	rs256 := `{"kid":"us-east-1-1","typ":"JWS","alg":"RS256"}`
	digest := sha256.Sum256([]byte(b64(rs256) + "." + parts[1]))
	short, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	none := b64(`{"kid":"us-east-1-1","typ":"JWS","alg":"none"}`) + "." + parts[1]
	for name, f := range map[string]struct {
		token string
		want  issuer.Reason
	}{
		"alg none":              {none + ".", issuer.Unverified},
		"alg none, two parts":   {none, issuer.Malformed},
		"none over a signature": {none + "." + parts[2], issuer.Unverified},
		"no signature":          {parts[0] + "." + parts[1] + ".", issuer.Unverified},
		"RS256 by our key":      {b64(rs256) + "." + parts[1] + "." + b64(string(short)), issuer.Unverified},
		"HS512, public key":     {b64(hs512) + "." + parts[1] + "." + b64(string(mac.Sum(nil))), issuer.Unverified},
		"other key, our kid":    {sign(t, elsewhere, claims(c.now())), issuer.Unverified},
		"our key, other issuer": {sign(t, start(t, renamed), claims(c.now())), issuer.Foreign},

		"typ JWT":          {craft(t, m, `{"kid":"us-east-1-1","typ":"JWT","alg":"RS512"}`, good), issuer.Unverified},
		"no typ":           {craft(t, m, `{"kid":"us-east-1-1","alg":"RS512"}`, good), issuer.Unverified},
		"no kid":           {craft(t, m, `{"typ":"JWS","alg":"RS512"}`, good), issuer.Unverified},
		"unknown kid":      {craft(t, m, `{"kid":"us-east-1-2","typ":"JWS","alg":"RS512"}`, good), issuer.Unverified},
		"RS256, signed so": {craft(t, m, rs256, good), issuer.Unverified},
		"crit": {craft(t, m, `{"kid":"us-east-1-1","typ":"JWS","alg":"RS512","crit":[]}`, good),
			issuer.Unverified},
		"alg in capitals": {craft(t, m, `{"kid":"us-east-1-1","typ":"JWS","ALG":"RS512"}`, good), issuer.Malformed},
		"kid beside KID": {craft(t, m, `{"kid":"us-east-1-1","typ":"JWS","alg":"RS512","KID":"x"}`, good),
			issuer.Malformed},
		"sub beside SUB": {craft(t, m, ours, with(`"SUB":"other"`)), issuer.Malformed},
		"sub, long s":    {craft(t, m, ours, with("\"\u017fub\":\"other\"")), issuer.Malformed},
		"amr of a number": {craft(t, m, ours, strings.Replace(good, `["authenticated"]`, `["authenticated",1]`, 1)),
			issuer.Malformed},
		"lone surrogate": {craft(t, m, ours, with(`"x":"\ud800"`)), issuer.Malformed},
		"twice, deep":    {craft(t, m, ours, with(`"x":[{"a":1,"a":2}]`)), issuer.Malformed},
		"alg twice": {craft(t, m, `{"kid":"us-east-1-1","typ":"JWS","alg":"none","alg":"RS512"}`, good),
			issuer.Malformed},
		"header is a list": {craft(t, m, `["us-east-1-1","JWS","RS512"]`, good), issuer.Malformed},
		"sub twice":        {craft(t, m, ours, with(`"sub":"other"`)), issuer.Malformed},
		"sub twice, spelt": {craft(t, m, ours, with(`"\u0073ub":"s"`)), issuer.Malformed},
		"iss twice":        {craft(t, m, ours, with(`"iss":"x"`)), issuer.Malformed},
		"tag twice": {craft(t, m, ours,
			with(`"https://aws.amazon.com/tags":{"principal_tags":{"a":["1"],"a":["2"]}}`)), issuer.Malformed},
		"tag of two values": {craft(t, m, ours, with(`"https://aws.amazon.com/tags":{"principal_tags":{"a":["1","2"]}}`)),
			issuer.Malformed},
		"tags is null":      {craft(t, m, ours, with(`"https://aws.amazon.com/tags":null`)), issuer.Malformed},
		"trailing bytes":    {craft(t, m, ours, good+"{}"), issuer.Malformed},
		"not UTF-8":         {craft(t, m, ours, with("\"x\":\"\xff\"")), issuer.Malformed},
		"sub in capitals":   {craft(t, m, ours, strings.Replace(good, `"sub"`, `"SUB"`, 1)), issuer.Malformed},
		"no aud":            {craft(t, m, ours, strings.Replace(good, `"aud"`, `"was"`, 1)), issuer.Malformed},
		"aud is a list":     {craft(t, m, ours, strings.Replace(good, `"a"`, `["a"]`, 1)), issuer.Malformed},
		"no amr":            {craft(t, m, ours, strings.Replace(good, `"amr"`, `"was"`, 1)), issuer.Malformed},
		"amr is empty":      {craft(t, m, ours, strings.Replace(good, `["authenticated"]`, `[]`, 1)), issuer.Malformed},
		"no iss":            {craft(t, m, ours, strings.Replace(good, `"iss"`, `"was"`, 1)), issuer.Foreign},
		"no exp":            {craft(t, m, ours, strings.Replace(good, `"exp"`, `"was"`, 1)), issuer.Malformed},
		"no iat":            {craft(t, m, ours, strings.Replace(good, `"iat"`, `"was"`, 1)), issuer.Malformed},
		"exp is a fraction": {craft(t, m, ours, strings.Replace(good, `600,`, `600.5,`, 1)), issuer.Malformed},
		"exp is text":       {craft(t, m, ours, strings.Replace(good, `1790000600`, `"1790000600"`, 1)), issuer.Malformed},
		"too large":         {craft(t, m, ours, with(`"x":"`+strings.Repeat("x", 15000)+`"`)), issuer.Malformed},
		"four parts":        {token + ".", issuer.Malformed},
		"padded":            {craft(t, m, ours, good) + "==", issuer.Malformed},
		"empty":             {"", issuer.Malformed},
	} {
		if got := refusal(i, f.token); got != f.want.String() {
			t.Errorf("%s: got %s, want %s", name, got, f.want)
		}
	}
	for name, payload := range map[string]string{"plain": good, "with a claim of a newer release": with(`"new":1`)} {
		if got := refusal(i, craft(t, m, ours, payload)); got != "accepted for s" {
			t.Errorf("%s: got %s, want it accepted", name, got)
		}
	}
}

// No byte of a token can be changed, added or taken away.
func TestMutatedTokens(t *testing.T) {
	t.Parallel()
	c := newClock()
	i := start(t, config(stocked(t, c.now()), c.now))
	short := claims(c.now())
	short.Subject, short.Audience, short.AMR = "s", "a", []string{"m"}
	token := sign(t, i, short)
	try := func(mutant string) {
		if _, err := i.Verify(mutant); err == nil {
			t.Errorf("accepted a mutant")
		} else if _, ok := errors.AsType[*issuer.Invalid](err); !ok {
			t.Errorf("got %T, want *Invalid", err)
		}
	}
	for at := range token {
		try(token[:at] + token[at+1:])
		for b := range 256 {
			if byte(b) != token[at] {
				try(token[:at] + string([]byte{byte(b)}) + token[at+1:])
			}
		}
		for _, b := range []string{"A", ".", "=", "\n", "\r", " ", "\x00"} {
			try(token[:at] + b + token[at:])
		}
	}
	for _, b := range []string{"A", ".", "=", "\n", "\r", " ", "\x00"} {
		try(token + b)
	}
	if _, err := i.Verify(token); err != nil {
		t.Errorf("the token itself: %v", err)
	}
}

func TestTimesOfTokens(t *testing.T) {
	for name, f := range map[string]struct {
		pass time.Duration // after signing
		want string
	}{
		"at once":             {0, "accepted for " + identity},
		"the last moment":     {10*time.Minute - time.Nanosecond, "accepted for " + identity},
		"on expiry":           {10 * time.Minute, "expired"},
		"long after":          {24 * time.Hour, "expired"},
		"clock set back 5 m":  {-5 * time.Minute, "accepted for " + identity},
		"clock set back more": {-5*time.Minute - time.Second, "malformed"},
	} {
		c := newClock()
		i := start(t, config(stocked(t, c.now()), c.now))
		in := claims(c.now())
		token := sign(t, i, in)
		c.advance(f.pass)
		if got := refusal(i, token); got != f.want {
			t.Errorf("%s: got %s, want %s", name, got, f.want)
		}
		_, err := i.Verify(token)
		if invalid, ok := errors.AsType[*issuer.Invalid](err); ok && invalid.Reason == issuer.Expired &&
			!invalid.Expired.Equal(in.Expires) {
			t.Errorf("%s: got %v for the expiry, want %v", name, invalid.Expired, in.Expires)
		}
	}
}

// No refusal tells anything of the token.
func TestRefusalsAreSilent(t *testing.T) {
	c := newClock()
	m := stocked(t, c.now())
	i := start(t, config(m, c.now))
	const secret = "5ecret5ubject"
	for _, token := range []string{
		secret, secret + "." + secret + "." + secret,
		craft(t, m, `{"kid":"`+secret+`","typ":"JWS","alg":"RS512"}`, good),
		craft(t, m, ours, strings.Replace(good, `"s"`, `"`+secret+`","exp":"`+secret+`"`, 1)),
		craft(t, m, ours, strings.Replace(good, `1790000600`, `"`+secret+`"`, 1)),
		craft(t, m, ours, strings.Replace(good, self, secret, 1)),
	} {
		_, err := i.Verify(token)
		for ; err != nil; err = errors.Unwrap(err) {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("a refusal quotes its token")
			}
		}
	}
}
