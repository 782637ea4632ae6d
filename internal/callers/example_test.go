package callers_test

import (
	"fmt"

	"github.com/cognito-broker/broker/internal/callers"
)

// A backend that may speak for its own users, in one pool.
func ExampleNew() {
	const pool = "us-east-1:00000000-0000-4000-8000-000000000001"
	registry, err := callers.New("123456789012", []callers.Config{{
		Name: "backend", APIKeys: []callers.Digest{callers.DigestOf("a key of 32 random bytes")},
		Scopes: []callers.Scope{callers.Developer}, Pools: []string{pool},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	who, ok := registry.ByAPIKey("a key of 32 random bytes")
	fmt.Println(ok, who.ARN())
	fmt.Println("its pool:", who.May(callers.Developer, pool))
	fmt.Println("another:", who.May(callers.Developer, "us-east-1:00000000-0000-4000-8000-000000000002"))
	fmt.Println("what concerns no single pool:", who.May(callers.Developer, ""))
	fmt.Println("administration:", who.May(callers.Admin, pool))

	nobody, ok := registry.ByAPIKey("a wrong key")
	fmt.Println(ok, nobody.May(callers.Developer, pool))
	// Output:
	// true arn:aws:iam::123456789012:user/backend
	// its pool: true
	// another: false
	// what concerns no single pool: false
	// administration: false
	// false false
}

// Which roles an administrator may give a pool, as iam:PassRole allows them.
func ExampleCaller_MayPass() {
	registry, err := callers.New("123456789012", []callers.Config{{
		Name: "admin", APIKeys: []callers.Digest{callers.DigestOf("a key of 32 random bytes")},
		Scopes: []callers.Scope{callers.Admin}, Pools: []string{callers.AnyPool},
		PassRoles: []string{"arn:aws:iam::123456789012:role/app-*"},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	admin, _ := registry.ByAPIKey("a key of 32 random bytes")
	fmt.Println(admin.MayPass("arn:aws:iam::123456789012:role/app-users"))
	fmt.Println(admin.MayPass("arn:aws:iam::123456789012:role/root"))
	// Output:
	// true
	// false
}
