package transfer_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/cognito/embedded/transfer"
)

const (
	account  = "000000000000"
	poolID   = "us-east-1:00000000-0000-4000-8000-000000000001"
	poolLine = `{"pool":{"id":"` + poolID + `","name":"demo","allowGuests":true,"developerProvider":"login.example",` +
		`"oidcProviderArns":["arn:aws:iam::000000000000:oidc-provider/idp.example","arn:aws:iam::000000000000:oidc-provider/work.example"],` +
		`"roles":{"authenticated":"arn:aws:iam::000000000000:role/auth"}}}` + "\n"
	alice = `{"identity":{"id":"us-east-1:aa","pool":"` + poolID + `","created":"2020-01-02T03:04:05.678Z","logins":[` +
		`{"provider":"idp.example","subject":"alice"},{"provider":"login.example","subject":"u1"},{"provider":"login.example","subject":"u2"}]}}` + "\n"
	guest = `{"identity":{"id":"us-east-1:bb","pool":"` + poolID + `"}}` + "\n"
	gone  = `{"identity":{"id":"us-east-1:cc","pool":"` + poolID + `","state":"disabled","mergedInto":"us-east-1:aa"}}` + "\n"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.InMemory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func bring(t *testing.T, s *store.Store, lines string) (transfer.Count, error) {
	t.Helper()
	return transfer.Import(t.Context(), s, strings.NewReader(lines), account, now)
}

func export(t *testing.T, s *store.Store) string {
	t.Helper()
	var out bytes.Buffer
	if _, err := transfer.Export(t.Context(), s, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// What was imported is there with its ids, is exported again, and brings another
// store to the same state; to import it once more changes nothing.
func TestThereAndBack(t *testing.T) {
	first, second := open(t), open(t)
	want := transfer.Count{Pools: 1, Identities: 3, Logins: 3}
	if got, err := bring(t, first, poolLine+"\n"+alice+guest+gone); err != nil || got != want {
		t.Fatalf("got %+v %v, want %+v", got, err, want)
	}
	err := first.View(t.Context(), func(tx *store.Tx) error {
		for _, subject := range []string{"u1", "u2"} {
			owner, _, err := tx.Owner(poolID, rules.Login{Provider: "login.example", Subject: subject})
			if err != nil || owner != "us-east-1:aa" {
				t.Errorf("a developer's user: got %q %v, want the identity of the file", owner, err)
			}
		}
		i, _, err := tx.Identity("us-east-1:aa")
		if i.State != rules.Authenticated || i.Created.UnixMilli() != time.Date(2020, 1, 2, 3, 4, 5, 678e6, time.UTC).UnixMilli() {
			t.Errorf("got state %d made %v, want authenticated, made as the file says", i.State, i.Created)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if findings, err := first.Check(t.Context()); err != nil || len(findings) > 0 {
		t.Errorf("the store's invariants: got %v %v", findings, err)
	}
	all := export(t, first)
	if got, err := bring(t, second, all); err != nil || got != want {
		t.Fatalf("an export: got %+v %v, want %+v", got, err, want)
	}
	if got, err := bring(t, second, all); err != nil || got != want {
		t.Errorf("once more: got %+v %v, want %+v", got, err, want)
	}
	if diff := cmp.Diff(all, export(t, second)); diff != "" {
		t.Errorf("exported again (-first +second):\n%s", diff)
	}
}

// A pool that the configuration made may have a role that no file may bring, such as
// of an STS elsewhere. Where it is there already its line says nothing new.
func TestPoolOfTheConfiguration(t *testing.T) {
	p := rules.Pool{ID: poolID, Name: "demo", Roles: rules.Roles{Authenticated: "arn:minio:iam:::role/dummy"}}
	first, second := open(t), open(t)
	for _, s := range []*store.Store{first, second} {
		if err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.PutPool(p) }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := bring(t, first, guest); err != nil {
		t.Fatal(err)
	}
	if _, err := bring(t, second, export(t, first)); err != nil {
		t.Errorf("where the pool is there: got %v", err)
	}
	if _, err := bring(t, open(t), export(t, first)); err == nil {
		t.Error("where it is not: got it taken, want its role refused")
	}
}

// Logins and settings of providers that a pool lists no more are taken where the
// pool's line names them: another name is a slip.
func TestFormerProviders(t *testing.T) {
	const old = `{"pool":{"id":"us-east-1:aa","name":"x","allowGuests":false,"roles":{},"mappings":{"old.example":{"type":"Token","ambiguous":"Deny"}},` +
		`"principalTags":{"old.example":{"useDefaults":true}}},"formerProviders":["old.example"]}` + "\n"
	user := func(provider string) string {
		return `{"identity":{"id":"us-east-1:bb","pool":"us-east-1:aa","created":"2020-01-02T03:04:05.678Z","logins":[{"provider":"` + provider + `","subject":"secret"}]}}` + "\n"
	}
	s := open(t)
	if _, err := bring(t, s, old+user("old.example")); err != nil {
		t.Fatal(err)
	}
	if _, err := bring(t, s, user("old.example")); err != nil {
		t.Errorf("again, without the pool's line: got %v", err)
	}
	if got := export(t, s); !strings.HasPrefix(got, old) {
		t.Errorf("exported: got %s, want it to begin with\n%s", got, old)
	}
	if _, err := bring(t, open(t), old+user("odl.example")); err == nil || !strings.Contains(err.Error(), "line 2: identity.logins[0].provider is none of the pool's") {
		t.Errorf("a slip in a login: got %v, want it refused", err)
	}
	for _, setting := range []string{"principalTags", "mappings"} {
		if _, err := bring(t, open(t), strings.Replace(old, `"`+setting+`":{"old`, `"`+setting+`":{"odl`, 1)); err == nil {
			t.Errorf("a slip in %s: got it taken, want it refused", setting)
		}
	}
}

// A line that cannot be is refused by its number, and nothing at all is written.
// No refusal names a user.
func TestRefusedLines(t *testing.T) {
	identity := func(members string) string { return `{"identity":{"pool":"` + poolID + `",` + members + `}}` }
	tagged := func(provider, tags string) string {
		return `{"pool":{"id":"us-east-1:aa","name":"x","publicProviders":{"accounts.google.com":"1"},"principalTags":{"` + provider + `":{"tags":` + tags + `}}}}`
	}
	for text, want := range map[string]string{
		`x`:                                    "is not JSON; expected one object",
		`{}`:                                   `holds none or several; expected "pool", "identity" or "signOut"`,
		`{"pool":{},"identity":{}}`:            `holds none or several; expected "pool", "identity" or "signOut"`,
		`{"identity":{},"formerProviders":[]}`: "formerProviders are a pool's",
		`{"identity":{}} {}`:                   "something follows the object",
		`{"identity":{"ID":"x"}}`:              `is not a line of an export; expected {"pool": …} or {"identity": …} with the members of docs/import.md`,
		`{"identity":{"id":"x","id":"y"}}`:     "a member stands twice",
		`{"identity":{"logins":[{"provider":"a","subject":"\ud800"}]}}`:                                          "the text is not Unicode",
		`{"identity":{"created":"soon"}}`:                                                                        "a time is not of RFC 3339",
		`{"identity":{"id":1}}`:                                                                                  "identity.id has the wrong type; expected string",
		`{"identity":{"identityId":"x"}}`:                                                                        `is not a line of an export; expected {"pool": …} or {"identity": …} with the members of docs/import.md`,
		`{"identity":{"id":"us-east-1:aa","pool":"us-east-1:ff"}}`:                                               "identity.pool is neither in the store nor on a line before",
		identity(`"id":"us-east-1:AA"`):                                                                          "identity.id is not <region>:<guid> of the pool's region",
		identity(`"id":"eu-west-1:aa"`):                                                                          "identity.id is not <region>:<guid> of the pool's region",
		identity(`"id":"us-east-1:aa","state":"new"`):                                                            "identity.state is unknown; expected guest, authenticated or disabled",
		identity(`"id":"us-east-1:aa","state":"authenticated"`):                                                  "identity.state is authenticated with 0 logins; an authenticated identity has some, others have none",
		identity(`"id":"us-east-1:aa","mergedInto":"us-east-1:bb"`):                                              "identity.mergedInto is for disabled identities",
		identity(`"id":"us-east-1:aa","mergedInto":"x"`):                                                         "identity.mergedInto is not <region>:<guid> of the pool's region",
		identity(`"id":"us-east-1:aa","created":"yesterday-secret"`):                                             "a time is not of RFC 3339",
		identity(`"id":"us-east-1:aa","created":"2020-01-02T00:00:00Z","modified":"2020-01-01T00:00:00Z"`):       "identity.modified is before identity.created, or that before 1970",
		identity(`"id":"us-east-1:dd","state":"guest","logins":[{"provider":"idp.example","subject":"secret"}]`): "identity.state is guest with 1 logins; an authenticated identity has some, others have none",
		identity(`"id":"us-east-1:dd","logins":[{"provider":"other.example","subject":"secret"}]`):               "identity.logins[0].provider is none of the pool's",
		identity(`"id":"us-east-1:dd","logins":[{"provider":"idp.example","subject":""}]`):                       "identity.logins[0].subject has 0 characters; expected 1 to 1024",
		identity(`"id":"us-east-1:dd","logins":[{"provider":"idp.example","subject":"secret"},{"provider":"idp.example","subject":"secret2"}]`):    "identity.logins[1] is a second login of its provider",
		identity(`"id":"us-east-1:dd","logins":[{"provider":"login.example","subject":"secret"},{"provider":"login.example","subject":"secret"}]`): "identity.logins[1] stands there twice",
		identity(`"id":"us-east-1:dd","logins":[{"provider":"idp.example","subject":"alice"}]`):                                                    "identity.logins[0] is linked to another identity",
		identity(`"id":"us-east-1:aa","logins":[{"provider":"idp.example","subject":"secret"}]`):                                                   "the identity is there with another state or other logins",
		strings.Replace(poolLine, `"allowGuests":true`, `"allowGuests":false`, 1):                                                                  "the pool is there with other settings; change it through the API",
		strings.Replace(poolLine, `000000000000:role`, `999999999999:role`, 1):                                                                     "pool: NotAuthorizedException: Access to Role 'arn:aws:iam::999999999999:role/auth' is forbidden.",
		tagged("graph.facebook.com", `{"t":"c"}`):                                                                                                  "pool.principalTags: graph.facebook.com: InvalidParameterException: IdentityProviderName is not a configured provider of the pool.",
		tagged("accounts.google.com", `{"t":""}`):                                                                                                  "pool.principalTags: accounts.google.com: InvalidParameterException: PrincipalTags takes at most 50 tags, with keys of 1 to 128 characters and claims of 1 to 256.",
		tagged("accounts.google.com", `{"t":"secret","T":"secret"}`):                                                                               "pool.principalTags: accounts.google.com: InvalidParameterException: PrincipalTags holds tag keys that differ in case alone.",
		`{"pool":{"id":"us-east-1","name":"x"}}`:                                                                                                   "pool.id is not <region>:<guid>",
		`{"pool":{"id":"us-east-1:aa","name":""}}`:                                                                                                 "pool.name has 0 characters; expected 1 to 128",
		signOutLine(`"pool":"us-east-1:ff"`):                                                                                                       "signOut.pool is neither in the store nor on a line before",
		signOutLine(`"provider":"other.example"`):                                                                                                  "signOut.provider is none of the pool's",
		signOutLine(`"subject":""`):                                                                                                                "signOut.subject has 0 characters; expected 1 to 1024",
		signOutLine(`"told":null`):                                                                                                                 "signOut lacks notBefore or told",
		signOutLine(`"notBefore":"1969-12-31T23:59:59Z"`):                                                                                          "signOut.notBefore or signOut.told is before 1970",
		signOutLine(`"notBefore":"2026-01-02T03:09:05.001Z"`):                                                                                      "signOut.notBefore lies ahead.",
		signOutLine(`"told":"9999-01-01T00:00:00Z"`):                                                                                               "signOut.told lies ahead",
		`{"signOut":{},"identity":{}}`:                                                                                                             `holds none or several; expected "pool", "identity" or "signOut"`,
		`{"x":"` + strings.Repeat("a", 32<<20) + `"}`:                                                                                              "longer than 33554432 bytes",
	} {
		s := open(t)
		_, err := bring(t, s, poolLine+alice+guest+text)
		refused, ok := errors.AsType[*transfer.Error](err)
		if !ok || refused.Line != 4 || refused.Unwrap().Error() != want {
			t.Errorf("%.100s: got %v, want line 4: %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%.100s: the refusal quotes a value", text)
		}
		if left := export(t, s); left != "" {
			t.Errorf("%.100s: got %d bytes in the store, want nothing written", text, len(left))
		}
	}
}

func FuzzImport(f *testing.F) {
	for _, seed := range []string{poolLine, `{"pool":{"id":"us-east-1:aa","name":"x","mappings":{"old":{"type":"Token","ambiguous":"Deny"}}},"formerProviders":["old"]}`, alice, guest, gone, poolLine + alice, "{}", `{"identity":{"id":"us-east-1:aa","pool":"` + poolID + `","logins":null}}`} {
		f.Add(seed)
	}
	s, err := store.Open(f.Context(), store.InMemory)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	if _, err := transfer.Import(f.Context(), s, strings.NewReader(poolLine), account, now); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := transfer.Import(t.Context(), s, strings.NewReader(text), account, now); err != nil {
			return
		}
		if findings, err := s.Check(t.Context()); err != nil || len(findings) > 0 {
			t.Errorf("the store's invariants: got %v %v", findings, err)
		}
	})
}

// An import marks the pools that got something, and no others.
func TestImportsAreMarked(t *testing.T) {
	s := open(t)
	marks := func() (m store.Marks) {
		t.Helper()
		if err := s.View(t.Context(), func(tx *store.Tx) (err error) { m, err = tx.Marks(); return err }); err != nil {
			t.Fatal(err)
		}
		return m
	}
	const other = "us-east-1:00000000-0000-4000-8000-000000000002"
	otherLine := strings.Replace(poolLine, poolID, other, 1)
	for _, step := range []struct {
		what, lines  string
		this, others bool
	}{
		{"a pool", poolLine, true, false},
		{"the same pool", poolLine, false, false},
		{"another", otherLine, false, true},
		{"identities", alice + guest, true, false},
		{"the same identities", alice + guest, false, false},
		{"what is refused", gone + "nonsense\n", false, false},
		{"an identity of the other", strings.ReplaceAll(strings.Replace(guest, poolID, other, 1), "bb", "dd"), false, true},
	} {
		before := marks()
		if _, err := bring(t, s, step.lines); (err != nil) != (step.what == "what is refused") {
			t.Fatalf("%s: %v", step.what, err)
		}
		now := marks()
		for id, want := range map[string]bool{poolID: step.this, other: step.others} {
			if now.Logins[id] != before.Logins[id] != want || now.Credentials[id] != before.Credentials[id] != want {
				t.Errorf("%s: got %q marked, before %q; want other marks of %s: %v", step.what, now, before, id, want)
			}
		}
	}
}

// signOutLine is a good line of a sign-out but for one member.
func signOutLine(member string) string {
	members := []string{
		`"pool":"` + poolID + `"`, `"provider":"idp.example"`, `"subject":"secret"`, `"notBefore":"2026-01-01T00:00:00Z"`,
		`"told":"2026-01-01T00:00:00Z"`,
	}
	name, _, _ := strings.Cut(member, ":")
	for n, m := range members {
		if strings.HasPrefix(m, name+":") {
			members[n] = member
		}
	}
	return `{"signOut":{` + strings.Join(members, ",") + `}}`
}

// A sign-out is refused, as it is by REST, at a provider whose logins do not say when they were made: it
// would never end.
func TestSignOutsNeedATime(t *testing.T) {
	const saml = "arn:aws:iam::000000000000:saml-provider/office"
	pool := strings.Replace(poolLine, `"roles"`, `"samlProviderArns":["`+saml+`"],"publicProviders":{"graph.facebook.com":"1",`+
		`"www.amazon.com":"a","accounts.google.com":"g"},"roles"`, 1)
	for provider, refused := range map[string]bool{
		"graph.facebook.com": true, "www.amazon.com": true, saml: true, "accounts.google.com": false, "idp.example": false,
	} {
		s := open(t)
		_, err := bring(t, s, pool+signOutLine(`"provider":"`+provider+`"`))
		const want = "line 2: signOut.provider: Logins of the provider do not say when their user authenticated himself."
		if (err != nil) != refused || refused && !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: got %v, want it refused: %v", provider, err, refused)
		}
		if refused && export(t, s) != "" {
			t.Errorf("%s: got something written", provider)
		}
	}
}
