package awswire_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
)

const foreignIdentity = "us-east-1:22222222-2222-4222-8222-222222222222"

// poolOf knows one identity of each pool.
func poolOf(_ context.Context, id string) (string, bool, error) {
	of, ok := map[string]string{identity: pool, foreignIdentity: foreignPool}[id]
	return of, ok, nil
}

// subject is what an operation's input says about its pool.
type subject int

const (
	noPool subject = iota
	byPool
	byIdentity
	byIdentities
	byResource
)

// samples are inputs that pass validation: P stands for a pool, A for its ARN, I
// for an identity.
// An operation that is served has to be here.
func samples() map[string]struct {
	subject subject
	body    string
} {
	type sample = struct {
		subject subject
		body    string
	}
	const role = `"arn:aws:iam::000000000000:role/r"`
	return map[string]sample{
		"DeleteIdentities":                   {byIdentities, `{"IdentityIdsToDelete":[I]}`},
		"GetPrincipalTagAttributeMap":        {byPool, `{"IdentityPoolId":P,"IdentityProviderName":"p"}`},
		"ListIdentities":                     {byPool, `{"IdentityPoolId":P,"MaxResults":1}`},
		"ListTagsForResource":                {byResource, `{"ResourceArn":A}`},
		"LookupDeveloperIdentity":            {byPool, `{"IdentityPoolId":P,"DeveloperUserIdentifier":"u"}`},
		"MergeDeveloperIdentities":           {byPool, `{"IdentityPoolId":P,"SourceUserIdentifier":"u","DestinationUserIdentifier":"v","DeveloperProviderName":"d"}`},
		"SetPrincipalTagAttributeMap":        {byPool, `{"IdentityPoolId":P,"IdentityProviderName":"p","UseDefaults":true}`},
		"TagResource":                        {byResource, `{"ResourceArn":A,"Tags":{"k":"v"}}`},
		"UnlinkDeveloperIdentity":            {byPool, `{"IdentityPoolId":P,"IdentityId":I,"DeveloperUserIdentifier":"u","DeveloperProviderName":"d"}`},
		"UntagResource":                      {byResource, `{"ResourceArn":A,"TagKeys":["k"]}`},
		"CreateIdentityPool":                 {noPool, `{"IdentityPoolName":"n","AllowUnauthenticatedIdentities":false}`},
		"DeleteIdentityPool":                 {byPool, `{"IdentityPoolId":P}`},
		"DescribeIdentity":                   {byIdentity, `{"IdentityId":I}`},
		"DescribeIdentityPool":               {byPool, `{"IdentityPoolId":P}`},
		"GetCredentialsForIdentity":          {byIdentity, `{"IdentityId":I}`},
		"GetId":                              {byPool, `{"IdentityPoolId":P}`},
		"GetIdentityPoolRoles":               {byPool, `{"IdentityPoolId":P}`},
		"GetOpenIdToken":                     {byIdentity, `{"IdentityId":I}`},
		"GetOpenIdTokenForDeveloperIdentity": {byPool, `{"IdentityPoolId":P,"Logins":{"login.example":"u"}}`},
		"ListIdentityPools":                  {noPool, `{"MaxResults":1}`},
		"SetIdentityPoolRoles":               {byPool, `{"IdentityPoolId":P,"Roles":{"authenticated":` + role + `}}`},
		"UnlinkIdentity":                     {byIdentity, `{"IdentityId":I,"Logins":{"p":"t"},"LoginsToRemove":["p"]}`},
		"UpdateIdentityPool":                 {byPool, `{"IdentityPoolId":P,"IdentityPoolName":"n","AllowUnauthenticatedIdentities":false}`},
	}
}

// fill fills a sample in.
func fill(body, pool, identity string) string {
	arn := "arn:aws:cognito-identity:us-east-1:000000000000:identitypool/" + pool
	return strings.NewReplacer(`:P`, `:"`+pool+`"`, `:I`, `:"`+identity+`"`, `[I`, `["`+identity+`"`, `:A`, `:"`+arn+`"`).Replace(body)
}

// everybody is a caller of each set of scopes and pools.
func everybody() []callers.Config {
	scopes := map[string][]callers.Scope{
		"none": nil, "developer": {callers.Developer}, "admin": {callers.Admin}, "explain": {callers.Explain},
		"both": {callers.Developer, callers.Admin},
	}
	allowed := map[string][]string{"nowhere": nil, "own": {pool}, "theirs": {foreignPool}, "any": {callers.AnyPool}}
	var list []callers.Config
	for s, scope := range scopes {
		for p, in := range allowed {
			list = append(list, person(s+p, scope, in...))
		}
	}
	return list
}

// Every served operation, by every caller, for a pool of his and a foreign one:
// the wire and Authorize permit exactly what scopes and pools say.
func TestScopesPoolsOperations(t *testing.T) {
	people := everybody()
	for i := range people {
		people[i].PassRoles = []string{"*"} // which roles is for TestPassRole
	}
	known := registry(t, people...)
	for _, name := range awswire.Served() {
		sample, ok := samples()[name]
		if !ok {
			t.Errorf("%s: no sample of its input", name)
			continue
		}
		scope := callers.Admin
		if awswire.AccessOf(name) == awswire.Developer {
			scope = callers.Developer
		}
		for _, who := range people {
			for of, id := range map[string]string{pool: identity, foreignPool: foreignIdentity} {
				body := fill(sample.body, of, id)
				want := slices.Contains(who.Scopes, scope) && (slices.Contains(who.Pools, callers.AnyPool) || sample.subject != noPool && slices.Contains(who.Pools, of))
				want = want || awswire.AccessOf(name) == awswire.Unsigned
				f := &fake{}
				r := signing{name: who.Name}.sign(t, call(name, body))
				got := guarded(f, awswire.Config{Callers: known, PoolOf: poolOf}).Serve(t.Context(), r)
				if permitted := len(f.calls) == 1 && f.calls[0] == name; permitted != want || len(f.calls) > 0 != want {
					t.Errorf("%s by %s of %s: got %d %s and calls %v, want permitted: %v", name, who.Name, of, got.Status, got.Code, f.calls, want)
				}
				if !want && (got.Code != cognito.CodeAccessDenied || got.Status != 400) {
					t.Errorf("%s by %s of %s: got %d %s, want AccessDeniedException", name, who.Name, of, got.Status, got.Code)
				}
				if by := f.by; want && awswire.AccessOf(name) != awswire.Unsigned && by != who.Name {
					t.Errorf("%s by %s: the API saw %q", name, who.Name, by)
				}
				caller, _, _ := known.ByAccessKey(who.AccessKeys[0].ID)
				err := awswire.Authorize(t.Context(), caller, poolOf, name, decoded(t, body))
				if (err == nil) != want || err != nil && cognito.Public(err).ErrorCode() != cognito.CodeAccessDenied {
					t.Errorf("Authorize %s by %s of %s: got %v, want permitted: %v", name, who.Name, of, err, want)
				}
			}
		}
	}
}

func decoded(t testing.TB, body string) map[string]any {
	t.Helper()
	tree, err := awswire.DecodeObject([]byte(body), awswire.ValuesOfCallers)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// Members that an operation does not have are ignored by the API, so they must not
// open doors; neither must members of other types, nor ids that are none.
func TestOnlyTheOperationsOwnMembersDecide(t *testing.T) {
	known := registry(t, person("local", []callers.Scope{callers.Admin, callers.Developer}, pool))
	local, _, _ := known.ByAccessKey(accessKey("local"))
	own, foreign := `"IdentityPoolId":"`+pool+`"`, `"IdentityPoolId":"`+foreignPool+`"`
	tests := []struct{ name, operation, body string }{
		{"a pool where none belongs", "ListIdentityPools", `{"MaxResults":1,` + own + `}`},
		{"a pool where the id of a new one would be", "CreateIdentityPool", `{"IdentityPoolName":"n","AllowUnauthenticatedIdentities":true,` + own + `}`},
		{"a pool beside a foreign identity", "DescribeIdentity", `{"IdentityId":"` + foreignIdentity + `",` + own + `}`},
		{"a pool in another case", "DescribeIdentityPool", `{` + foreign + `,"identityPoolId":"` + pool + `"}`},
		{"an identity where none belongs", "DescribeIdentityPool", `{` + foreign + `,"IdentityId":"` + identity + `"}`},
		{"an identity without the pool", "UpdateIdentityPool", `{"IdentityId":"` + identity + `"}`},
		{"an own identity in a foreign pool", "GetOpenIdTokenForDeveloperIdentity", `{"Logins":{"a":"b"},"IdentityId":"` + identity + `",` + foreign + `}`},
		{"a pool of another type beside an own identity", "GetOpenIdTokenForDeveloperIdentity", `{"Logins":{"a":"b"},"IdentityId":"` + identity + `","IdentityPoolId":1}`},
		{"an unknown identity", "DescribeIdentity", `{"IdentityId":"us-east-1:0"}`},
	}
	wrong := []string{`1`, `true`, `["` + pool + `"]`, `{"` + pool + `":1}`, `""`, `"*"`, `"` + pool + `\n"`, `"` + pool + ` "`, `"` + strings.Repeat("a", 60) + `:0"`}
	for _, v := range wrong {
		tests = append(tests, struct{ name, operation, body string }{"pool " + v, "DescribeIdentityPool", `{"IdentityPoolId":` + v + `}`})
		tests = append(tests, struct{ name, operation, body string }{"identity " + v, "DescribeIdentity", `{"IdentityId":` + v + `}`})
	}
	for _, tt := range tests {
		err := awswire.Authorize(t.Context(), local, poolOf, tt.operation, decoded(t, tt.body))
		if err == nil || cognito.Public(err).ErrorCode() != cognito.CodeAccessDenied {
			t.Errorf("%s: got %v, want AccessDeniedException", tt.name, err)
		}
		f := &fake{}
		got := guarded(f, awswire.Config{Callers: known, PoolOf: poolOf}).Serve(t.Context(), signing{name: "local"}.sign(t, call(tt.operation, tt.body)))
		if len(f.calls) > 0 || got.Status != 400 {
			t.Errorf("%s: got %d and calls %v, want a refusal", tt.name, got.Status, f.calls)
		}
	}
	// What stands there as null does not stand there.
	if err := awswire.Authorize(t.Context(), local, poolOf, "GetOpenIdTokenForDeveloperIdentity",
		map[string]any{"IdentityPoolId": nil, "IdentityId": identity}); err != nil {
		t.Errorf("null pool: got %v, want the identity to decide", err)
	}
}

func TestDenialTexts(t *testing.T) {
	known := registry(t, person("local", []callers.Scope{callers.Admin}, pool))
	local, _, _ := known.ByAccessKey(accessKey("local"))
	const arn = "arn:aws:cognito-identity:us-east-1:*:identitypool/"
	for _, tt := range []struct{ operation, body, resource string }{
		{"DescribeIdentityPool", `{"IdentityPoolId":"` + foreignPool + `"}`, arn + foreignPool},
		{"GetOpenIdTokenForDeveloperIdentity", `{"IdentityPoolId":"` + pool + `"}`, arn + pool}, // the scope
		{"GetOpenIdTokenForDeveloperIdentity", `{"IdentityPoolId":"<b>"}`, "*"},
		{"ListIdentityPools", `{"IdentityPoolId":"` + pool + `"}`, "*"},
		{"DescribeIdentity", `{"IdentityId":"` + foreignIdentity + `"}`, "*"},
		{"DescribeIdentity", `{"IdentityId":"us-east-1:0"}`, "*"},
	} {
		want := "User: arn:aws:iam::" + account + ":user/local is not authorized to perform: cognito-identity:" + tt.operation + " on resource: " + tt.resource
		err := awswire.Authorize(t.Context(), local, poolOf, tt.operation, decoded(t, tt.body))
		if err == nil || cognito.Public(err).ErrorMessage() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

func TestAuthorizeWithoutCallerOrOperation(t *testing.T) {
	boss, _, _ := knownCallers(t).ByAccessKey(accessKey("boss"))
	for _, tt := range []struct {
		who             *callers.Caller
		operation, code string
	}{
		{nil, "DescribeIdentityPool", "MissingAuthenticationTokenException"},
		{nil, "GetId", ""},
		{boss, "TagResource", ""},
		{boss, "Brew", cognito.CodeUnknownOperation},
		{boss, "", cognito.CodeUnknownOperation},
		{boss, "ListIdentityPools", ""},
	} {
		err := awswire.Authorize(t.Context(), tt.who, nil, tt.operation, nil)
		if (err == nil) != (tt.code == "") || err != nil && cognito.Public(err).ErrorCode() != tt.code {
			t.Errorf("%q: got %v, want %q", tt.operation, err, tt.code)
		}
	}
}

// A directory that cannot be asked is no refusal; one that refuses says no more
// than one that does not know. Who may work in any pool needs none.
func TestPoolOf(t *testing.T) {
	known := registry(t, person("local", []callers.Scope{callers.Admin}, pool), person("boss", []callers.Scope{callers.Admin}, callers.AnyPool))
	answer := func(pool string, ok bool, err error) awswire.PoolOf {
		return func(context.Context, string) (string, bool, error) { return pool, ok, err }
	}
	for _, tt := range []struct {
		name, who string
		poolOf    awswire.PoolOf
		code      string
	}{
		{"found", "local", answer(pool, true, nil), ""},
		{"not found", "local", answer(pool, false, nil), cognito.CodeAccessDenied},
		{"found nowhere", "local", answer("", true, nil), cognito.CodeAccessDenied},
		{"found in the star", "local", answer("*", true, nil), cognito.CodeAccessDenied},
		{"nobody to ask", "local", nil, cognito.CodeAccessDenied},
		{"refused", "local", answer(pool, true, cognito.IdentityNotFound("SECRET")), cognito.CodeAccessDenied},
		{"broken", "local", answer(pool, true, errors.New("SECRET")), cognito.CodeInternal},
		{"throttled", "local", answer(pool, true, cognito.TooManyRequests("Rate exceeded")), "TooManyRequestsException"},
		{"any pool, nobody to ask", "boss", nil, ""},
		{"any pool, broken", "boss", answer("", false, errors.New("SECRET")), ""},
	} {
		f := &fake{}
		s := guarded(f, awswire.Config{Callers: known, PoolOf: tt.poolOf})
		got := s.Serve(t.Context(), signing{name: tt.who}.sign(t, call("DescribeIdentity", fmt.Sprintf(`{"IdentityId":%q}`, identity))))
		if got.Code != tt.code || len(f.calls) > 0 != (tt.code == "") || strings.Contains(string(got.Body), "SECRET") {
			t.Errorf("%s: got %d %s, calls %v, want %q", tt.name, got.Status, got.Code, f.calls, tt.code)
		}
		if !json.Valid(got.Body) {
			t.Errorf("%s: got %s", tt.name, got.Body)
		}
	}
}

// A pool that stands beside the input counts for every operation alike.
func TestAuthorizePool(t *testing.T) {
	const mine, other = "us-east-1:00000000-0000-4000-8000-000000000001", "us-east-1:00000000-0000-4000-8000-000000000002"
	known, err := callers.New(account, []callers.Config{
		{Name: "any", AccessKeys: []callers.AccessKey{{ID: "A", Secret: "s"}}, APIKeys: []callers.Digest{callers.DigestOf("any-key-of-tests")}, Scopes: []callers.Scope{callers.Admin}, Pools: []string{callers.AnyPool}},
		{Name: "one", AccessKeys: []callers.AccessKey{{ID: "B", Secret: "s"}}, APIKeys: []callers.Digest{callers.DigestOf("one-key-of-tests")}, Scopes: []callers.Scope{callers.Admin}, Pools: []string{mine}},
	})
	if err != nil {
		t.Fatal(err)
	}
	anyone, _, _ := known.ByAccessKey("A")
	one, _, _ := known.ByAccessKey("B")
	for _, c := range []struct {
		who             *callers.Caller
		operation, pool string
		want            string
	}{
		{anyone, "DescribeIdentity", mine, ""}, {anyone, "ListIdentityPools", "", ""}, {anyone, "TagResource", "nonsense", ""},
		{one, "DescribeIdentity", mine, ""}, {one, "TagResource", mine, ""}, {one, "DeleteIdentities", mine, ""},
		{one, "DescribeIdentity", other, cognito.CodeAccessDenied}, {one, "ListIdentityPools", "", cognito.CodeAccessDenied},
		{one, "TagResource", "nonsense", cognito.CodeAccessDenied}, {anyone, "LookupDeveloperIdentity", mine, cognito.CodeAccessDenied},
		{nil, "DescribeIdentity", mine, "MissingAuthenticationTokenException"}, {nil, "GetId", other, ""},
		{anyone, "Nonsense", mine, cognito.CodeUnknownOperation},
	} {
		got := ""
		if err := awswire.AuthorizePool(c.who, c.operation, c.pool); err != nil {
			got = cognito.Public(err).ErrorCode()
		}
		if got != c.want {
			t.Errorf("%s on %q: got %q, want %q", c.operation, c.pool, got, c.want)
		}
	}
}

// All identities of a call are looked at, up to the most that it may name.
func TestEveryIdentityOfACallIsChecked(t *testing.T) {
	const most = 60
	own, theirs := strings.Repeat(`"`+identity+`",`, most-1), `"`+foreignIdentity+`"`
	known := registry(t, person("steward", []callers.Scope{callers.Admin}, pool))
	caller, _, _ := known.ByAccessKey(accessKey("steward"))
	for name, c := range map[string]struct {
		ids       string
		permitted bool
	}{
		"all his own": {own + `"` + identity + `"`, true}, "the last another's": {own + theirs, false},
		"the first another's": {theirs + "," + strings.TrimSuffix(own, ","), false},
	} {
		body := decoded(t, `{"IdentityIdsToDelete":[`+c.ids+`]}`)
		if err := awswire.Authorize(t.Context(), caller, poolOf, "DeleteIdentities", body); (err == nil) != c.permitted {
			t.Errorf("%s: got %v, want permitted: %v", name, err, c.permitted)
		}
	}
}
