package flows_test

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/sts"
)

const (
	pool = "us-east-1:00000000-0000-4000-8000-000000000001"
	user = "us-east-1:11111111-1111-4111-8111-111111111111"
	idp  = "idp.example"
	idp2 = "idp2.example"

	amazon    = "www.amazon.com"
	userPool  = "cognito-idp.us-east-1.amazonaws.com/us-east-1_abc"
	newerPool = "issuer-" + userPool
	office    = "arn:aws:iam::000000000000:saml-provider/office"

	role = "arn:aws:iam::000000000000:role/a"
)

// backend is the service behind flows: it grants life to all, or fails.
type backend struct {
	cognito.API // what a test does not expect to be called
	exchanges   atomic.Int32
	ids         atomic.Int32
	mu          sync.Mutex
	life        time.Duration
	slow        time.Duration
	fail        func(token string) error
	answered    string // identity to answer with, instead of the asked one
	developers  []ci.GetOpenIdTokenForDeveloperIdentityInput
	before      func(operation string) // runs within each change, before it
	changes     error                  // outcome of each change
	within      func()                 // runs within each GetId
	refuseID    func(id string) error  // outcome of exchanges by identity
	pool        settings
}

func (b *backend) set(f func(*backend)) { b.mu.Lock(); f(b); b.mu.Unlock() }

// refuse fails every call with that token.
func (b *backend) refuse(token string, err error) {
	b.set(func(b *backend) {
		b.fail = func(got string) error {
			if got == token {
				return err
			}
			return nil
		}
	})
}

func (b *backend) GetId(_ context.Context, in *ci.GetIdInput, _ ...func(*ci.Options)) (*ci.GetIdOutput, error) {
	b.mu.Lock()
	fail, within := b.fail, b.within
	b.mu.Unlock()
	if within != nil {
		within()
	}
	if fail != nil {
		if err := fail(login(in.Logins)); err != nil {
			return nil, err
		}
	}
	return &ci.GetIdOutput{
		IdentityId: aws.String(fmt.Sprintf("us-east-1:%08x-0000-4000-8000-000000000000", b.ids.Add(1))),
	}, nil
}

func (b *backend) GetCredentialsForIdentity(
	ctx context.Context, in *ci.GetCredentialsForIdentityInput, _ ...func(*ci.Options),
) (*ci.GetCredentialsForIdentityOutput, error) {
	n := b.exchanges.Add(1)
	b.mu.Lock()
	life, slow, fail, id, refuseID := b.life, b.slow, b.fail, b.answered, b.refuseID
	b.mu.Unlock()
	if refuseID != nil {
		if err := refuseID(*in.IdentityId); err != nil {
			return nil, err
		}
	}
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if fail != nil {
		if err := fail(login(in.Logins)); err != nil {
			return nil, err
		}
	}
	if id == "" {
		id = *in.IdentityId
	}
	b.mu.Lock()
	role := b.pool.role
	b.mu.Unlock()
	return &ci.GetCredentialsForIdentityOutput{
		IdentityId: aws.String(id),
		Credentials: &types.Credentials{
			AccessKeyId: aws.String(fmt.Sprint("key", n)), SecretKey: aws.String("s"), SessionToken: aws.String(sessionOf(role)),
			Expiration: aws.Time(time.Now().Add(life)),
		},
	}, nil
}

// stating is a token that nobody here can prove and that states an expiry.
func stating(life time.Duration) string {
	claims := fmt.Sprintf(`{"exp":%d}`, time.Now().Add(life).Unix())
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

// change is what a call that may change something does beside answering.
func (b *backend) change(operation string) error {
	b.mu.Lock()
	before, outcome := b.before, b.changes
	b.mu.Unlock()
	if before != nil {
		before(operation)
	}
	return outcome
}

// login is the one token of a call, or "".
func login(tokens map[string]string) string {
	for _, token := range tokens {
		return token
	}
	return ""
}

// tokenOf is a token of the backend's own that reader reads.
func tokenOf(pool, id string, amr ...string) string {
	return strings.Join(append([]string{"own", pool, id}, amr...), "|")
}

func (b *backend) GetOpenIdToken(
	_ context.Context, in *ci.GetOpenIdTokenInput, _ ...func(*ci.Options),
) (*ci.GetOpenIdTokenOutput, error) {
	b.mu.Lock()
	fail, id, refuseID := b.fail, b.answered, b.refuseID
	b.mu.Unlock()
	if err := b.change("GetOpenIdToken"); err != nil {
		return nil, err
	}
	if refuseID != nil {
		if err := refuseID(*in.IdentityId); err != nil {
			return nil, err
		}
	}
	if fail != nil {
		if err := fail(login(in.Logins)); err != nil {
			return nil, err
		}
	}
	if id == "" {
		id = *in.IdentityId
	}
	return &ci.GetOpenIdTokenOutput{IdentityId: aws.String(id), Token: aws.String(tokenOf(pool, id, "authenticated"))}, nil
}

// GetOpenIdTokenForDeveloperIdentity has one identity for all users that come
// without one.
func (b *backend) GetOpenIdTokenForDeveloperIdentity(
	_ context.Context, in *ci.GetOpenIdTokenForDeveloperIdentityInput, _ ...func(*ci.Options),
) (*ci.GetOpenIdTokenForDeveloperIdentityOutput, error) {
	id := user
	if in.IdentityId != nil {
		id = *in.IdentityId
	}
	b.mu.Lock()
	b.developers = append(b.developers, *in)
	b.mu.Unlock()
	if err := b.change("GetOpenIdTokenForDeveloperIdentity"); err != nil {
		return nil, err
	}
	return &ci.GetOpenIdTokenForDeveloperIdentityOutput{
		IdentityId: aws.String(id), Token: aws.String(tokenOf(pool, id, "authenticated")),
	}, nil
}

func (b *backend) UnlinkIdentity(
	context.Context, *ci.UnlinkIdentityInput, ...func(*ci.Options),
) (*ci.UnlinkIdentityOutput, error) {
	return &ci.UnlinkIdentityOutput{}, b.change("UnlinkIdentity")
}

func (b *backend) UnlinkDeveloperIdentity(
	context.Context, *ci.UnlinkDeveloperIdentityInput, ...func(*ci.Options),
) (*ci.UnlinkDeveloperIdentityOutput, error) {
	return &ci.UnlinkDeveloperIdentityOutput{}, b.change("UnlinkDeveloperIdentity")
}

func (b *backend) DeleteIdentities(
	context.Context, *ci.DeleteIdentitiesInput, ...func(*ci.Options),
) (*ci.DeleteIdentitiesOutput, error) {
	return &ci.DeleteIdentitiesOutput{}, b.change("DeleteIdentities")
}

// AssumeRoleWithWebIdentity counts as an exchange; the session tells its
// duration by when it ends.
func (b *backend) AssumeRoleWithWebIdentity(_ context.Context, r sts.Request) (*sts.Response, error) {
	n := b.exchanges.Add(1)
	b.mu.Lock()
	life := b.life
	b.mu.Unlock()
	if r.Duration != 0 {
		life = r.Duration
	}
	return &sts.Response{Credentials: sts.Credentials{
		AccessKeyID: fmt.Sprint("key", n), SecretAccessKey: "s", SessionToken: "t", Expiration: time.Now().Add(life),
	}}, nil
}

// reader reads what tokenOf wrote.
type reader struct{}

func (reader) ReadToken(token string) (*cognito.Token, error) {
	parts := strings.Split(token, "|")
	if parts[0] != "own" || len(parts) < 3 {
		return nil, cognito.NotAuthorized("no token of ours")
	}
	said := &cognito.Token{Pool: parts[1], Identity: parts[2], AMR: parts[3:], Expires: time.Now().Add(10 * time.Minute)}
	if last := len(said.AMR) - 1; last >= 0 && strings.HasPrefix(said.AMR[last], "team=") {
		said.Tags, said.AMR = map[string]string{"team": said.AMR[last]}, said.AMR[:last]
	}
	return said, nil
}

// prover takes a token for its subject's name, and what follows an @ for the client; with a
// plus in it, for two that a pool may list.
type prover struct{}

func (prover) Known(provider string) bool {
	switch loginkey.Normal(provider) {
	case idp, idp2, amazon, userPool, office:
		return true
	}
	return false
}

func (prover) Prove(_ context.Context, provider, token string) (*logins.Proof, error) {
	switch token {
	case "bad":
		return nil, &logins.Refused{Message: "bad"}
	case "down":
		return nil, &logins.Unavailable{Provider: provider}
	}
	_, client, _ := strings.Cut(token, "@")
	client = cmp.Or(client, "web-app")
	audience := strings.Split(client, "+")
	return &logins.Proof{
		Provider: loginkey.Normal(provider), Subject: token[:1], ClientID: audience[0], Audience: audience,
	}, nil
}

// directory knows one pool, of which all identities are but those in places;
// those in guests are guests. Logins belong to whoever an answer said.
type directory struct {
	guests sync.Map
	places sync.Map // pool by identity; "": not known
	owners sync.Map // identity by provider and subject
	// looked runs after each look for owners.
	looked func()
}

func (d *directory) Owners(_ context.Context, _, provider, subject string) ([]string, error) {
	id, ok := d.owners.Load(provider + " " + subject)
	if d.looked != nil {
		d.looked()
	}
	if !ok {
		return nil, nil
	}
	return []string{id.(string)}, nil
}

func (d *directory) Owns(_, provider, subject, id string) { d.owners.Store(provider+" "+subject, id) }

func (d *directory) Disowns(provider, subject, id string) {
	d.owners.CompareAndDelete(provider+" "+subject, id)
}

func (d *directory) Identity(_ context.Context, id string) (string, bool, bool, error) {
	_, guest := d.guests.Load(id)
	if elsewhere, ok := d.places.Load(id); ok {
		return elsewhere.(string), guest, elsewhere != "", nil
	}
	return pool, guest, true, nil
}

func (*directory) Matters(string, string, string) bool { return false }

type noObserver struct{}

func (noObserver) Lookup(string, string)         {}
func (noObserver) Exchange(string, string)       {}
func (noObserver) Flight(string)                 {}
func (noObserver) FlightWait(time.Duration)      {}
func (noObserver) Renewal(string)                {}
func (noObserver) Queue(int, int, time.Duration) {}
func (noObserver) Remaining(time.Duration)       {}

type rig struct {
	*flows.Service
	backend   *backend
	directory *directory
	clients   sync.WaitGroup // who occupy places
	t         *testing.T
}

func newRig(t *testing.T) *rig {
	t.Helper()
	memory, err := cache.NewMemory(1000, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(memory.Close)
	r := &rig{backend: &backend{life: time.Hour}, directory: &directory{}, t: t}
	r.Service = flows.New(flows.Config{
		Next: r.backend, STS: r.backend, Prover: prover{}, Tokens: reader{}, Directory: r.directory, Memory: memory,
		Epochs: cache.NewEpochs(),
		Names:  cache.NewNamer(nil), Floors: flows.Floors{Default: 20 * time.Minute}, Observer: noObserver{},
		DeveloperNames: map[string]string{pool: "login.example"}, RenewIdle: 20 * time.Minute,
		Timeout: 15 * time.Second, MaxExchanges: 8, Random: func() float64 { return 0.5 },
	})
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	return r
}

func (r *rig) ask(id, token string, info *flows.CallInfo) (string, error) {
	var tokens map[string]string
	if token != "" {
		tokens = map[string]string{idp: token}
	}
	return r.askWith(info, id, tokens)
}

// askAll asks with any logins.
func (r *rig) askAll(id string, tokens map[string]string) (string, error) {
	return r.askWith(&flows.CallInfo{}, id, tokens)
}

func (r *rig) askWith(info *flows.CallInfo, id string, tokens map[string]string) (string, error) {
	in := &ci.GetCredentialsForIdentityInput{IdentityId: aws.String(id), Logins: tokens}
	out, err := r.GetCredentialsForIdentity(flows.WithCallInfo(r.t.Context(), info), in)
	if err != nil {
		return "", err
	}
	return *out.Credentials.AccessKeyId, nil
}

// guest asks for the identity without a login and compares the credentials.
func (r *rig) guest(key string) {
	r.t.Helper()
	if got, err := r.ask(user, "", &flows.CallInfo{}); got != key || err != nil {
		r.t.Errorf("guest: got %s %v, want %s", got, err, key)
	}
}

// want asks and compares the credentials and where they came from.
func (r *rig) want(key string, outcome flows.Outcome, info flows.CallInfo) {
	r.t.Helper()
	got, err := r.ask(user, "a1", &info)
	if err != nil || got != key || info.Outcome != outcome {
		r.t.Errorf("got %s %s %v, want %s %s", got, info.Outcome, err, key, outcome)
	}
}

// occupy takes n places among the calls to the backend. Within a bubble.
func (r *rig) occupy(n int) {
	for i := range n {
		id := fmt.Sprintf("us-east-1:%08x-1111-4111-8111-111111111111", i+1)
		r.clients.Go(func() { _, _ = r.ask(id, "a", &flows.CallInfo{}) })
	}
	synctest.Wait()
}

// Settled waits for those who occupy places, and for what goes on behind clients.
func (r *rig) Settled() {
	r.clients.Wait()
	r.Service.AwaitBackground()
}

func ptr[T any](v T) *T { return &v }

func newMemo(t *testing.T) *cache.Memo {
	t.Helper()
	memo, err := cache.NewMemo(100, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(memo.Close)
	return memo
}

// fence ends what is cached for the scopes.
func (r *rig) fence(scopes ...cache.Scope) {
	if err := r.Fence(context.Background(), scopes...); err != nil {
		r.t.Error(err)
	}
}

// wantOutcome asks as the user does, and wants an outcome, whatever the credentials are.
func (r *rig) wantOutcome(want flows.Outcome) {
	r.t.Helper()
	info := flows.CallInfo{}
	if _, err := r.ask(user, "a1", &info); err != nil || info.Outcome != want {
		r.t.Errorf("got %s %v, want %s", info.Outcome, err, want)
	}
}
