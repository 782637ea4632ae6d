package flows_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

const (
	slots   = 3
	workers = 4
)

// op is one request. User -1 comes without a login; slot is of a shared list of
// identities that anyone may name, unless id is given; way chooses among the user's
// logins.
type op struct {
	kind, id              string
	user, pool, slot, way int
}

// kinds are the requests, the frequent ones often.
var kinds = []string{
	"guest", "getid", "ask", "ask", "ask", "ask", "ask", "ask", "ask", "ask", "grant", "classic", "classic", "token",
	"spend", "spend", "link",
	"unlink", "unlink", "roles", "fence", "developer token", "developer token of", "developer", "developer",
	"developer of", "developer of", "developer with a login",
	"unlink developer", "a life",
}

// Under random concurrent interleavings of users, pools, logins, guests,
// developer users, links, unlinks, settings and fences nobody receives credentials
// of an identity whose login, or guest id, he did not present; what an unlinked
// login, a guest's time or a pool's former roles brought is served to nobody who
// asked after the change had been answered; the classic flow brings the role that
// was asked for.
func TestNobodyReceivesWhatHeDidNotProve(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ops := drawOps(t)
		w := newWorld(t)
		var mu sync.Mutex
		var complaints []string
		var wg sync.WaitGroup
		for worker := range workers {
			wg.Go(func() {
				for _, o := range ops[worker*len(ops)/workers : (worker+1)*len(ops)/workers] {
					if c := w.do(o); c != "" {
						mu.Lock()
						complaints = append(complaints, o.kind+": "+c)
						mu.Unlock()
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

// drawOps draws requests, of which most are about the same as the one before. All
// choices are equally likely, unlike those of rapid's own generators.
func drawOps(t *rapid.T) []op {
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	ops := make([]op, 80)
	for n := range ops {
		if n > 0 && random.IntN(4) > 0 {
			ops[n] = ops[n-1]
		} else {
			ops[n] = op{user: random.IntN(users+1) - 1, pool: random.IntN(2), slot: random.IntN(slots), way: random.IntN(3)}
		}
		ops[n].kind = kinds[random.IntN(len(kinds))]
		if random.IntN(8) == 0 {
			ops[n].user = -1
		}
	}
	return ops
}

// logins are the tokens that a request comes with, and what they prove.
func (w *world) logins(o op) (tokens map[string]string, proof string) {
	if o.user < 0 {
		return nil, ""
	}
	tokens = map[string]string{}
	for n, provider := range providers {
		if o.way == n || o.way == len(providers) {
			tokens[provider] = w.tokens[provider][o.user]
			proof += provider + " "
		}
	}
	return tokens, proof
}

func (w *world) do(o op) (complaint string) {
	ctx := flows.WithCallInfo(context.Background(), &flows.CallInfo{})
	switch o.kind {
	case "guest", "getid":
		return w.getID(ctx, o)
	case "ask", "grant", "classic", "spend":
		return w.ask(ctx, o)
	case "token":
		return w.token(ctx, o)
	case "link":
		return w.link(ctx, o)
	case "unlink", "unlink developer":
		return w.unlink(ctx, o)
	case "roles":
		return w.setRoles(ctx, o)
	case "a life":
		return w.live(ctx, o)
	case "fence":
		w.fence(cache.IdentityScope(w.pick(o)))
		w.fence(cache.PoolScopes(w.pools[o.pool])...)
		return ""
	}
	return w.developer(ctx, o)
}

// live is what apps do with an identity from its beginning to its end, while others
// use it too: a guest asks, signs in somehow, asks as before; a user asks, unlinks
// his login, asks as before.
func (w *world) live(ctx context.Context, o op) string {
	guest, err := w.flows.GetId(ctx, &ci.GetIdInput{IdentityPoolId: &w.pools[o.pool]})
	if err != nil {
		return err.Error()
	}
	w.note(*guest.IdentityId)
	o.id = *guest.IdentityId
	signIn := []string{"ask", "developer of", "developer token of", "link", "token"}[(o.slot+o.way)%5]
	for _, step := range []struct {
		kind  string
		guest bool
	}{
		{"ask", true}, {signIn, false}, {"ask", true}, {"ask", false}, {"spend", false}, {"unlink", false},
		{"ask", false}, {"spend", false},
	} {
		next := o
		if next.kind = step.kind; step.guest {
			next.user = -1
		}
		if c := w.do(next); c != "" {
			return step.kind + " in " + c
		}
	}
	return ""
}

func (w *world) getID(ctx context.Context, o op) string {
	if o.kind == "guest" {
		o.user = -1
	}
	tokens, _ := w.logins(o)
	out, err := w.flows.GetId(ctx, &ci.GetIdInput{IdentityPoolId: &w.pools[o.pool], Logins: tokens})
	if err != nil {
		if len(tokens) < 2 { // a race of two logins may be refused
			return err.Error()
		}
		return ""
	}
	w.note(*out.IdentityId)
	if o.user < 0 {
		return ""
	}
	return w.own(o.user, *out.IdentityId)
}

// ask asks for credentials by every way that holds the lock of to them. Being refused is
// right or wrong as the engine's own tests say; being served wrongly is judged.
func (w *world) ask(ctx context.Context, o op) string {
	tokens, proof := w.logins(o)
	a := handed{user: o.user, proof: proof, began: w.clock.Add(1)}
	request := flows.GrantRequest{Pool: w.pools[o.pool], Logins: tokens}
	switch o.kind {
	case "grant":
	case "classic":
		request.IdentityID, a.role = w.pick(o), chosen[o.pool]
		request.Pool = w.poolOf(request.IdentityID, request.Pool)
		request.Classic = &flows.Classic{RoleARN: a.role}
	case "spend", "ask":
		if a.asked = w.pick(o); o.kind == "spend" && !w.spending(o, &a, &tokens) || a.asked == "" {
			return ""
		}
		out, err := w.flows.GetCredentialsForIdentity(
			ctx, &ci.GetCredentialsForIdentityInput{IdentityId: &a.asked, Logins: tokens},
		)
		if err != nil {
			return ""
		}
		a.identity, a.key, a.token = *out.IdentityId, *out.Credentials.AccessKeyId, *out.Credentials.SessionToken
		return w.judge(a)
	}
	a.asked = request.IdentityID
	g, err := w.flows.Grant(ctx, request)
	return w.granted(a, g, err)
}

func (w *world) granted(a handed, g *flows.Grant, err error) string {
	if err != nil {
		return ""
	}
	w.note(g.IdentityID)
	a.identity, a.key, a.token = g.IdentityID, g.Credentials.AccessKeyID, g.Credentials.SessionToken
	return w.judge(a)
}

func (w *world) poolOf(id, otherwise string) string {
	if pool, _, ok, _ := w.engine.Identity(context.Background(), id); ok {
		return pool
	}
	return otherwise
}

// spending permits a request into one with a token that somebody earned before, for
// its identity or for the one of the slot.
func (w *world) spending(o op, a *handed, tokens *map[string]string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.spend) == 0 {
		return false
	}
	s := w.spend[(o.slot+o.way)%len(w.spend)]
	*tokens = map[string]string{cognito.PassThrough: s.token}
	a.user, a.proof = s.user, s.proof
	if o.way < 2 {
		a.asked = s.identity
	}
	return true
}

func (w *world) earn(s spendable) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spend = append(w.spend, s)
}

func (w *world) token(ctx context.Context, o op) string {
	id := w.pick(o)
	if id == "" || o.user < 0 {
		return ""
	}
	tokens, proof := w.logins(o)
	out, err := w.flows.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: tokens})
	if err != nil {
		return ""
	}
	w.earn(spendable{o.user, *out.IdentityId, *out.Token, proof})
	return w.own(o.user, *out.IdentityId, id)
}

func (w *world) link(ctx context.Context, o op) string {
	id := w.pick(o)
	tokens, _ := w.logins(o)
	if id == "" || o.user < 0 {
		return ""
	}
	linked, err := w.flows.Link(ctx, w.poolOf(id, ""), id, tokens)
	if err != nil {
		return ""
	}
	return w.own(o.user, linked, id)
}

// unlink takes one login from an identity, which itself or another proves, or a
// backend's user.
func (w *world) unlink(ctx context.Context, o op) string {
	id := w.pick(o)
	if o.kind == "unlink developer" { // of whichever identity the backend's user has
		id, _, _ = w.engine.Owner(ctx, w.pools[o.pool], developers, backendUser(o))
	}
	if id == "" || o.user < 0 {
		return ""
	}
	var done int64
	ctx = context.WithValue(ctx, happened{}, &done)
	tokens, _ := w.logins(o)
	gone := providers[o.way%len(providers)]
	proof, err := gone+" ", error(nil)
	if o.kind == "unlink" {
		_, err = w.flows.UnlinkIdentity(
			ctx, &ci.UnlinkIdentityInput{IdentityId: &id, Logins: tokens, LoginsToRemove: []string{gone}},
		)
	} else {
		proof = developers + backendUser(o)
		_, err = w.flows.UnlinkDeveloperIdentity(ctx, &ci.UnlinkDeveloperIdentityInput{
			IdentityId: &id, IdentityPoolId: aws.String(w.poolOf(id, "")), DeveloperProviderName: aws.String(developers),
			DeveloperUserIdentifier: aws.String(backendUser(o)),
		})
	}
	if err != nil {
		return ""
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone[id+" "+proof] = append(w.gone[id+" "+proof], unlinked{done: done, answered: w.clock.Add(1)})
	return ""
}

// setRoles gives a pool its next roles. One at a time, so that their order is
// known.
func (w *world) setRoles(ctx context.Context, o op) string {
	w.setting.Lock()
	defer w.setting.Unlock()
	id := w.pools[o.pool]
	version := len(w.roles[id]) + 1
	roles := map[string]string{
		"authenticated": roleOf("authenticated", version), "unauthenticated": roleOf("unauthenticated", version),
	}
	_, err := w.flows.SetIdentityPoolRoles(ctx, &ci.SetIdentityPoolRolesInput{IdentityPoolId: &id, Roles: roles})
	if err != nil {
		return err.Error()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.roles[id] = append(w.roles[id], w.clock.Add(1))
	return ""
}

// backendUser is a backend's name of a user, who has one for each way.
func backendUser(o op) string { return fmt.Sprint("user", o.user, ".", o.way) }

// developer asks as a backend does, for its own user. Where it names an identity,
// the user is linked to it.
func (w *world) developer(ctx context.Context, o op) string {
	if o.user < 0 {
		return ""
	}
	r := flows.DeveloperRequest{Pool: w.pools[o.pool], User: backendUser(o)}
	a := handed{user: o.user, proof: developers + r.User, began: w.clock.Add(1)}
	switch o.kind {
	case "developer of", "developer token of":
		if r.IdentityID = w.pick(o); r.IdentityID == "" {
			return ""
		}
		r.Pool = w.poolOf(r.IdentityID, r.Pool)
	case "developer with a login":
		r.Logins, a.proof = w.logins(o)
		a.proof += developers + r.User
	}
	a.asked = r.IdentityID
	if o.kind == "developer token" || o.kind == "developer token of" {
		t, err := w.flows.DeveloperToken(ctx, r)
		if err != nil {
			return ""
		}
		w.note(t.IdentityID)
		w.earn(spendable{o.user, t.IdentityID, t.Token, a.proof})
		return w.own(o.user, t.IdentityID, a.asked)
	}
	g, err := w.flows.DeveloperGrant(ctx, r)
	return w.granted(a, g, err)
}
