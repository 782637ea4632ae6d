package main

import (
	"context"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// tallied stands before the upstream broker and counts what reaches it.
type tallied struct {
	behind http.Handler
	mu     sync.Mutex
	calls  map[string]int // by operation
}

func (c *tallied) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	c.mu.Lock()
	c.calls[operation]++ // those of STS have no name
	c.mu.Unlock()
	c.behind.ServeHTTP(w, r)
}

// exchanges is how many calls came that exchanges are made of.
func (c *tallied) exchanges() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for operation, calls := range c.calls {
		if operation != "GetId" && !strings.HasPrefix(operation, "Describe") {
			n += calls
		}
	}
	return n
}

// somebody is a user with an identity.
type somebody struct {
	name, id      string
	login, second map[string]string // of two providers; a guest has none
}

// outage is brokers on a Redis that fails, in front of one on the engine.
type outage struct {
	*testing.T
	engine  *instance
	proxy   *faultProxy // between them
	tallied *tallied
	brokers []*instance
	idp     *idptest.Issuer // of second logins
	people  []somebody
	guests  []somebody
	missed  sync.Map // how questions were answered that were no hits, by name
}

// newOutage starts brokers on a Redis, which is a part of their configuration.
func newOutage(t *testing.T, redis string) *outage {
	t.Helper()
	o := &outage{T: t, idp: idptest.Start(t), tallied: &tallied{calls: map[string]int{}}}
	o.engine = startBroker(t, []string{o.idp.URL}, "limits: {guests: {per_minute: 0}, exchanges: {per_minute: 0}, refused_changes: {per_minute: 0}}\n")
	o.proxy = startProxy(t, o.engine.url)
	o.tallied.behind, o.proxy.behind = o.proxy.behind, o.tallied
	shared := "cache: {redis: {" + redis + ", keys: ['" + base64Key() + "'], name_key: '" + base64Key() + "'}}\n"
	for range 3 {
		b := startUpstream(t, o.engine, o.proxy.url, shared+"limits: {guests: {per_minute: 0}, exchanges: {per_minute: 0}, refused_changes: {per_minute: 0}}\n", o.idp.URL)
		b.behind = o.engine
		o.brokers = append(o.brokers, b)
	}
	for _, b := range o.brokers {
		o.ready(b, "")
	}
	for i := range 8 {
		o.people = append(o.people, o.meet(fmt.Sprint("person ", i)))
		o.guests = append(o.guests, o.meet(""))
	}
	return o
}

// meet makes a user, or a guest without a name, whom the brokers have not met.
func (o *outage) meet(name string) somebody {
	o.Helper()
	p := somebody{name: name}
	if name != "" {
		p.login = o.engine.login(o.T, name)
		p.second = map[string]string{o.idp.Name(): o.idp.Token(idptest.Claims{"sub": name})}
	}
	id, err := o.any().getID(o.Context(), demoPool, p.login)
	if err != nil {
		o.Fatal(err)
	}
	p.id = id
	return p
}

// ready waits until a broker says of Redis what is wrong; empty: nothing.
func (o *outage) ready(b *instance, reason string) {
	o.Helper()
	want := `{"reasons":[],"status":"ok"}`
	if reason != "" {
		want = `{"reasons":[{"part":"redis","reason":"` + reason + `"}],"status":"degraded"}`
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for last := ""; ; <-tick.C {
		a := b.send(o.T, http.MethodGet, "/readyz", "")
		if a.status != http.StatusOK {
			o.Fatalf("/readyz: got %d %s, want a broker that stays in service", a.status, a.body)
		}
		if last = string(a.body); last == want {
			return
		}
		if o.Context().Err() != nil {
			o.Fatalf("/readyz: got %s, want %s", last, want)
		}
	}
}

// any is one of the brokers.
func (o *outage) any() *instance { return o.brokers[mathrand.N(len(o.brokers))] }

// token is asked of a broker, and never kept. It tells the broker the identity's pool.
func (p somebody) token(b *instance) question {
	return b.onWire("token", "GetOpenIdToken", map[string]any{"IdentityId": p.id, "Logins": p.login})
}

// questions are what apps and backends ask that is kept, each of some broker.
func (o *outage) questions(p somebody) []question {
	named := map[string]any{"IdentityId": p.id}
	if p.login == nil {
		return []question{
			o.any().onWire("guest", "GetCredentialsForIdentity", named),
			o.any().onREST("guest", "credentials", map[string]any{"identityId": p.id}),
		}
	}
	named["Logins"] = p.login
	rest := map[string]any{"identityId": p.id, "logins": p.login}
	return []question{
		o.any().onWire("enhanced", "GetCredentialsForIdentity", named),
		o.any().onWire("GetId", "GetId", map[string]any{"IdentityPoolId": demoPool, "Logins": p.login}),
		o.any().onREST("enhanced", "credentials", rest),
		o.any().onREST("enhanced, by login alone", "credentials", map[string]any{"logins": p.login}),
		o.any().onREST("classic", "credentials", map[string]any{"identityId": p.id, "logins": p.login, "flow": "classic", "roleArn": authRole}),
		o.any().onREST("developer", "developer/credentials", map[string]any{"userIdentifier": p.name}, bearer(backendAPIKey)...),
	}
}

// newcomer signs up at one broker and goes on at another, as a guest or with a login.
func (o *outage) newcomer(ctx context.Context, login map[string]string) error {
	input := map[string]any{"IdentityPoolId": demoPool}
	if login != nil {
		input["Logins"] = login
	}
	var out struct{ IdentityId string }
	if err := o.answer(ctx, o.any(), "GetId", input, &out); err != nil {
		return err
	}
	input = map[string]any{"IdentityId": out.IdentityId}
	if login != nil {
		input["Logins"] = login
	}
	return o.answer(ctx, o.any(), "GetCredentialsForIdentity", input, &out)
}

// answer asks a broker on the wire for what must be answered.
func (o *outage) answer(ctx context.Context, b *instance, operation string, input map[string]any, out any) error {
	body, err := json.Marshal(input)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+"/", strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityService."+operation)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var raw json.RawMessage
	if err := json.NewDecoder(response.Body).Decode(&raw); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: got %d %s, want 200", operation, response.StatusCode, codeIn(string(raw)))
	}
	return json.Unmarshal(raw, out)
}

// traffic is what apps ask all the time; nothing of it may fail.
type traffic struct {
	outage *outage
	stop   context.CancelFunc
	all    sync.WaitGroup
	asked  atomic.Int64
	mu     sync.Mutex
	failed map[string]int
}

// load begins traffic.
func (o *outage) load() *traffic {
	ctx, stop := context.WithCancel(context.Background())
	t := &traffic{outage: o, stop: stop, failed: map[string]int{}}
	known := append(append([]somebody{}, o.people...), o.guests...)
	for range 4 {
		t.repeat(ctx, func() error {
			p := known[mathrand.N(len(known))]
			all := append(o.questions(p), p.token(o.any()))
			q := all[mathrand.N(len(all))]
			r, err := q.ask(ctx)
			if err == nil && r.status != http.StatusOK {
				err = fmt.Errorf("%s: got %+v, want 200", q.name, r)
			}
			return err
		})
	}
	var n atomic.Int64
	t.repeat(ctx, func() error {
		if n.Add(1)%2 == 0 {
			return o.newcomer(ctx, nil)
		}
		return o.newcomer(ctx, o.engine.login(o.T, fmt.Sprint("newcomer ", n.Load())))
	})
	return t
}

func (t *traffic) repeat(ctx context.Context, ask func() error) {
	t.all.Go(func() {
		for ctx.Err() == nil {
			err := ask()
			if ctx.Err() != nil {
				return // cut off by the end
			}
			t.asked.Add(1)
			if err != nil {
				t.mu.Lock()
				t.failed[err.Error()]++
				t.mu.Unlock()
			}
			pause(ctx, mathrand.N(10*time.Millisecond))
		}
	})
}

// end ends the traffic and holds it against what it must be.
func (t *traffic) end() {
	t.outage.Helper()
	t.stop()
	t.all.Wait()
	for what, n := range t.failed {
		t.outage.Errorf("%d times: %s", n, what)
	}
	t.outage.Logf("%d requests of apps", t.asked.Load())
	if t.asked.Load() < 50 {
		t.outage.Error("got hardly a request: it shows nothing")
	}
}

// last lets traffic go on until n more requests were answered.
func (t *traffic) last(n int64) {
	until := t.asked.Load() + n
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for t.asked.Load() < until && t.outage.Context().Err() == nil {
		<-tick.C
	}
}
