package logins_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/cognito-broker/broker/internal/logins"
)

// The point of an ECDSA key has both coordinates, each within the bytes of its curve's
// field; a key whose point has not costs itself alone, not the one beside it.
func TestPointsOfKeys(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	member := func(name string, before []byte, value []byte) string {
		return fmt.Sprintf(`,%q:%q`, name, base64.RawURLEncoding.EncodeToString(append(before, value...)))
	}
	x, y := point[1:33], point[33:]
	const kind = `"kty":"EC","kid":"k","crv":"P-256"`
	good := members(t, &private.PublicKey, "good")
	for name, f := range map[string]struct {
		key  string
		want bool
	}{
		"whole":               {kind + member("x", nil, x) + member("y", nil, y), true},
		"zeros before x":      {kind + member("x", []byte{0, 0}, x) + member("y", nil, y), true},
		"x with a byte more":  {kind + member("x", []byte{1}, x) + member("y", nil, y), false},
		"y with a byte more":  {kind + member("x", nil, x) + member("y", []byte{1}, y), false},
		"no x":                {kind + member("y", nil, y), false},
		"no y":                {kind + member("x", nil, x), false},
		"empty y":             {kind + member("x", nil, x) + member("y", nil, nil), false},
		"y of a number":       {kind + member("x", nil, x) + `,"y":7`, false},
		"x and y exchanged":   {kind + member("x", nil, y) + member("y", nil, x), false},
		"another curve":       {`"kty":"EC","kid":"k","crv":"P-384"` + member("x", nil, x) + member("y", nil, y), false},
		"a curve of no name":  {`"kty":"EC","kid":"k"` + member("x", nil, x) + member("y", nil, y), false},
		"the kind of another": {`"kty":"RSA","kid":"k","crv":"P-256"` + member("x", nil, x) + member("y", nil, y), false},
	} {
		usable, err := logins.CheckKeys([]byte(set(f.key, good)), []string{"ES256", "ES384"})
		if got := usable == 2; err != nil || got != f.want || usable == 0 {
			t.Errorf("%s: got %d usable keys, %v; want it usable: %v, and the one beside it", name, usable, err, f.want)
		}
	}
}
