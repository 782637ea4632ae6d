package upstream_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cognito/upstream"
)

// known is what a Directory says of an identity: "" for nothing.
func known(d *upstream.Directory, id string) string {
	pool, mayLink, ok, err := d.Identity(context.Background(), id)
	switch {
	case err != nil:
		return err.Error()
	case !ok:
		return ""
	case mayLink:
		return pool + " mayLink"
	}
	return pool + " authenticated"
}

// step is one call and its answer; a refusal's type stands for its answer.
type step struct {
	operation, answer string
	identity          string // asked for; empty: id
	guest             bool   // without logins
}

// play runs the steps against a server that answers as they say.
func play(t *testing.T, steps []step) *upstream.Backend { t.Helper(); return playTo(t, nil, steps) }

// playTo is play, and w hears of it.
func playTo(t *testing.T, w upstream.Watcher, steps []step) *upstream.Backend {
	t.Helper()
	s := serve(t, func(w http.ResponseWriter, r request) {
		if answer := steps[r.n-1].answer; strings.HasSuffix(answer, "Exception") {
			refuse(w, answer, "no")
		} else {
			say(w, 200, answer)
		}
	})
	b := backend(t, s.URL, func(c *upstream.Config) { c.MaxAttempts = 1 })
	b.Directory().Watch(w)
	for _, step := range steps {
		asked := step.identity
		if asked == "" {
			asked = id
		}
		in, _ := input(b, step.operation, pool, asked)
		if step.guest {
			in.Elem().FieldByName("Logins").SetZero()
		}
		invoke(t.Context(), b, step.operation, in)
	}
	return b
}

// What answers teach, and what makes the Directory forget.
func TestDirectoryLearns(t *testing.T) {
	got := func(id string) string { return `{"IdentityId":"` + id + `"}` }
	const getID, getToken, getCredentials = "GetId", "GetOpenIdToken", "GetCredentialsForIdentity"
	const developer = "GetOpenIdTokenForDeveloperIdentity"
	asGuest := step{operation: getID, answer: got(id), guest: true}
	asUser := step{operation: getID, answer: got(id)}
	for _, test := range []struct {
		name     string
		steps    []step
		id, next string // of id and of survivor
	}{
		{"nothing", nil, "", ""},
		{"GetId of a guest", []step{asGuest}, pool + " mayLink", ""},
		{"GetId with logins", []step{asUser}, pool + " authenticated", ""},
		{"GetId refused", []step{{operation: getID, answer: "NotAuthorizedException"}}, "", ""},
		{"GetId of another region", []step{{operation: getID, answer: got("us-west-2:1")}}, "", ""},
		{"an authenticated identity is no guest again", []step{asUser, asGuest}, pool + " authenticated", ""},
		{"credentials of an unknown identity", []step{{operation: getCredentials, answer: credentialsOf(id)}}, "", ""},
		{"credentials for a guest", []step{asGuest, {operation: getCredentials, answer: credentialsOf(id), guest: true}},
			pool + " mayLink", ""},
		{"credentials by logins", []step{asGuest, {operation: getCredentials, answer: credentialsOf(id)}},
			pool + " authenticated", ""},
		{"credentials refused", []step{asGuest, {operation: getCredentials, answer: "NotAuthorizedException"}},
			pool + " mayLink", ""},
		{"a merge", []step{asGuest, {operation: getCredentials, answer: credentialsOf(survivor)}}, pool + " mayLink",
			pool + " authenticated"},
		{"a merge of an unknown identity", []step{{operation: getCredentials, answer: credentialsOf(survivor)}}, "", ""},
		{"a token", []step{{operation: getToken, answer: tokenOf(other, id), guest: true}}, other + " mayLink", ""},
		{"a token by logins", []step{{operation: getToken, answer: tokenOf(other, id)}}, other + " authenticated", ""},
		{"a token by logins after a merge", []step{{operation: getToken, answer: tokenOf(other, survivor)}}, "",
			other + " authenticated"},
		{"a token for somebody else", []step{{operation: getToken,
			answer: `{"IdentityId":"` + id + `","Token":"` + token(pool, survivor) + `"}`}}, "", ""},
		{"a token of another region", []step{{operation: getToken, answer: tokenOf("us-west-2:1", id)}}, "", ""},
		{"a token for an app", []step{{operation: getToken, answer: tokenOf("app-client", id)}}, "", ""},
		{"an unreadable token", []step{{operation: getToken, answer: `{"IdentityId":"` + id + `","Token":"a.b.c"}`}}, "", ""},
		{"an unreadable token of a known identity",
			[]step{asGuest, {operation: getToken, answer: `{"IdentityId":"` + survivor + `","Token":"x"}`}}, pool + " mayLink",
			pool + " authenticated"},
		{"a developer's user", []step{{operation: developer, answer: tokenOf(pool, id)}}, pool + " authenticated", ""},
		{"a developer's user, unreadable", []step{{operation: developer, answer: `{"IdentityId":"` + id + `","Token":"x"}`}},
			pool + " authenticated", ""},
		{"a contradiction", []step{{operation: developer, answer: tokenOf(other, id)}}, "", ""},
		{"a deleted identity", []step{asUser, {operation: getCredentials, answer: "ResourceNotFoundException"}}, "", ""},
		{"a deleted identity, its token", []step{asUser, {operation: getToken, answer: "ResourceNotFoundException"}}, "", ""},
		{"a deleted identity, shown", []step{asUser, {operation: "DescribeIdentity", answer: "ResourceNotFoundException"}},
			"", ""},
		{"a deleted identity, unlinked", []step{asUser, {operation: "UnlinkIdentity", answer: "ResourceNotFoundException"}},
			"", ""},
		{"a deleted identity, of a developer", []step{asUser, {operation: developer, answer: "ResourceNotFoundException"}},
			"", ""},
		{"a list", []step{{operation: "ListIdentities", answer: answers["ListIdentities"]}}, pool + " mayLink",
			pool + " authenticated"},
		{"a lookup", []step{{operation: "LookupDeveloperIdentity", answer: answers["LookupDeveloperIdentity"]}},
			pool + " authenticated", ""},
		{"a lookup without users", []step{{operation: "LookupDeveloperIdentity", answer: got(id)}}, pool + " mayLink", ""},
		{"developers merged", []step{asUser, {operation: "MergeDeveloperIdentities", answer: got(survivor)}},
			pool + " authenticated", pool + " authenticated"},
		{"deleted by an administrator", []step{asUser, {operation: "DeleteIdentities", answer: answers["DeleteIdentities"]}},
			"", ""},
		{"a deletion in doubt", []step{asUser, {operation: "DeleteIdentities", answer: "InternalErrorException"}}, "", ""},
		{"a fault", []step{asUser, {operation: getCredentials, answer: "InternalErrorException"}}, pool + " authenticated",
			""},
		{"an identity that was never there", []step{asUser, {operation: getCredentials, identity: survivor,
			answer: "ResourceNotFoundException"}}, pool + " authenticated", ""},
		{"a deleted pool", []step{asUser, {operation: getToken, answer: tokenOf(other, survivor)},
			{operation: "DeleteIdentityPool"}}, "", other + " authenticated"},
		{"a pool whose deletion is in doubt",
			[]step{asUser, {operation: "DeleteIdentityPool", answer: "InternalErrorException"}}, pool + " authenticated", ""},
		{"a pool whose deletion is refused",
			[]step{asUser, {operation: "DeleteIdentityPool", answer: "TooManyRequestsException"}}, pool + " authenticated", ""},
		{"a pool that is not there", []step{asUser, {operation: "DeleteIdentityPool", answer: "ResourceNotFoundException"}},
			"", ""},
		{"other answers", []step{{operation: "DescribeIdentity", answer: answers["DescribeIdentity"]},
			{operation: "GetIdentityPoolRoles", answer: answers["GetIdentityPoolRoles"]}}, "", ""},
	} {
		d := play(t, test.steps).Directory()
		if got := known(d, id); got != test.id {
			t.Errorf("%s: of the identity %q, want %q", test.name, got, test.id)
		}
		if got := known(d, survivor); got != test.next {
			t.Errorf("%s: of the other %q, want %q", test.name, got, test.next)
		}
		if got := known(d, "us-west-2:1"); got != "" {
			t.Errorf("%s: learnt %q of an identity of another region", test.name, got)
		}
	}
}

// answering is a client that answers each request with a status and a body.
type answering func(*http.Request) (int, string)

func (a answering) Do(r *http.Request) (*http.Response, error) {
	status, body := a(r)
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
		Request: r}, nil
}

// A request alone teaches nothing, whatever ids and tokens it names: neither
// when it is refused nor when its answer ties nothing.
func TestDirectoryNeverLearnsFromRequests(t *testing.T) {
	ids := []string{pool, other, id, survivor, "us-west-2:1", "us-east-1:" + strings.Repeat("a", 36)}
	replies := []string{
		`400 {"__type":"NotAuthorizedException"}`, `400 {"__type":"ResourceNotFoundException"}`,
		`400 {"__type":"ValidationException"}`,
		`500 {"__type":"InternalErrorException"}`, `400 {"__type":"TooManyRequestsException"}`, `200 {}`, `200 {`,
		`502 <html>`, `200 `,
	}
	rapid.Check(t, func(t *rapid.T) {
		var reply string
		b, err := upstream.New(upstream.Config{Region: "us-east-1", MaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
			HTTPClient: answering(func(r *http.Request) (int, string) {
				status, body, _ := strings.Cut(reply, " ")
				n, _ := json.Number(status).Int64()
				return int(n), body
			})})
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 8).Draw(t, "calls") {
			one := rapid.SampledFrom(ids).Draw(t, "id")
			operation := rapid.SampledFrom(operations()).Draw(t, "operation")
			in, _ := input(b, operation, rapid.SampledFrom(ids).Draw(t, "pool"), one)
			if logins := in.Elem().FieldByName("Logins"); logins.IsValid() && rapid.Bool().Draw(t, "with a token of Cognito") {
				logins.Interface().(map[string]string)["cognito-identity.amazonaws.com"] = token(rapid.SampledFrom(ids).Draw(t,
					"aud"), one)
			}
			reply = rapid.SampledFrom(replies).Draw(t, "reply")
			if operation == "GetCredentialsForIdentity" && rapid.Bool().Draw(t, "credentials") {
				reply = "200 " + credentialsOf(rapid.SampledFrom(ids).Draw(t, "answered"))
			}
			invoke(context.Background(), b, operation, in)
		}
		for _, id := range ids {
			if got := known(b.Directory(), id); got != "" {
				t.Errorf("learnt %q of %s", got, id)
			}
		}
	})
}

// What was learnt is forgotten after 30 days, and when there is too much of it.
func TestDirectoryIsBounded(t *testing.T) {
	now := time.Unix(1e9, 0)
	n := 0
	b := backend(t, "", func(c *upstream.Config) {
		c.MaxIdentities, c.Now = 100, func() time.Time { return now }
		c.HTTPClient = answering(func(*http.Request) (int, string) {
			n++
			return 200, fmt.Sprintf(`{"IdentityId":"us-east-1:%d"}`, n)
		})
	})
	if err := guest(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		after time.Duration
		want  string
	}{{0, pool + " mayLink"}, {30*24*time.Hour - 1, pool + " mayLink"}, {1, ""}} {
		now = now.Add(test.after)
		if got := known(b.Directory(), "us-east-1:1"); got != test.want {
			t.Errorf("at %v: %q, want %q", now.UTC(), got, test.want)
		}
	}
	for range 5000 {
		if err := guest(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if got := upstream.Known(b.Directory()); got > 150 {
		t.Errorf("%d identities are kept, want about 100", got)
	}
}

// The Directory keeps no part of a request: its bytes may be reused.
func TestDirectoryKeepsItsOwn(t *testing.T) {
	buffer := []byte(pool)
	b := backend(t, serve(t, nil).URL)
	in := &cognitoidentity.GetIdInput{IdentityPoolId: aws.String(upstream.Alias(buffer))}
	if _, err := b.GetId(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	copy(buffer, strings.Repeat("x", len(buffer)))
	if got := known(b.Directory(), id); got != pool+" mayLink" {
		t.Errorf("known %q", got)
	}
	if kept := upstream.Kept(b); len(kept) != 1 || kept[0] != "us-east-1" {
		t.Errorf("clients of %q", kept)
	}
}

// FuzzTokens: no token makes the reader of tokens panic, or tell a pool that is
// not of the identity's region.
func FuzzTokens(f *testing.F) {
	for _, seed := range []string{token(pool, id), "a.b.c", "..", "", token(`x"`, id), token("us-west-2:1", id), "e30.e30.e30", "x.eyJhdWQiOlsiYSJdfQ.y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, ok := upstream.PoolOf(text, id); ok != (got != "") || ok && !strings.HasPrefix(got, "us-east-1:") {
			t.Errorf("pool %q, %t of %q", got, ok, text)
		}
	})
}

// FuzzRegions: whatever passes for a region is one label of a host's name.
func FuzzRegions(f *testing.F) {
	for _, seed := range append(hostile, pool, "eusc-de-east-1:1", "us-isob-east-1:1") {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		region, ok := upstream.RegionOf(id)
		if ok && (len(region) > 32 || strings.Trim(region, "abcdefghijklmnopqrstuvwxyz-0123456789") != "" || strings.HasPrefix(region, "-")) {
			t.Errorf("region %q", region)
		}
	})
}

// Answers may be noted late: the owners of before are told too, the latest few.
func TestOwners(t *testing.T) {
	b, err := upstream.New(upstream.Config{Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	d := b.Directory()
	owners := func(subject string) string {
		ids, err := d.Owners(t.Context(), pool, "idp", subject)
		if err != nil {
			t.Fatal(err)
		}
		for i := range ids {
			ids[i] = strings.TrimPrefix(ids[i], "us-east-1:")
		}
		return strings.Join(ids, " ")
	}
	for _, c := range []struct{ id, want string }{
		{"1", "1"}, {"1", "1"}, {"2", "2 1"}, {"1", "1 2"}, {"3", "3 1 2"},
	} {
		d.Owns(pool, "idp", "a", "us-east-1:"+c.id)
		if got := owners("a"); got != c.want {
			t.Errorf("after %s was noted: got %q, want %q", c.id, got, c.want)
		}
	}
	for n := range 20 {
		d.Owns(pool, "idp", "a", fmt.Sprint("us-east-1:", 10+n))
	}
	if got, want := owners("a"), "29 28 27 26 25 24 23 22 21 20 19 18 17 16 15 14"; got != want {
		t.Errorf("after 20 more: got %q, want %q", got, want)
	}
	if got := owners("b"); got != "" {
		t.Errorf("another's: got %q, want none", got)
	}
	if got, want := known(d, "us-east-1:29"), pool+" authenticated"; got != want {
		t.Errorf("the identity: got %q, want %q", got, want)
	}
}

// A login has one owner in a pool: one that no answer has named for ten minutes is forgotten when
// another is named there, or when an answer says that it is none; not before, for answers overtake
// each other.
func TestFormerOwnersAreForgotten(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	b, err := upstream.New(upstream.Config{Region: "us-east-1", Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	d := b.Directory()
	const elsewhere = "us-east-1:99999999-0000-4000-8000-000000000001"
	owns := func(pool, id string) func() { return func() { d.Owns(pool, "idp", "a", id) } }
	disowns := func(id string) func() { return func() { d.Disowns("idp", "a", id) } }
	for i, step := range []struct {
		later time.Duration
		do    func()
		want  []string
	}{
		{0, owns(pool, "us-east-1:1"), []string{"us-east-1:1"}},
		{0, owns(elsewhere, "us-east-1:2"), []string{"us-east-1:2", "us-east-1:1"}},
		{9 * time.Minute, owns(pool, "us-east-1:3"), []string{"us-east-1:3", "us-east-1:2", "us-east-1:1"}},
		{0, disowns("us-east-1:1"), []string{"us-east-1:3", "us-east-1:2", "us-east-1:1"}},
		{time.Minute, owns(pool, "us-east-1:3"), []string{"us-east-1:3", "us-east-1:2"}},
		{9 * time.Minute, owns(pool, "us-east-1:3"), []string{"us-east-1:3", "us-east-1:2"}}, // named again
		{2 * time.Minute, owns(pool, "us-east-1:4"), []string{"us-east-1:4", "us-east-1:3", "us-east-1:2"}},
		{0, disowns("us-east-1:2"), []string{"us-east-1:4", "us-east-1:3"}},
		{0, disowns("us-east-1:5"), []string{"us-east-1:4", "us-east-1:3"}},
		{10 * time.Minute, disowns("us-east-1:3"), []string{"us-east-1:4"}},
		{0, disowns("us-east-1:4"), []string{}},
		{0, disowns("us-east-1:4"), []string{}},
	} {
		now = now.Add(step.later)
		step.do()
		got, err := d.Owners(t.Context(), pool, "idp", "a")
		if err != nil || !slices.Equal(got, step.want) {
			t.Errorf("step %d: got %v %v, want %v", i, got, err, step.want)
		}
	}
}
