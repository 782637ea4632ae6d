package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/redistest"
)

// Three brokers, of which one keeps nothing in memory, share a Redis that burns, in front of one on the engine. Users are
// linked, unlinked, merged and deleted, and roles change, through any of them. No
// read that began after a change was answered is answered with credentials that
// upstream gave before the change reached it.
//
// It runs for BROKER_TEST_SECONDS (8) with each kind of fire.

// journal stands before the upstream broker and knows when it answered what.
type journal struct {
	behind http.Handler
	mu     sync.Mutex
	given  map[string]time.Time // by access key id: when upstream's answer was there
	came   map[string]time.Time // by operation and what it names: when it last reached upstream
}

func (j *journal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var in struct {
		IdentityId, IdentityPoolId, SourceUserIdentifier string
		IdentityIdsToDelete                              []string
	}
	json.Unmarshal(body, &in)
	j.mu.Lock()
	for _, name := range append(in.IdentityIdsToDelete, in.IdentityId, in.IdentityPoolId, in.SourceUserIdentifier) {
		j.came[operation+" "+name] = time.Now()
	}
	j.mu.Unlock()
	answer := httptest.NewRecorder()
	j.behind.ServeHTTP(answer, r)
	var out struct{ Credentials struct{ AccessKeyId string } }
	json.Unmarshal(answer.Body.Bytes(), &out)
	j.mu.Lock()
	j.given[out.Credentials.AccessKeyId] = time.Now()
	j.mu.Unlock()
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	w.Write(answer.Body.Bytes())
}

func (j *journal) reached(operation, name string) time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.came[operation+" "+name]
}

// blaze is a run.
type blaze struct {
	t       *testing.T
	journal *journal
	engine  *instance
	brokers []*instance
	idp     *idptest.Issuer // of second logins

	mu     sync.Mutex
	ended  map[string]time.Time // by identity or pool: what was given before is gone
	users  []*user
	stale  []string
	counts struct{ hits, reads, changes, refused atomic.Int64 }
}

// user is someone with a login, and the identity that he last had.
type user struct {
	name   string
	logins map[string]string
	second map[string]string // of another provider
	mu     sync.Mutex
	id     string
}

func (u *user) identity() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.id
}

// any is one of the brokers.
func (b *blaze) any() *instance { return b.brokers[mathrand.N(len(b.brokers))] }

// floors are what was ended so far.
func (b *blaze) floors() map[string]time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.ended)
}

// changed notes a change that was answered.
func (b *blaze) changed(err error, operation string, names ...string) bool {
	if err != nil {
		b.counts.refused.Add(1)
		return false
	}
	b.counts.changes.Add(1)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range names {
		if at := b.journal.reached(operation, names[0]); at.After(b.ended[name]) {
			b.ended[name] = at
		}
	}
	return true
}

// read asks for a user's credentials and judges the answer.
func (b *blaze) read(ctx context.Context, u *user) {
	floors, id := b.floors(), u.identity()
	var key string
	if mathrand.N(2) == 0 {
		out, err := b.any().getCredentials(ctx, id, u.logins)
		if err != nil {
			return
		}
		id, key = *out.IdentityId, *out.Credentials.AccessKeyId
	} else {
		a, err := b.grant(ctx, map[string]any{"logins": u.logins})
		if err != nil {
			return
		}
		id, key = a.IdentityID, a.Credentials.AccessKeyID
	}
	b.judge(floors, key, id, u.name)
}

type restGrant struct {
	IdentityID  string `json:"identityId"`
	Credentials struct {
		AccessKeyID string `json:"accessKeyId"`
	} `json:"credentials"`
}

func (b *blaze) grant(ctx context.Context, body map[string]any) (g restGrant, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return g, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.any().url+"/v1/pools/"+demoPool+"/credentials", bytes.NewReader(text))
	if err != nil {
		return g, err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return g, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return g, fmt.Errorf("status %d", response.StatusCode)
	}
	if response.Header.Get("X-Cache") == "hit" {
		b.counts.hits.Add(1)
	}
	return g, json.NewDecoder(response.Body).Decode(&g)
}

func (b *blaze) judge(floors map[string]time.Time, key, id, who string) {
	b.counts.reads.Add(1)
	b.journal.mu.Lock()
	given, ok := b.journal.given[key]
	b.journal.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range []string{id, demoPool} {
		if !ok || given.Before(floors[name]) {
			b.stale = append(b.stale, fmt.Sprintf("%s: credentials known %v, %v older than a change of %s that was answered", who, ok, floors[name].Sub(given), name))
		}
	}
}

// change makes one of the changes through one of the brokers.
func (b *blaze) change(ctx context.Context, u *user) {
	via, id := b.any().sdkAs(admin()), u.identity()
	switch mathrand.N(24) {
	case 0:
		_, err := via.SetIdentityPoolRoles(ctx, &cognitoidentity.SetIdentityPoolRolesInput{IdentityPoolId: aws.String(demoPool), Roles: map[string]string{
			"authenticated": fmt.Sprint("arn:aws:iam::000000000000:role/r", mathrand.Int()), "unauthenticated": unauthRole,
		}})
		b.changed(err, "SetIdentityPoolRoles", demoPool)
	case 1, 2, 3, 4, 5: // deleted, and somebody new
		_, err := via.DeleteIdentities(ctx, &cognitoidentity.DeleteIdentitiesInput{IdentityIdsToDelete: []string{id}})
		if b.changed(err, "DeleteIdentities", id) {
			b.meet(ctx, u)
		}
	case 6, 7, 8, 9, 10, 11: // unlinked, and somebody new
		_, err := via.UnlinkIdentity(ctx, &cognitoidentity.UnlinkIdentityInput{
			IdentityId: aws.String(id), Logins: u.logins, LoginsToRemove: []string{b.engine.provider()},
		})
		if b.changed(err, "UnlinkIdentity", id) {
			b.meet(ctx, u)
		}
	case 12, 13, 14, 15, 16, 17: // linked to a second login, and unlinked from it
		both := maps.Clone(u.logins)
		maps.Copy(both, u.second)
		_, err := via.GetCredentialsForIdentity(ctx, &cognitoidentity.GetCredentialsForIdentityInput{IdentityId: aws.String(id), Logins: both})
		if b.changed(err, "GetCredentialsForIdentity", id) {
			_, err = via.UnlinkIdentity(ctx, &cognitoidentity.UnlinkIdentityInput{
				IdentityId: aws.String(id), Logins: u.logins, LoginsToRemove: []string{b.idp.Name()},
			})
			b.changed(err, "UnlinkIdentity", id)
		}
	default: // a backend's user of the same identity is merged into another
		b.merge(ctx, via, id, u)
	}
}

// merge registers a backend's user with the identity, and another with none, and
// merges the first into the second: the user's identity is the second's then.
func (b *blaze) merge(ctx context.Context, via *cognitoidentity.Client, id string, u *user) {
	from, to := rand.Text(), rand.Text()
	register := func(logins map[string]string, id *string) (string, error) {
		out, err := via.GetOpenIdTokenForDeveloperIdentity(ctx, &cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput{
			IdentityPoolId: aws.String(demoPool), IdentityId: id, Logins: logins,
		})
		if err != nil {
			return "", err
		}
		return *out.IdentityId, nil
	}
	both := maps.Clone(u.logins)
	both["login.example"] = from
	if _, err := register(both, aws.String(id)); !b.changed(err, "GetOpenIdTokenForDeveloperIdentity", id) {
		return
	}
	survivor, err := register(map[string]string{"login.example": to}, nil)
	if err != nil {
		return
	}
	_, err = via.MergeDeveloperIdentities(ctx, &cognitoidentity.MergeDeveloperIdentitiesInput{
		IdentityPoolId: aws.String(demoPool), DeveloperProviderName: aws.String("login.example"),
		SourceUserIdentifier: aws.String(from), DestinationUserIdentifier: aws.String(to),
	})
	if b.changed(err, "MergeDeveloperIdentities", from, id, survivor) {
		b.meet(ctx, u)
	}
}

// meet learns the identity that a user has now; it is asked of upstream.
func (b *blaze) meet(ctx context.Context, u *user) {
	id, err := b.engine.getID(ctx, demoPool, u.logins)
	if err != nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.id = id
}

func startBlaze(t *testing.T) (*blaze, *redistest.Server, []*redistest.Link) {
	idp := idptest.Start(t)
	engine := startBroker(t, []string{idp.URL}, unlimited)
	proxy := startProxy(t, engine.url)
	j := &journal{behind: proxy.behind, given: map[string]time.Time{}, came: map[string]time.Time{}}
	proxy.behind = j
	redis := redistest.Single(t)
	b := &blaze{t: t, journal: j, engine: engine, idp: idp, ended: map[string]time.Time{}}
	sealed, named := base64Key(), base64Key()
	var links []*redistest.Link
	for i := range 3 {
		link := redistest.Proxy(t, redis.Addr())
		links = append(links, link)
		yaml := unlimited + redisYAML(link.Addr(), sealed, named)
		if i == 2 {
			yaml = withoutMemory(yaml)
		}
		b.brokers = append(b.brokers, startUpstream(t, engine, proxy.url, yaml, idp.URL))
	}
	for i := range 6 {
		u := &user{name: fmt.Sprint("user", i)}
		u.logins = engine.login(t, u.name)
		u.second = map[string]string{idp.Name(): idp.Token(idptest.Claims{"sub": u.name})}
		b.meet(t.Context(), u)
		b.users = append(b.users, u)
	}
	return b, redis, links
}

// redisYAML is the cache of a fleet.
func redisYAML(address, key, nameKey string) string {
	return "cache: {redis: {addresses: ['" + address + "'], keys: ['" + key + "'], name_key: '" + nameKey + "'}}\n"
}

// base64Key is a key as a configuration has it.
func base64Key() string {
	key := make([]byte, 32)
	rand.Read(key)
	return base64.StdEncoding.EncodeToString(key)
}

// burn reads and changes until the time is up.
func (b *blaze) burn(light func(ctx context.Context)) {
	seconds, err := strconv.Atoi(os.Getenv("BROKER_TEST_SECONDS"))
	if err != nil {
		seconds = 8
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Duration(seconds)*time.Second)
	defer cancel()
	c := &b.counts
	last := time.Now().Add(5 * time.Minute) // on a machine where it shows nothing before
	goesOn := func() bool {
		return ctx.Err() == nil || (c.hits.Load() < 20 || c.changes.Load() < 5) && time.Now().Before(last)
	}
	var all sync.WaitGroup
	repeat := func(work func()) {
		all.Go(func() {
			for goesOn() {
				work()
			}
		})
	}
	for range 6 {
		repeat(func() { b.read(b.t.Context(), b.users[mathrand.N(len(b.users))]) })
	}
	for i := range 3 {
		repeat(func() {
			b.change(b.t.Context(), b.users[2*i+mathrand.N(2)])
			pause(b.t.Context(), mathrand.N(300*time.Millisecond))
		})
	}
	repeat(func() {
		hits, changes := c.hits.Load(), c.changes.Load()
		light(b.t.Context())
		for goesOn() && (c.hits.Load() == hits || c.changes.Load() == changes) {
			pause(b.t.Context(), 10*time.Millisecond) // a slow machine recovers before the next
		}
	})
	all.Wait()
	b.t.Logf("%d reads, %d hits by REST, %d changes, %d refused", c.reads.Load(), c.hits.Load(), c.changes.Load(), c.refused.Load())
	for _, s := range b.stale[:min(len(b.stale), 10)] {
		b.t.Error(s)
	}
	if c.hits.Load() == 0 || c.changes.Load() == 0 {
		b.t.Error("got a run without hits or changes: it shows nothing")
	}
}

// pause waits, or leaves when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func TestChangesUnderFire(t *testing.T) {
	t.Parallel()
	for name, light := range map[string]func(redis *redistest.Server, links []*redistest.Link, ctx context.Context){
		"nothing burns": func(_ *redistest.Server, _ []*redistest.Link, ctx context.Context) { pause(ctx, time.Second) },
		"connections": func(_ *redistest.Server, links []*redistest.Link, ctx context.Context) {
			pause(ctx, mathrand.N(time.Second))
			link := links[mathrand.N(len(links))]
			[]func(){link.Cut, link.Hang, link.HangAnswers}[mathrand.N(3)]()
			pause(ctx, mathrand.N(4*time.Second))
			link.Restore()
		},
		// Redis has room for a part of what it holds, and evicts the rest: entries, epochs,
		// and what is known of whose logins are.
		"evictions": func(redis *redistest.Server, _ []*redistest.Link, ctx context.Context) {
			memory := redis.Info("memory")
			used, _ := strconv.Atoi(memory["used_memory"])
			held, _ := strconv.Atoi(memory["used_memory_dataset"])
			redis.Config("maxmemory-policy", []string{"allkeys-lru", "allkeys-random"}[mathrand.N(2)])
			redis.Config("maxmemory", strconv.Itoa(used-held/10*mathrand.N(6)))
			pause(ctx, mathrand.N(300*time.Millisecond))
			redis.Config("maxmemory", "0")
			pause(ctx, mathrand.N(2*time.Second))
		},
		// Nobody hears what others announce, so nobody has a lease.
		"subscriptions": func(redis *redistest.Server, _ []*redistest.Link, ctx context.Context) {
			pause(ctx, mathrand.N(50*time.Millisecond))
			redis.Client().ClientKillByFilter(ctx, "TYPE", "pubsub")
		},
		"Redis": func(redis *redistest.Server, _ []*redistest.Link, ctx context.Context) {
			pause(ctx, mathrand.N(3*time.Second))
			switch mathrand.N(3) {
			case 0:
				redis.FlushAll()
			case 1:
				redis.Pause()
				pause(ctx, mathrand.N(2500*time.Millisecond))
				redis.Resume()
			case 2:
				redis.Kill()
				pause(ctx, mathrand.N(time.Second))
				redis.Start()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, redis, links := startBlaze(t)
			b.burn(func(ctx context.Context) { light(redis, links, ctx) })
			if name == "evictions" && redis.Info("stats")["evicted_keys"] == "0" {
				t.Error("nothing was evicted: it shows nothing")
			}
		})
	}
}
