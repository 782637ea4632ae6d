package contract

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cognito"
)

// What follows calls operations and spells what they bring as one string, a
// refusal otherwise. Each judges what every answer of its operation owes.

// id brings an identity.
func (s *scene) id(pool string, logins map[string]string) string {
	s.Helper()
	out, refusal := ask(s, s.API.GetId, &cognitoidentity.GetIdInput{IdentityPoolId: &pool, Logins: logins})
	if refusal != "" {
		return refusal
	}
	return aws.ToString(out.IdentityId)
}

// guest brings a new guest of the pool Open, or stops the test.
func (s *scene) guest() string { s.Helper(); return s.identity(s.Pools.Open, nil) }

// identity is id where the test builds on it.
func (s *scene) identity(pool string, logins map[string]string) string {
	s.Helper()
	out, refusal := ask(s, s.API.GetId, &cognitoidentity.GetIdInput{IdentityPoolId: &pool, Logins: logins})
	s.must("GetId", refusal)
	return aws.ToString(out.IdentityId)
}

// credentials brings "<identity> as <role>".
func (s *scene) credentials(id string, logins map[string]string) string {
	s.Helper()
	return s.customCredentials(id, logins, nil)
}

func (s *scene) customCredentials(id string, logins map[string]string, role *string) string {
	s.Helper()
	out, refusal := ask(s, s.API.GetCredentialsForIdentity, &cognitoidentity.GetCredentialsForIdentityInput{
		IdentityId: &id, Logins: logins, CustomRoleArn: role,
	})
	if refusal != "" {
		return refusal
	}
	return aws.ToString(out.IdentityId) + " as " + s.session(out.Credentials, len(logins) > 0)
}

// session judges credentials of an hour, and names their role. Where nobody can
// be asked, it is taken to be the one that is due.
func (s *scene) session(c *types.Credentials, user bool) string {
	s.Helper()
	if c == nil || c.Expiration == nil || c.AccessKeyId == nil || c.SecretKey == nil || c.SessionToken == nil {
		return "incomplete credentials"
	}
	if life := time.Until(*c.Expiration); life > time.Hour+time.Second || life < 59*time.Minute {
		s.Errorf("credentials: got a life of %v, want an hour", life)
	}
	due := Unauthenticated
	if user {
		due = Authenticated
	}
	if s.WhoAmI == nil {
		return due
	}
	arn, err := s.WhoAmI(s.Context(), *c.AccessKeyId, *c.SecretKey, *c.SessionToken)
	if err != nil {
		return "credentials that prove nothing: " + err.Error()
	}
	for _, role := range []string{Authenticated, Unauthenticated} {
		if arn == s.assumed(role, "CognitoIdentityCredentials") {
			return role
		}
	}
	return arn
}

// assumed is the ARN of a session.
func (s *scene) assumed(role, session string) string {
	return "arn:aws:sts::" + s.Account + ":assumed-role/" + role + "/" + session
}

// openIDToken brings the identity and its token, or a refusal.
func (s *scene) openIDToken(id string, logins map[string]string) (answered, token, refusal string) {
	s.Helper()
	out, refusal := ask(s, s.API.GetOpenIdToken, &cognitoidentity.GetOpenIdTokenInput{IdentityId: &id, Logins: logins})
	if refusal != "" {
		return "", "", refusal
	}
	return aws.ToString(out.IdentityId), aws.ToString(out.Token), ""
}

// token is openIDToken where the test builds on it.
func (s *scene) token(id string, logins map[string]string) string {
	s.Helper()
	_, token, refusal := s.openIDToken(id, logins)
	s.must("GetOpenIdToken", refusal)
	return token
}

// developer calls for a user of the pool Open's backend, and brings the identity
// and its token.
func (s *scene) developer(change func(in *developerInput)) (answer, token string) {
	s.Helper()
	in := &developerInput{IdentityPoolId: &s.Pools.Open}
	change(in)
	out, refusal := ask(s, s.API.GetOpenIdTokenForDeveloperIdentity, in)
	if refusal != "" {
		return refusal, ""
	}
	return aws.ToString(out.IdentityId), aws.ToString(out.Token)
}

type developerInput = cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput

// pass presents a token of Cognito's own.
func pass(token string) map[string]string { return map[string]string{cognito.PassThrough: token} }

// user is the login of a backend's own user.
func user(identifier string) map[string]string {
	return map[string]string{DeveloperProvider: identifier}
}

// asUser calls with the login of a backend's user, other logins and an identity,
// each of which may be left out.
func (s *scene) asUser(identifier, id string, others ...map[string]string) string {
	s.Helper()
	answer, _ := s.developer(func(in *developerInput) {
		in.Logins = with(append(others, user(identifier))...)
		if id != "" {
			in.IdentityId = &id
		}
	})
	return answer
}

// unlink brings nothing.
func (s *scene) unlink(id string, proof map[string]string, remove ...string) string {
	s.Helper()
	_, refusal := ask(s, s.API.UnlinkIdentity,
		&cognitoidentity.UnlinkIdentityInput{IdentityId: &id, Logins: proof, LoginsToRemove: remove})
	return refusal
}

// linked brings the names of an identity's logins.
func (s *scene) linked(id string) string {
	s.Helper()
	out, refusal := ask(s, s.API.DescribeIdentity, &cognitoidentity.DescribeIdentityInput{IdentityId: &id})
	if refusal != "" {
		return refusal
	}
	return fmt.Sprint(out.Logins)
}

// spellJSON writes a value with its members in order.
func spellJSON(s *scene, v any) string {
	s.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		s.Fatal(err)
	}
	return string(text)
}

// refusalOf is a result if it is a refusal.
func refusalOf(result string) string {
	if strings.Contains(result, ": ") {
		return result
	}
	return ""
}

// numbered makes a map of n entries.
func numbered[V any](n int, key string, value V) map[string]V {
	m := make(map[string]V, n)
	for i := range n {
		m[fmt.Sprintf(key, i)] = value
	}
	return m
}
