package contract

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// ids tries the form of ids at every operation that takes one: what breaks it is
// invalid, what keeps to it and is nobody's is not found.
func ids(s *scene) {
	const (
		form = `Member must satisfy regular expression pattern: [\w-]+:[0-9a-f-]+`
		long = "Member must have length less than or equal to 55"
	)
	longest := "us-east-1:" + strings.Repeat("0", 45)
	for name, call := range byID(s) {
		member, missing := "identityPoolId", noPool
		if strings.HasSuffix(name, " identity") {
			member, missing = "identityId", noIdentity
		}
		one := func(id, constraint string) string {
			return validation + ": 1 validation error detected: Value '" + id + "' at '" + member +
				"' failed to satisfy constraint: " + constraint
		}
		for _, id := range []string{"x", "us-east-1_AbC", "us-east-1:ABC", "us east:00", "us-east-1:00\n", ":00",
			"us-east-1:"} {
			s.equal(name, call(id), one(id, form))
		}
		s.equal(name, call(longest+"0"), one(longest+"0", long))
		for _, id := range []string{longest, "us-east-1:930292469738", "a:-", s.unknown()} {
			s.equal(name, call(id), missing(id))
		}
		if got := call(""); !strings.HasPrefix(got, validation+": 2 validation errors detected: ") ||
			!strings.Contains(got, "; ") {
			s.Errorf("%s without an id: got %q, want two findings", name, got)
		}
	}
}

// byID calls all operations that take an id. The pool's id comes before the
// identity's, where an operation takes both.
func byID(s *scene) map[string]func(id string) string {
	proof := s.login(s.someone())
	return map[string]func(id string) string{
		"GetId":                refusalFor(func(id string) string { return s.id(id, nil) }),
		"DescribeIdentityPool": func(id string) string { _, refusal := s.describe(id); return refusal },
		"DeleteIdentityPool":   s.deletePool,
		"UpdateIdentityPool": func(id string) string {
			return updated(s, &updateInput{IdentityPoolId: &id, IdentityPoolName: aws.String("contract")})
		},
		"SetIdentityPoolRoles":      func(id string) string { return s.setRoles(id, usualRoles(s), nil) },
		"GetIdentityPoolRoles":      s.showRoles,
		"DescribeIdentity identity": s.linked,
		"UnlinkIdentity identity":   func(id string) string { return s.unlink(id, proof, s.Providers[0].Name()) },
		"GetCredentialsForIdentity identity": func(id string) string {
			return s.credentials(id, nil)
		},
		"GetCredentialsForIdentity with a login, identity": func(id string) string { return s.credentials(id, proof) },
		"GetOpenIdToken identity": func(id string) string {
			_, _, refusal := s.openIDToken(id, nil)
			return refusal
		},
		"GetOpenIdTokenForDeveloperIdentity": func(id string) string {
			answer, _ := s.developer(func(in *developerInput) { in.IdentityPoolId = &id; in.Logins = user("a") })
			return answer
		},
		"GetOpenIdTokenForDeveloperIdentity identity": func(id string) string {
			answer, _ := s.developer(func(in *developerInput) { in.IdentityId = &id; in.Logins = user("a") })
			return answer
		},
	}
}

func refusalFor(call func(id string) string) func(id string) string {
	return func(id string) string { return refusalOf(call(id)) }
}

// messages are whole texts of docs/cognito.md#validation, as they were observed there.
func messages(s *scene) {
	const one = validation + ": 1 validation error detected: "
	const size = "Map value must satisfy constraint: [Member must have length less than or equal to 50000, Member must " +
		"have length greater than or equal to 1]"
	s.equal("a login without a token", s.id(s.Pools.Open, map[string]string{"graph.facebook.com": ""}),
		one+"Value '{graph.facebook.com=}' at 'logins' failed to satisfy constraint: "+size)
	s.equal("a page too large", listed(s, 61, nil),
		one+"Value '61' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 60")
	for _, got := range []string{
		s.id("x", map[string]string{"graph.facebook.com": ""}),
		s.credentials("x", map[string]string{"graph.facebook.com": ""}),
	} {
		if !strings.HasPrefix(got, validation+": 2 validation errors detected: Value ") ||
			!strings.Contains(got, "Value '{graph.facebook.com=}' at 'logins' failed") || !strings.Contains(got, "; ") ||
			!strings.Contains(got, "Value 'x' at '") {
			s.Errorf("two members: got %q, want both findings", got)
		}
	}
	secret := strings.Repeat("s", 50001)
	if got := s.id(s.Pools.Open, map[string]string{"idp.example": secret}); strings.Contains(got, "ssss") ||
		!strings.Contains(got, "'{idp.example=}'") {
		s.Errorf("a token too long: got %.200q, want its key alone", got)
	}
}
