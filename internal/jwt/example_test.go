package jwt_test

import (
	"encoding/base64"
	"fmt"

	"github.com/cognito-broker/broker/internal/jwt"
)

// spell writes a token down, with a signature that is none.
func spell(header, payload string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode([]byte(payload)) + "." + encode([]byte("signature"))
}

// What Parse returns is not proved: whoever uses it verifies Signature over Signed first.
func ExampleParse() {
	const header = `{"alg": "RS256", "kid": "key-1"}`
	token, err := jwt.Parse(spell(header, `{"iss": "https://idp.example", "sub": "alice", "exp": 1893456000}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Algorithm, token.KeyID, token.Claims["sub"], token.Claims["exp"])

	// A reader that folds names would take this for a token of mallory's.
	_, err = jwt.Parse(spell(header, `{"sub": "alice", "SUB": "mallory"}`))
	fmt.Println(err)
	// Output:
	// RS256 key-1 alice 1893456000
	// the name of a member differs from a registered one in case alone
}

// A token may ask for more than a plain signature; nobody here gives it that.
func ExampleToken_Demands() {
	for _, header := range []string{
		`{"alg": "RS256"}`, `{"alg": "RS256", "crit": ["exp"]}`, `{"alg": "RS256", "jwk": {}}`,
	} {
		token, err := jwt.Parse(spell(header, `{}`))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(header, token.Demands())
	}
	// Output:
	// {"alg": "RS256"} false
	// {"alg": "RS256", "crit": ["exp"]} true
	// {"alg": "RS256", "jwk": {}} true
}
