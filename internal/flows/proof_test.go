package flows_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/devidp"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/sts"
)

// world is a whole broker below HTTP: the real engine, prover and STS.
type world struct {
	flows *flows.Service
	sts   *sts.Builtin
	store *store.Store
	pools []string
	// tokens of each user.
	tokens []string
}

const users = 4

var issuerKey = sync.OnceValues(func() (*devidp.Key, error) { return devidp.LoadOrCreateKey("") })

func newWorld(t *rapid.T) *world {
	ctx := context.Background()
	key, err := issuerKey()
	must(t, err)
	w := &world{}
	for n := range users {
		token, err := key.Mint(devidp.TokenRequest{Issuer: "http://idp.example", User: fmt.Sprint("user", n), Audience: "app", TTL: time.Hour, Now: time.Now()})
		must(t, err)
		w.tokens = append(w.tokens, token)
	}
	prover, err := logins.New(logins.Config{Providers: []logins.Provider{{
		Name: "idp.example", Issuer: "http://idp.example", ClientIDs: []string{"app"},
		Keys: func(context.Context) ([]byte, error) { return key.JWKS(), nil },
	}}})
	must(t, err)
	w.store, err = store.Open(ctx, store.InMemory)
	must(t, err)
	w.sts, err = sts.NewBuiltin(sts.BuiltinConfig{Keys: [][]byte{[]byte("0123456789abcdef0123456789abcdef")}, AccountID: "000000000000"})
	must(t, err)
	engine, err := embedded.New(ctx, embedded.Config{Store: w.store, Prover: prover, STS: w.sts, AccountID: "000000000000"})
	must(t, err)
	for n := range 2 {
		id := fmt.Sprintf("us-east-1:00000000-0000-4000-8000-%012d", n)
		w.pools = append(w.pools, id)
		must(t, engine.ApplyPools(ctx, []rules.Pool{{
			ID: id, AllowGuests: true, OIDCProviderARNs: []string{"arn:aws:iam::000000000000:oidc-provider/idp.example"},
			Roles: rules.Roles{Authenticated: "arn:aws:iam::000000000000:role/a", Unauthenticated: "arn:aws:iam::000000000000:role/u"},
		}}))
	}
	memory, err := cache.NewMemory(1000, nil)
	must(t, err)
	t.Cleanup(func() { memory.Close(); w.store.Close() })
	w.flows = flows.New(flows.Config{
		Next: engine, Prover: prover, Directory: engine, Memory: memory, Epochs: cache.NewEpochs(),
		Names: cache.NewNamer(nil), Observer: nobody{}, Timeout: 10 * time.Second,
	})
	return w
}

func must(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// op is one request: user -1 comes without a login; slot is a shared list of
// identities that anyone may name.
type op struct {
	kind             string
	user, pool, slot int
}

// seen is what became of identities: when a login was linked to a guest, by the
// order in which requests ended and began.
type seen struct {
	mu     sync.Mutex
	ids    []string
	linked map[string]int64 // identity → moment at which a linking call had answered
	owner  map[string]int   // identity → user
}

// Under random concurrent interleavings of users, pools, logins, guests and
// fences nobody receives credentials of an identity whose login, or guest id, he
// did not present.
func TestNobodyReceivesWhatHeDidNotProve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) op {
			return op{
				kind: rapid.SampledFrom([]string{"guest", "getid", "ask", "ask", "ask", "ask", "fence", "grant"}).Draw(t, "kind"),
				user: rapid.IntRange(-1, users-1).Draw(t, "user"), pool: rapid.IntRange(0, 1).Draw(t, "pool"), slot: rapid.IntRange(0, 5).Draw(t, "slot"),
			}
		}), 10, 60).Draw(t, "ops")
		w := newWorld(t)
		s := &seen{linked: map[string]int64{}, owner: map[string]int{}}
		var clock atomic.Int64
		var complaints []string
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() {
				for n := worker; n < len(ops); n += 4 {
					if c := w.do(ops[n], s, &clock); c != "" {
						s.mu.Lock()
						complaints = append(complaints, c)
						s.mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		if len(complaints) > 0 {
			t.Fatal(complaints)
		}
	})
}

func (w *world) logins(user int) map[string]string {
	if user < 0 {
		return nil
	}
	return map[string]string{"idp.example": w.tokens[user]}
}

func (w *world) do(o op, s *seen, clock *atomic.Int64) (complaint string) {
	ctx := context.Background()
	began := clock.Add(1)
	switch o.kind {
	case "guest", "getid":
		if o.kind == "guest" {
			o.user = -1
		}
		out, err := w.flows.GetId(ctx, &cognitoidentity.GetIdInput{IdentityPoolId: &w.pools[o.pool], Logins: w.logins(o.user)})
		if err != nil {
			return "GetId: " + err.Error()
		}
		s.note(*out.IdentityId)
	case "grant":
		g, err := w.flows.Grant(ctx, flows.GrantRequest{Pool: w.pools[o.pool], Logins: w.logins(o.user)})
		if err != nil {
			return "" // a race of two first logins may be refused; being served wrongly may not
		}
		s.note(g.IdentityID)
		return w.judge(o, g.IdentityID, g.Credentials.AccessKeyID, g.Credentials.SessionToken, "", began, s, clock)
	case "fence":
		if id := s.pick(o.slot); id != "" {
			w.flows.Fence(cache.IdentityScope(id))
		}
		w.flows.Fence(cache.PoolScope(w.pools[o.pool]))
	case "ask":
		id := s.pick(o.slot)
		if id == "" {
			return ""
		}
		out, err := w.flows.GetCredentialsForIdentity(ctx, &cognitoidentity.GetCredentialsForIdentityInput{IdentityId: aws.String(id), Logins: w.logins(o.user)})
		if err != nil {
			return ""
		}
		return w.judge(o, *out.IdentityId, *out.Credentials.AccessKeyId, *out.Credentials.SessionToken, id, began, s, clock)
	}
	return ""
}

// judge looks into the session that was handed out: whose it is decides, not
// what the answer says.
func (w *world) judge(o op, answered, key, token, asked string, began int64, s *seen, clock *atomic.Int64) string {
	session, err := w.sts.Open(key, token)
	if err != nil {
		return "the session does not open: " + err.Error()
	}
	// A user may be answered with an identity that he owns, into which the one that
	// he asked for was merged.
	if session.Subject != answered || (asked != "" && session.Subject != asked && o.user < 0) {
		return fmt.Sprintf("asked for %s, was answered %s with a session of %s", asked, answered, session.Subject)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.user < 0 {
		if slices.Contains(session.AMR, "authenticated") {
			return "a guest received a user's session of " + session.Subject
		}
		if at, ok := s.linked[session.Subject]; ok && at < began {
			return "a guest's session of " + session.Subject + " was served after its sign-in had been answered"
		}
		return ""
	}
	if owner, ok := s.owner[session.Subject]; ok && owner != o.user {
		return fmt.Sprintf("user %d received the session of user %d", o.user, owner)
	}
	if !slices.Contains(session.AMR, "authenticated") {
		return "a user received a guest's session"
	}
	s.owner[session.Subject] = o.user
	for _, id := range []string{session.Subject, asked} { // asked is no guest's any more, linked or merged
		if _, ok := s.linked[id]; !ok {
			s.linked[id] = clock.Add(1)
		}
	}
	return ""
}

func (s *seen) note(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ids) < 6 && !slices.Contains(s.ids, id) {
		s.ids = append(s.ids, id)
	}
}

func (s *seen) pick(slot int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slot >= len(s.ids) {
		return ""
	}
	return s.ids[slot]
}
