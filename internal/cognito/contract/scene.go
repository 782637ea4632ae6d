package contract

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/smithy-go"

	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// Types of refusals, as results begin with them.
const (
	notAuthorized = "NotAuthorizedException"
	invalid       = "InvalidParameterException"
	notFound      = "ResourceNotFoundException"
	conflict      = "ResourceConflictException"
	misconfigured = "InvalidIdentityPoolConfigurationException"
	taken         = "DeveloperUserAlreadyRegisteredException"
	throttled     = "TooManyRequestsException"
	beyond        = "LimitExceededException"
	external      = "ExternalServiceException"
	concurrent    = "ConcurrentModificationException"
	validation    = "ValidationException"
)

// Literal refusals of the service (docs/cognito.md#messages, #flows and #login-tokens).
const (
	noGuests = notAuthorized + ": Unauthenticated access is not supported for this identity pool."
	mismatch = notAuthorized +
		": Logins don't match. Please include at least one valid login for this identity or identity pool."
	audience     = notAuthorized + ": Invalid login token. Incorrect token audience."
	unsupported  = notAuthorized + ": Token is not from a supported provider of this identity pool."
	malformed    = notAuthorized + ": Invalid login token. Not a valid OpenId Connect identity token."
	unverified   = notAuthorized + ": Invalid login token. Couldn't verify signed token."
	wrongIssuer  = notAuthorized + ": Invalid login token. Issuer doesn't match providerName"
	noAudience   = notAuthorized + ": Invalid login token. Missing a required claim: aud"
	cognitoToken = notAuthorized + ": Invalid login token. Can't pass in a Cognito token."
	noRole       = misconfigured + ": Invalid identity pool configuration. Check assigned IAM roles for this pool."
	merge        = conflict + ": Logins are already linked to another account."
	noDeveloper  = invalid + ": This identity pool does not support the specified developer provider"
	notCognito   = invalid + ": Invalid Cognito Identity Provider"
	classicOff   = invalid + ": Basic (classic) flow is not enabled, please use enhanced flow."
	classicMaps  = invalid + ": Basic (classic) flow is not supported with RoleMappings, please use enhanced flow."
)

func forbidden(id string) string {
	return notAuthorized + ": Access to Identity '" + id + "' is forbidden."
}

func forbiddenRole(arn string) string {
	return notAuthorized + ": Access to Role '" + arn + "' is forbidden."
}

func noIdentity(id string) string { return notFound + ": Identity '" + id + "' not found." }

func noPool(id string) string { return notFound + ": IdentityPool '" + id + "' not found." }

// scene is one test of a run.
type scene struct {
	*testing.T
	*suite
}

// equal compares results: what an operation brought, or its refusal as
// "Type: text".
func (s *scene) equal(what, got, want string) {
	s.Helper()
	if got != want {
		s.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// refused compares a refusal by its type, where the service's text is not known.
func (s *scene) refused(what, got, code string) {
	s.Helper()
	if !strings.HasPrefix(got, code+": ") {
		s.Errorf("%s: got %q, want a %s", what, got, code)
	}
}

// must stops the test where what it builds on is not there.
func (s *scene) must(what, refusal string) {
	s.Helper()
	if refusal != "" {
		s.Fatalf("%s: got %q, want success", what, refusal)
	}
}

// ask calls an operation and notes that it answered. What comes back is the
// output, or a refusal as "Type: text".
func ask[In, Out any](
	s *scene, op func(context.Context, *In, ...func(*cognitoidentity.Options)) (*Out, error), in *In,
) (out *Out, refusal string) {
	s.Helper()
	name := strings.TrimSuffix(reflect.TypeFor[In]().Name(), "Input")
	out, err := op(s.Context(), in)
	if err != nil {
		s.silent(name, err, in)
		s.note(name, err)
		return nil, spell(err)
	}
	if out == nil {
		s.Fatalf("%s: got neither an output nor an error", name)
	}
	s.answered[name] = true
	return out, ""
}

func spell(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return "no error of the service: " + err.Error()
}

// silent fails the test where a refusal repeats a login of its call.
func (s *scene) silent(name string, err error, in any) {
	s.Helper()
	field := reflect.ValueOf(in).Elem().FieldByName("Logins")
	if !field.IsValid() {
		return
	}
	for provider, login := range field.Interface().(map[string]string) {
		if len(login) > 8 && strings.Contains(err.Error(), login) {
			s.Errorf("%s: got a refusal that repeats the login of %s, want none", name, provider)
		}
	}
}

// someone is a user whom no test has met.
func (s *scene) someone() string { return "user-" + strings.ToLower(rand.Text()[:12]) }

// login proves a user at the first provider.
func (s *scene) login(user string) map[string]string { return s.loginAt(0, user) }

func (s *scene) loginAt(provider int, user string) map[string]string {
	return s.tokenAt(provider, idptest.Claims{"sub": user})
}

func (s *scene) tokenAt(provider int, claims idptest.Claims) map[string]string {
	i := s.Providers[provider]
	return map[string]string{i.Name(): i.Token(claims)}
}

// both proves one user at each provider.
func (s *scene) both(first, second string) map[string]string {
	return with(s.login(first), s.loginAt(1, second))
}

// with joins logins.
func with(logins ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, l := range logins {
		for provider, token := range l {
			all[provider] = token
		}
	}
	return all
}

func (s *scene) role(name string) string { return "arn:aws:iam::" + s.Account + ":role/" + name }

func (s *scene) providerARN(provider int) string {
	return "arn:aws:iam::" + s.Account + ":oidc-provider/" + s.Providers[provider].Name()
}

// unknown has an id's form and is nobody's.
func (s *scene) unknown() string { return s.Region + ":00000000-0000-4000-8000-0000000000ff" }

// altered is a token whose signature is another's.
func altered(token string) string {
	at := strings.LastIndexByte(token, '.') + 10
	with := byte('A')
	if token[at] == with {
		with = 'B'
	}
	return token[:at] + string(with) + token[at+1:]
}

// spliced is one token's claims under another's signature.
func spliced(claims, signature string) string {
	return claims[:strings.LastIndexByte(claims, '.')] + signature[strings.LastIndexByte(signature, '.'):]
}

// names spells names in their order.
func names(list []string) string { return fmt.Sprint(sorted(list)) }

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }
