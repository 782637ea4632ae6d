package loginkey_test

import (
	"fmt"

	"github.com/cognito-broker/broker/internal/loginkey"
)

// The key under which a token of an issuer stands in Logins.
func ExampleOf() {
	fmt.Println(loginkey.Of("https://idp.example/tenant"))
	fmt.Println(loginkey.Of("https://tenant.auth0.com/"))
	// Output:
	// idp.example/tenant
	// tenant.auth0.com
}

func ExampleOfARN() {
	fmt.Println(loginkey.OfARN("arn:aws:iam::123456789012:oidc-provider/idp.example/tenant"))
	fmt.Println(loginkey.OfARN("arn:aws:iam::123456789012:saml-provider/corporate"))
	// Output:
	// idp.example/tenant true
	//  false
}

// A key that is of no provider with rules of its own is of a plain OpenID provider.
func ExampleKindOf() {
	for _, key := range []string{
		"accounts.google.com", "cognito-idp.eu-central-1.amazonaws.com/eu-central-1_A", "idp.example",
	} {
		kind, ok := loginkey.KindOf(key)
		fmt.Printf("%s: %q %t\n", key, kind, ok)
	}
	// Output:
	// accounts.google.com: "google" true
	// cognito-idp.eu-central-1.amazonaws.com/eu-central-1_A: "user_pool" true
	// idp.example: "" false
}
