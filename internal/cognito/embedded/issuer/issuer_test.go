package issuer_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
)

const (
	self     = "https://broker.example"
	pool     = "us-east-1:00000000-0000-4000-8000-000000000001"
	identity = "us-east-1:11111111-0000-4000-8000-000000000001"
	arn      = "arn:aws:cognito-identity:us-east-1:000000000000:identitypool/" + pool
)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(1_790_000_000, 0).UTC()} }

func (c *clock) now() time.Time          { c.mu.Lock(); defer c.mu.Unlock(); return c.at }
func (c *clock) advance(d time.Duration) { c.mu.Lock(); c.at = c.at.Add(d); c.mu.Unlock() }

// memory keeps keys in a map. Its fault, if any, decides how a write ends.
type memory struct {
	mu     sync.Mutex
	keys   map[string]issuer.Key
	writes [][]issuer.Key
	fault  func(ctx context.Context, next []issuer.Key) error
}

func (m *memory) SigningKeys(context.Context) ([]issuer.Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.keys)), nil
}

func (m *memory) ReplaceSigningKeys(ctx context.Context, next []issuer.Key) error {
	m.mu.Lock()
	fault := m.fault
	m.mu.Unlock()
	if fault != nil {
		if err := fault(ctx, next); err != nil {
			return err
		}
	}
	m.put(next)
	return nil
}

func (m *memory) put(next []issuer.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes = append(m.writes, next)
	m.keys = map[string]issuer.Key{}
	for _, k := range next {
		m.keys[k.ID] = k
	}
}

func (m *memory) fail(fault func(context.Context, []issuer.Key) error) {
	m.mu.Lock()
	m.fault = fault
	m.mu.Unlock()
}

// ids tells which keys are stored, oldest first, a retired one with a minus.
func (m *memory) ids() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(m.keys)) {
		if !m.keys[id].Retired.IsZero() {
			id += "-"
		}
		ids = append(ids, id)
	}
	return strings.Join(ids, " ")
}

// first is one key for the tests that need no other; making one takes long.
var first = sync.OnceValues(func() (issuer.Key, error) {
	m := &memory{}
	_, err := issuer.New(context.Background(), config(m, nil))
	return m.keys["us-east-1-1"], err
})

// stocked is a store with the first key, as if made at a time.
func stocked(t testing.TB, now time.Time) *memory {
	t.Helper()
	k, err := first()
	if err != nil {
		t.Fatal(err)
	}
	m := &memory{}
	k.Created = now
	m.put([]issuer.Key{k})
	return m
}

func config(m *memory, now func() time.Time) issuer.Config {
	return issuer.Config{Issuer: self, PublicURL: self, Region: "us-east-1", Keys: m, Rotation: 48 * time.Hour, Now: now}
}

func start(t testing.TB, c issuer.Config) *issuer.Issuer {
	t.Helper()
	i, err := issuer.New(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// claims are a user's, for ten minutes from now.
func claims(now time.Time) issuer.Claims {
	now = now.UTC().Truncate(time.Second)
	return issuer.Claims{
		Subject: identity, Audience: pool, AMR: []string{"authenticated", "login.example"},
		IssuedAt: now, Expires: now.Add(10 * time.Minute),
	}
}

func sign(t testing.TB, i *issuer.Issuer, c issuer.Claims) string {
	t.Helper()
	text, err := i.Sign(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func rotate(t testing.TB, i *issuer.Issuer) string {
	t.Helper()
	id, err := i.Rotate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// published lists the ids of the key set, in its order.
func published(i *issuer.Issuer) string {
	var s struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal(i.JWKS(), &s); err != nil {
		return err.Error()
	}
	var ids []string
	for _, k := range s.Keys {
		ids = append(ids, k.Kid)
	}
	return strings.Join(ids, " ")
}

func unb64(t testing.TB, s string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The bytes of a token are those of docs/cognito.md#the-openid-token, to the order of its
// members.
func TestTokenIsTheServices(t *testing.T) {
	c := newClock()
	i := start(t, config(stocked(t, c.now()), c.now))
	guest, user := claims(c.now()), claims(c.now())
	guest.AMR = []string{"unauthenticated"}
	user.PoolARN, user.Tags = arn, map[string]string{"team": "r&d <1>", "cost": ""}
	user.IssuedAt, user.Expires = user.IssuedAt.Add(time.Millisecond), user.Expires.Add(999*time.Millisecond)
	for name, f := range map[string]struct {
		claims issuer.Claims
		want   string
	}{
		"guest": {guest, `{"sub":"` + identity + `","aud":"` + pool + `","amr":["unauthenticated"],"iss":"` + self +
			`","exp":1790000600,"iat":1790000000}`},
		"user": {user, `{"sub":"` + identity + `","aud":"` + pool + `","amr":["authenticated","login.example"],` +
			`"https://aws.amazon.com/tags":{"principal_tags":{"cost":[""],"team":["r&d <1>"]}},"iss":"` + self + `",` +
			`"https://cognito-identity.amazonaws.com/identity-pool-arn":"` + arn + `","exp":1790000600,"iat":1790000000}`},
	} {
		parts := strings.Split(sign(t, i, f.claims), ".")
		if got, want := unb64(t, parts[0]), `{"kid":"us-east-1-1","typ":"JWS","alg":"RS512"}`; got != want {
			t.Errorf("%s: header: got %s, want %s", name, got, want)
		}
		if got := unb64(t, parts[1]); got != f.want {
			t.Errorf("%s: payload: got %s, want %s", name, got, f.want)
		}
		if got := len(unb64(t, parts[2])); got != 256 {
			t.Errorf("%s: signature: got %d bytes, want 256", name, got)
		}
	}
}

// Whatever Sign takes, Verify gives back; what it does not take, it refuses.
func TestClaimsComeBack(t *testing.T) {
	c := newClock()
	i := start(t, config(stocked(t, c.now()), c.now))
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(1, 40, 200)
		in := issuer.Claims{
			Subject: text.Draw(t, "sub"), Audience: text.Draw(t, "aud"), AMR: rapid.SliceOfN(text, 1, 5).Draw(t, "amr"),
			PoolARN: rapid.String().Draw(t, "arn"), IssuedAt: c.now(),
			Expires: c.now().Add(time.Duration(rapid.Int64Range(1, 86400).Draw(t, "life")) * time.Second),
		}
		if tags := rapid.MapOfN(rapid.String(), rapid.String(), 0, 5).Draw(t, "tags"); len(tags) > 0 {
			in.Tags = tags
		}
		token, err := i.Sign(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		out, err := i.Verify(token)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(in, *out); diff != "" {
			t.Errorf("claims changed (-signed +verified):\n%s", diff)
		}
	})
}

func TestSignRefusesClaims(t *testing.T) {
	c := newClock()
	i := start(t, config(stocked(t, c.now()), c.now))
	for name, change := range map[string]func(*issuer.Claims){
		"no subject":      func(c *issuer.Claims) { c.Subject = "" },
		"no audience":     func(c *issuer.Claims) { c.Audience = "" },
		"no amr":          func(c *issuer.Claims) { c.AMR = nil },
		"empty amr entry": func(c *issuer.Claims) { c.AMR = []string{"authenticated", ""} },
		"no life":         func(c *issuer.Claims) { c.Expires = c.IssuedAt },
		"too long a life": func(c *issuer.Claims) { c.Expires = c.IssuedAt.Add(24*time.Hour + time.Second) },
		"no times":        func(c *issuer.Claims) { c.IssuedAt, c.Expires = time.Time{}, time.Time{} },
		"subject not UTF": func(c *issuer.Claims) { c.Subject = "a\xff" },
		"amr not UTF":     func(c *issuer.Claims) { c.AMR = []string{"a\xff"} },
		"tag not UTF":     func(c *issuer.Claims) { c.Tags = map[string]string{"a": "\xff"} },
	} {
		bad := claims(c.now())
		change(&bad)
		if _, err := i.Sign(t.Context(), bad); !errors.Is(err, issuer.ErrClaims) {
			t.Errorf("%s: got %v, want ErrClaims", name, err)
		}
	}
}

// Up to the size that STS takes a token is signed, and verifies.
func TestTokenSize(t *testing.T) {
	t.Parallel()
	c := newClock()
	i := start(t, config(stocked(t, c.now()), c.now))
	longest := 0
	for n := 14400; ; n++ {
		big := claims(c.now())
		big.Tags = map[string]string{"t": strings.Repeat("x", n)}
		token, err := i.Sign(t.Context(), big)
		if errors.Is(err, issuer.ErrTooLarge) {
			break
		}
		if err != nil || len(token) > 20000 {
			t.Fatalf("got a token of %d bytes, %v, want at most 20000 and none", len(token), err)
		}
		if _, err := i.Verify(token); err != nil {
			t.Fatalf("%d bytes: %v", len(token), err)
		}
		longest = len(token)
	}
	if longest < 19998 {
		t.Errorf("the longest token has %d bytes, want one of 19998 to 20000", longest)
	}
}

// A real verifier takes the tokens through real discovery, of both keys.
func TestVerifierTakesTokensThroughDiscovery(t *testing.T) {
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	c := config(stocked(t, time.Now()), nil)
	c.Issuer, c.PublicURL = server.URL, server.URL+"/"
	i := start(t, c)
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		w.Write(i.Discovery())
	})
	mux.HandleFunc("/.well-known/jwks_uri", func(w http.ResponseWriter, _ *http.Request) { w.Write(i.JWKS()) })
	provider, err := oidc.NewProvider(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	verifier := provider.Verifier(&oidc.Config{ClientID: pool})
	old := sign(t, i, claims(time.Now()))
	if _, err := verifier.Verify(t.Context(), old); err != nil {
		t.Errorf("before rotation: %v", err)
	}
	rotate(t, i)
	user := claims(time.Now())
	user.Tags = map[string]string{"team": "blue"}
	verified, err := verifier.Verify(t.Context(), sign(t, i, user))
	if err != nil {
		t.Fatalf("after rotation: %v", err)
	}
	if verified.Subject != identity || !slices.Equal(verified.Audience, []string{pool}) ||
		!verified.Expiry.Equal(user.Expires) {
		t.Errorf("got %s for %v until %v, want %s for %s until %v", verified.Subject, verified.Audience, verified.Expiry,
			identity, pool, user.Expires)
	}
	fresh, err := oidc.NewProvider(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fresh.Verifier(&oidc.Config{ClientID: pool}).Verify(t.Context(), old); err != nil {
		t.Errorf("the old token after rotation: %v", err)
	}
}

func TestDocuments(t *testing.T) {
	i := start(t, config(stocked(t, time.Now()), nil))
	rotate(t, i)
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(i.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	for n, id := range []string{"us-east-1-2", "us-east-1-1"} {
		k := set.Keys[n]
		if modulus, _ := k["n"].(string); len(unb64(t, modulus)) != 256 {
			t.Errorf("%s: got a modulus of %d characters, want 256 bytes", id, len(modulus))
		}
		delete(k, "n")
		want := map[string]any{"kty": "RSA", "alg": "RS512", "use": "sig", "kid": id, "e": "AQAB"}
		if diff := cmp.Diff(want, k); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
	}
	var document map[string]any
	if err := json.Unmarshal(i.Discovery(), &document); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"issuer": self, "jwks_uri": self + "/.well-known/jwks_uri", "id_token_signing_alg_values_supported": []any{"RS512"},
		"response_types_supported": []any{"id_token"}, "subject_types_supported": []any{"public"},
	} {
		if !reflect.DeepEqual(document[name], want) {
			t.Errorf("%s: got %v, want %v", name, document[name], want)
		}
	}
}

func TestNewRefusesWhatIsMissing(t *testing.T) {
	for name, change := range map[string]func(*issuer.Config){
		"issuer": func(c *issuer.Config) { c.Issuer = "" }, "public URL": func(c *issuer.Config) { c.PublicURL = "" },
		"region": func(c *issuer.Config) { c.Region = "" }, "keys": func(c *issuer.Config) { c.Keys = nil },
		"rotation": func(c *issuer.Config) { c.Rotation = 0 },
	} {
		c := config(stocked(t, time.Now()), nil)
		change(&c)
		if _, err := issuer.New(t.Context(), c); err == nil {
			t.Errorf("%s missing: got no error", name)
		}
	}
}
