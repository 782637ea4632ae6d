package jwt_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/jwt"
	"github.com/cognito-broker/broker/internal/strictjson"
)

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// token spells a token whose signature holds both characters that the two alphabets
// of base64 differ in.
func token(header, payload string) string {
	return b64(header) + "." + b64(payload) + "." + b64("\xfb\xff")
}

const header, payload = `{"alg":"RS256","kid":"k","typ":"JWT"}`, `{"iss":"i","sub":"s","exp":1.5e9,"n":null}`

func TestParse(t *testing.T) {
	good := token(header, payload)
	got, err := jwt.Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	want := &jwt.Token{
		Algorithm: "RS256", KeyID: "k", Type: "JWT", Header: map[string]any{"alg": "RS256", "kid": "k", "typ": "JWT"},
		Claims:  map[string]any{"iss": "i", "sub": "s", "exp": json.Number("1.5e9"), "n": nil},
		Payload: []byte(payload), Signed: good[:strings.LastIndex(good, ".")], Signature: []byte("\xfb\xff"),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// The values of a token are bounded, for each may take far more memory than it has characters.
func TestValuesAreBounded(t *testing.T) {
	list := func(n int) string { return `{"x":[` + strings.TrimSuffix(strings.Repeat("0,", n), ",") + `]}` }
	for name, f := range map[string]struct {
		token string
		want  error
	}{
		"2,400 in the payload": {token(header, list(2398)), nil},
		"2,401 in the payload": {token(header, list(2399)), strictjson.ErrValues},
		"100 in the header":    {token(list(98), payload), nil},
		"101 in the header":    {token(list(99), payload), strictjson.ErrValues},
	} {
		if _, err := jwt.Parse(f.token); !errors.Is(err, f.want) {
			t.Errorf("%s: got %v, want %v", name, err, f.want)
		}
	}
}

// A token has one spelling: whatever a lenient decoder of base64 passes over is
// refused in each of the three parts.
func TestOneSpelling(t *testing.T) {
	good := token(header, payload)
	parts := strings.Split(good, ".")
	for _, n := range []int{0, 1, 2} {
		for name, f := range map[string]func(string) string{
			"a line feed behind":     func(s string) string { return s + "\n" },
			"a return behind":        func(s string) string { return s + "\r" },
			"a line feed before":     func(s string) string { return "\n" + s },
			"a line feed within":     func(s string) string { return s[:1] + "\n" + s[1:] },
			"a return within":        func(s string) string { return s[:1] + "\r\n" + s[1:] },
			"a blank":                func(s string) string { return s + " " },
			"padding":                func(s string) string { return s + "=" },
			"double padding":         func(s string) string { return s + "==" },
			"a NUL":                  func(s string) string { return s + "\x00" },
			"a stray bit":            strayBit,
			"one character too many": func(s string) string { return s + strings.Repeat("A", (5-len(s)%4)%4) },
			"the other alphabet":     func(s string) string { return s[:len(s)-len(s)%4] + "+/+/" + s[len(s)-len(s)%4:] },
		} {
			spelt := append([]string{}, parts...)
			if spelt[n] = f(parts[n]); spelt[n] == parts[n] {
				continue
			}
			if _, err := jwt.Parse(strings.Join(spelt, ".")); !errors.Is(err, jwt.ErrParts) {
				t.Errorf("part %d, %s: got %v, want %v", n, name, err, jwt.ErrParts)
			}
		}
	}
	for name, text := range map[string]string{
		"none": "", "one part": parts[0], "two parts": parts[0] + "." + parts[1], "four parts": good + ".",
		"a scheme":           "Bearer " + good,
		"the other alphabet": parts[0] + "." + parts[1] + "." + strings.NewReplacer("-", "+", "_", "/").Replace(parts[2]),
	} {
		if _, err := jwt.Parse(text); !errors.Is(err, jwt.ErrParts) {
			t.Errorf("%s: got %v, want %v", name, err, jwt.ErrParts)
		}
	}
	if _, err := jwt.Parse(strings.Repeat("x", jwt.MaxToken+1)); !errors.Is(err, jwt.ErrSize) {
		t.Errorf("too long: got %v", err)
	}
}

// A token is as long as the service takes it, its payload as deep and full as our bounds
// say.
func TestBoundsOfTokens(t *testing.T) {
	lists := func(depth int) string {
		return `{"x":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + "}"
	}
	long := func(n int) string { // JSON ends in blanks as well
		for blanks := n * 3 / 4; ; blanks-- {
			for _, header := range []string{header, header + " ", header + "  "} {
				if text := token(header, payload+strings.Repeat(" ", blanks)); len(text) == n {
					return text
				}
			}
		}
	}
	for name, f := range map[string]struct {
		text string
		want error
	}{
		"as long as may be": {long(jwt.MaxToken), nil},
		"longer":            {long(jwt.MaxToken + 1), jwt.ErrSize},
		"as deep":           {token(header, lists(32)), nil},
		"deeper":            {token(header, lists(33)), strictjson.ErrDepth},
	} {
		if _, err := jwt.Parse(f.text); !errors.Is(err, f.want) {
			t.Errorf("%s: got %v, want %v", name, err, f.want)
		}
	}
}

// strayBit sets a bit of the last character that no byte takes up.
func strayBit(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(s)%4 == 0 {
		return s
	}
	last := strings.IndexByte(alphabet, s[len(s)-1])
	return s[:len(s)-1] + string(alphabet[last|1])
}

// respelt are names that fold to a name and are not it.
func respelt(name string) []string {
	special := strings.NewReplacer("s", "\u017f", "k", "\u212a").Replace(name)
	all := []string{strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:], special}
	var out []string
	for _, one := range all {
		if one != name {
			out = append(out, one)
		}
	}
	return out
}

func TestNamesThatFold(t *testing.T) {
	for _, name := range []string{"iss", "sub", "aud", "azp", "exp", "iat", "nbf", "jti", "auth_time", "nonce",
		"token_use", "typ"} {
		for _, other := range respelt(name) {
			for _, members := range []string{`"` + other + `":"x"`, `"` + other + `":null`,
				`"` + name + `":"a","` + other + `":"x"`} {
				if _, err := jwt.Parse(token(header, "{"+members+"}")); !errors.Is(err, jwt.ErrMember) {
					t.Errorf("payload with %s: got %v, want %v", members, err, jwt.ErrMember)
				}
			}
		}
	}
	for _, name := range []string{"alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "enc",
		"zip", "cty"} {
		for _, other := range respelt(name) {
			if _, err := jwt.Parse(token(`{"alg":"RS256","`+other+`":"x"}`, payload)); !errors.Is(err, jwt.ErrMember) {
				t.Errorf("header with %s: got %v, want %v", other, err, jwt.ErrMember)
			}
		}
	}
	if _, err := jwt.Parse(token(header, `{"Email":"a","email":"b","nested":{"SUB":1}}`)); err != nil {
		t.Errorf("names that nothing acts on: got %v", err)
	}
}

func TestHeaders(t *testing.T) {
	for text, want := range map[string]error{
		`{}`: nil, `{"alg":"none"}`: nil, `{"alg":1}`: jwt.ErrHeader, `{"kid":1}`: jwt.ErrHeader,
		`{"typ":null}`:  jwt.ErrHeader,
		`{"kid":["k"]}`: jwt.ErrHeader, `{"alg":"RS256","alg":"RS256"}`: strictjson.ErrDuplicate,
		`{"kid":"\ud800"}`: strictjson.ErrUnicode,
		`[]`:               strictjson.ErrObject, `{"alg":"RS256"} {}`: strictjson.ErrTrailing,
	} {
		if _, err := jwt.Parse(token(text, payload)); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", text, err, want)
		}
	}
	for text, want := range map[string]bool{
		header: false, `{"alg":"RS256","crit":["b64"]}`: true, `{"alg":"RS256","crit":[]}`: true,
		`{"alg":"RS256","b64":false}`:   true,
		`{"alg":"dir","enc":"A128GCM"}`: true, `{"alg":"RS256","zip":"DEF"}`: true, `{"alg":"RS256","jwk":{}}`: true,
	} {
		got, err := jwt.Parse(token(text, payload))
		if err != nil || got.Demands() != want {
			t.Errorf("%s: got demands %v, %v; want %v", text, got.Demands(), err, want)
		}
	}
}

// The family of texts that two readers could read as two things: none is taken.
func TestAmbiguousPayloads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"sub", "iss", "aud", "token_use"}).Draw(t, "name")
		value := rapid.SampledFrom([]string{`"alice"`, `""`, `null`, `["a"]`}).Draw(t, "value")
		bad := rapid.SampledFrom([]string{
			`"` + rapid.SampledFrom(respelt(name)).Draw(t, "folded") + `":` + value,
			`"` + name + `":` + value,
			`"` + escaped(name) + `":` + value,
			`"x":{"a":[{"b":1,"` + "\\u0062" + `":` + value + `}]}`,
			`"x":"` + rapid.SampledFrom([]string{`\ud800`, `\udfff`, "\xff", "\xed\xa0\x80", `\ud83d\ud83d`}).Draw(t, "broken") +
				`"`,
			"\"\xff\":1",
		}).Draw(t, "bad")
		members := []string{`"` + name + `":"mallory"`, bad}
		if rapid.Bool().Draw(t, "first") {
			members = []string{bad, members[0]}
		}
		if got, err := jwt.Parse(token(header, "{"+strings.Join(members, ",")+"}")); err == nil {
			t.Fatalf("%q: got %v, want refused", members, got.Claims)
		}
	})
}

func escaped(name string) string {
	return `\u00` + strings.ToUpper(string("0123456789abcdef"[name[0]>>4])+string("0123456789abcdef"[name[0]&15])) +
		name[1:]
}

// What is taken, encoding/json reads the same of, into a struct too: folding names
// changes nothing.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{payload, `{"sub":"a","SUB":"b"}`, `{"sub":"a","sub":"b"}`, `{"sub":"\ud800"}`,
		"{\"\u017fub\":\"b\"}", `{"aud":["a"]}`} {
		f.Add([]byte(header), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, header, payload []byte) {
		got, err := jwt.Parse(token(string(header), string(payload)))
		if err != nil {
			return
		}
		var standard struct {
			Subject any `json:"sub"`
			Issuer  any `json:"iss"`
			Use     any `json:"token_use"`
		}
		if err := json.Unmarshal(payload, &standard); err != nil {
			t.Fatalf("%q: the standard decoder says %v", payload, err)
		}
		for name, v := range map[string]any{"sub": standard.Subject, "iss": standard.Issuer, "token_use": standard.Use} {
			if want, ok := got.Claims[name].(string); ok && v != want {
				t.Fatalf("%q: got %s %q, the standard decoder %v", payload, name, want, v)
			} else if _, there := got.Claims[name]; !there && v != nil {
				t.Fatalf("%q: got no %s, the standard decoder %v", payload, name, v)
			}
		}
	})
}
