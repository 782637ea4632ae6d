package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/redistest"
)

// brief stands before the upstream broker. What that grants lives a quarter of an
// hour at least, so the expiry in its answers is moved to where a test can see it.
// It notes who fetched what.
type brief struct {
	mu      sync.Mutex
	lives   map[string]time.Duration // by identity
	fetched map[string][]fetch
	met     map[string]bool // invocations of the SDK: it may try again
	// A renewal for this identity is caught once: it is never answered.
	catches string
	caught  func(broker int)
}

// fetch is one exchange.
type fetch struct {
	broker       int
	began, ended time.Time
}

// executedBy is how a broker's SDK tells which of them it is; they share an endpoint.
const executedBy = "broker-"

// before is the way of the brokers to what is behind.
func (b *brief) before(behind http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetCredentialsForIdentity") {
			behind.ServeHTTP(w, r)
			return
		}
		_, told, _ := strings.Cut(r.UserAgent(), "exec-env/"+executedBy)
		broker, err := strconv.Atoi(told[:min(1, len(told))])
		if err != nil {
			panic("no broker's request: " + r.UserAgent())
		}
		began := time.Now()
		body, err := io.ReadAll(r.Body)
		var in struct{ IdentityID string }
		if err != nil || json.Unmarshal(body, &in) != nil {
			panic(http.ErrAbortHandler)
		}
		if b.note(r, in.IdentityID, fetch{broker: broker, began: began}) {
			b.caught(broker)
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		recorded := httptest.NewRecorder()
		behind.ServeHTTP(recorded, r)
		b.answer(w, in.IdentityID, recorded)
	})
}

// note notes an exchange, and reports whether it is the one to be caught.
func (b *brief) note(r *http.Request, id string, f fetch) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	invocation := r.Header.Get("Amz-Sdk-Invocation-Id")
	if b.met[invocation] {
		return false
	}
	b.met[invocation] = true
	b.fetched[id] = append(b.fetched[id], f)
	return id == b.catches && len(b.fetched[id]) == 2
}

// answer passes an answer on, with an expiry as the test wants it: a whole second,
// which no format rounds.
func (b *brief) answer(w http.ResponseWriter, id string, recorded *httptest.ResponseRecorder) {
	b.mu.Lock()
	defer b.mu.Unlock()
	body := recorded.Body.Bytes()
	var out map[string]any
	if recorded.Code == http.StatusOK && json.Unmarshal(body, &out) == nil {
		all := b.fetched[id]
		all[len(all)-1].ended = time.Now()
		if c, ok := out["Credentials"].(map[string]any); ok {
			c["Expiration"] = time.Now().Add(b.lives[id]).Unix() + 1
		}
		body, _ = json.Marshal(out)
	}
	w.Header().Set("Content-Type", recorded.Header().Get("Content-Type"))
	w.WriteHeader(recorded.Code)
	w.Write(body)
}

// of are the exchanges made for an identity so far.
func (b *brief) of(k known) []fetch {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]fetch(nil), b.fetched[k.id]...)
}

// renewing is three brokers on one Redis, before one whose grants are brief.
type renewing struct {
	*testing.T
	upstream *brief
	engine   *instance
	brokers  []*instance
	idp      *idptest.Issuer

	living sync.RWMutex // held by whoever asks
	killed map[int]bool
}

const (
	leastLeft    = 3 * time.Second // the floor
	renewalRules = "cache: {min_remaining: 3s, renew_idle: 5s, redis: {dial_timeout: 2s, read_timeout: 1s, write_timeout: 1s, "
)

func newRenewing(t *testing.T) *renewing {
	t.Helper()
	f := &renewing{
		T: t, idp: idptest.Start(t), killed: map[int]bool{},
		upstream: &brief{lives: map[string]time.Duration{}, fetched: map[string][]fetch{}, met: map[string]bool{}},
	}
	f.engine = startBroker(t, []string{f.idp.URL}, "")
	f.upstream.caught = f.kill
	redis := redistest.Single(t)
	rules := renewalRules + "addresses: ['" + redis.Addr() + "'], keys: ['" + base64Key() + "'], name_key: '" + base64Key() + "'}}\n" +
		"limits: {request_timeout: 5s}\n" // a claim lasts 10 s longer
	proxy := startProxy(t, f.engine.url)
	proxy.behind = f.upstream.before(proxy.behind)
	for i := range 3 {
		engine := *f.engine
		engine.environ = append(slices.Clone(engine.environ), fmt.Sprint("AWS_EXECUTION_ENV=", executedBy, i))
		b := startUpstream(t, &engine, proxy.url, rules, f.idp.URL)
		b.behind = f.engine
		f.brokers = append(f.brokers, b)
	}
	return f
}

// kill kills a broker when nobody waits for its answer.
func (f *renewing) kill(broker int) {
	f.living.Lock()
	defer f.living.Unlock()
	f.killed[broker] = true
	f.brokers[broker].process.Process.Kill()
	<-f.brokers[broker].exited
}

// meet makes a user whom all brokers know, and whose credentials live so long.
func (f *renewing) meet(name string, life time.Duration) known {
	f.Helper()
	k := known{logins: map[string]string{f.idp.Name(): f.idp.Token(idptest.Claims{"sub": name})}}
	for _, b := range f.brokers {
		k.id = settled(f.T, func() (string, error) { return b.getID(f.Context(), demoPool, k.logins) })
	}
	f.upstream.mu.Lock()
	defer f.upstream.mu.Unlock()
	f.upstream.lives[k.id] = life
	return k
}

// served is how somebody was served. What was renewed differs in its expiry: upstream
// has a cache of its own.
type served struct {
	broker  int
	cache   string
	expires time.Time
	left    time.Duration // of their life, when they were asked for
}

// ask asks a broker for credentials.
func (f *renewing) ask(broker int, k known) (served, error) {
	body, err := json.Marshal(map[string]any{"IdentityId": k.id, "Logins": k.logins})
	if err != nil {
		return served{}, err
	}
	began := time.Now()
	r, err := http.NewRequestWithContext(context.WithoutCancel(f.Context()), http.MethodPost, f.brokers[broker].url+"/", bytes.NewReader(body))
	if err != nil {
		return served{}, err
	}
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityService.GetCredentialsForIdentity")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return served{}, err
	}
	defer response.Body.Close()
	var out struct{ Credentials struct{ Expiration float64 } }
	if err := json.NewDecoder(response.Body).Decode(&out); err != nil || response.StatusCode != http.StatusOK {
		return served{}, fmt.Errorf("got %d %v, want 200", response.StatusCode, err)
	}
	expires := time.Unix(int64(out.Credentials.Expiration), 0)
	return served{broker, response.Header.Get("X-Cache"), expires, expires.Sub(began)}, nil
}

// askAny asks a broker that lives; none is killed meanwhile.
func (f *renewing) askAny(k known) (served, error) {
	f.living.RLock()
	defer f.living.RUnlock()
	for {
		if i := mathrand.N(len(f.brokers)); !f.killed[i] {
			return f.ask(i, k)
		}
	}
}

// want asks a broker and compares how it answers.
func (f *renewing) want(broker int, k known, cache string) served {
	f.Helper()
	s, err := f.ask(broker, k)
	if err != nil || s.cache != cache {
		f.Fatalf("broker %d: got X-Cache %q %v, want %q", broker, s.cache, err, cache)
	}
	return s
}

// scheduled waits until a broker says that so many renewals are scheduled.
func (f *renewing) scheduled(n int) {
	f.Helper()
	want := fmt.Sprintf("broker_renewals_scheduled %d\n", n)
	f.until("the schedule", func() bool { return f.brokers[0].counters(f.T, "broker_renewals_scheduled") == want })
}

// until waits for something that comes, within far more time than it needs.
func (f *renewing) until(what string, came func() bool) {
	f.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(4 * time.Minute); !came(); <-tick.C {
		if time.Now().After(end) {
			f.Fatalf("%s did not come", what)
		}
	}
}
