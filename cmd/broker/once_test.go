package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/redistest"
)

// counted stands before the upstream broker and counts its exchanges, each once
// however often the SDK tries. It holds the first of them until release, or until
// whoever asked is gone.
type counted struct {
	behind    http.Handler
	exchanges atomic.Int64
	met       sync.Map      // invocations of the SDK
	began     chan struct{} // closed by the first exchange
	release   chan struct{}
}

func (c *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.isNew(r) && c.exchanges.Add(1) == 1 {
		close(c.began)
		// Only what was read to its end tells that its sender is gone.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		select {
		case <-c.release:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	c.behind.ServeHTTP(w, r)
}

// isNew reports whether a request begins an exchange.
func (c *counted) isNew(r *http.Request) bool {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetCredentialsForIdentity") {
		return false
	}
	_, again := c.met.LoadOrStore(r.Header.Get("Amz-Sdk-Invocation-Id"), true)
	return !again
}

// union is three brokers on one Redis in front of a counted one.
type union struct {
	t        *testing.T
	upstream *counted
	brokers  []*instance
	idp      *idptest.Issuer
	client   *http.Client
}

func newUnion(t *testing.T) *union {
	t.Helper()
	u := &union{t: t, idp: idptest.Start(t), upstream: &counted{began: make(chan struct{}), release: make(chan struct{})}}
	engine := startBroker(t, []string{u.idp.URL}, "")
	proxy := startProxy(t, engine.url)
	u.upstream.behind, proxy.behind = proxy.behind, u.upstream
	redis := redistest.Single(t)
	for _, timeout := range []string{"DIAL", "READ", "WRITE"} { // on a busy machine
		engine.environ = append(engine.environ, "BROKER_CACHE__REDIS__"+timeout+"_TIMEOUT=10s")
	}
	sealed, named := base64Key(), base64Key()
	for range 3 {
		b := startUpstream(t, engine, proxy.url, redisYAML(redis.Addr(), sealed, named)+"limits: {request_timeout: 60s}\n", u.idp.URL)
		b.behind = engine
		u.brokers = append(u.brokers, b)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 1000}
	t.Cleanup(transport.CloseIdleConnections)
	u.client = &http.Client{Transport: transport}
	return u
}

// call sends an operation to a broker and calls sent when it is on its way. It
// tells the members of the answer.
func (u *union) call(b *instance, operation string, in any, sent func()) (map[string]any, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	ctx := httptrace.WithClientTrace(context.WithoutCancel(u.t.Context()), &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { sent() },
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+"/", strings.NewReader(string(body)))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityService."+operation)
	response, err := u.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(response.Body).Decode(&out); err != nil || response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("got %d %v %v %v", response.StatusCode, out["__type"], out["message"], err)
	}
	return out, nil
}

// known is someone whom all brokers have met.
type known struct {
	id     string
	logins map[string]string
}

func (u *union) meet(name string) known {
	k := known{logins: map[string]string{u.idp.Name(): u.idp.Token(idptest.Claims{"sub": name})}}
	for _, b := range u.brokers {
		out, err := u.call(b, "GetId", map[string]any{"IdentityPoolId": demoPool, "Logins": k.logins}, func() {})
		if err != nil {
			u.t.Errorf("%s: %v", name, err)
			return k
		}
		k.id, _ = out["IdentityId"].(string)
	}
	return k
}

// key asks a broker for credentials and tells their access key.
func (u *union) key(b *instance, k known, sent func()) (string, error) {
	out, err := u.call(b, "GetCredentialsForIdentity", map[string]any{"IdentityId": k.id, "Logins": k.logins}, sent)
	credentials, _ := out["Credentials"].(map[string]any)
	key, _ := credentials["AccessKeyId"].(string)
	if err == nil && key == "" {
		err = fmt.Errorf("an answer without an access key")
	}
	return key, err
}

// asking is askers under way for one user.
type asking struct {
	sent sync.WaitGroup
	done sync.WaitGroup
	keys sync.Map
}

// ask has n ask of the brokers in turn.
func (u *union) ask(n int, k known, brokers ...*instance) *asking {
	a := &asking{}
	a.sent.Add(n)
	for i := range n {
		a.done.Go(func() {
			sent := sync.OnceFunc(a.sent.Done)
			defer sent()
			key, err := u.key(brokers[i%len(brokers)], k, sent)
			if err != nil {
				u.t.Errorf("asker %d: %v", i, err)
				return
			}
			a.keys.Store(key, true)
		})
	}
	return a
}

// same waits for the answers, which all have the same credentials.
func (a *asking) same(t *testing.T) {
	t.Helper()
	a.done.Wait()
	keys := 0
	a.keys.Range(func(any, any) bool { keys++; return true })
	if keys != 1 {
		t.Errorf("got %d different credentials for one user, want the same", keys)
	}
}

// counters are a broker's metrics whose names begin so.
func (i *instance) counters(t *testing.T, prefixes ...string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(string(i.send(t, http.MethodGet, "/metrics", "").body)) {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(line, p) }) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func (u *union) exchanged(want int64) {
	u.t.Helper()
	if got := u.upstream.exchanges.Load(); got != want {
		u.t.Errorf("exchanges with upstream: got %d, want %d", got, want)
		for _, b := range u.brokers {
			u.t.Log(b.counters(u.t, "broker_flights_total", "broker_cache_lookups_total", "broker_fence_seconds_count", "broker_redis"))
		}
	}
}

// 1,000 askers for one identity over three brokers cost upstream one exchange.
func TestOnceOverThreeBrokers(t *testing.T) {
	t.Parallel()
	u := newUnion(t)
	a := u.ask(1000, u.meet("one"), u.brokers...)
	a.sent.Wait()
	close(u.upstream.release)
	a.same(t)
	u.exchanged(1)
}

// 1,000 identities with ten askers each cost it 1,000.
func TestOnceEachOverThreeBrokers(t *testing.T) {
	t.Parallel()
	u := newUnion(t)
	close(u.upstream.release)
	users := make([]known, 200)
	u.inParallel(len(users), func(i int) { users[i] = u.meet(fmt.Sprint("user ", i)) })
	u.inParallel(len(users), func(i int) { u.ask(10, users[i], u.brokers...).same(t) })
	u.exchanged(200)
}

// inParallel does things ten at a time: with more, a busy machine lets leads lapse.
func (u *union) inParallel(n int, do func(i int)) {
	var all sync.WaitGroup
	for worker := range 10 {
		all.Go(func() {
			for i := worker; i < n; i += 10 {
				do(i)
			}
		})
	}
	all.Wait()
}

// The broker that makes the exchange is killed: the others make one more.
func TestOnceMoreWhenABrokerIsKilled(t *testing.T) {
	t.Parallel()
	u := newUnion(t)
	k := u.meet("one")
	lost := make(chan error, 1)
	go func() {
		_, err := u.key(u.brokers[0], k, func() {})
		lost <- err
	}()
	select {
	case <-u.upstream.began:
	case err := <-lost:
		t.Fatalf("before the exchange: got %v", err)
	}
	a := u.ask(20, k, u.brokers[1:]...)
	a.sent.Wait()
	u.brokers[0].process.Process.Kill()
	<-u.brokers[0].exited
	if err := <-lost; err == nil {
		t.Error("who asked the broker that was killed: got an answer, want none")
	}
	a.same(t)
	u.exchanged(2)
}
