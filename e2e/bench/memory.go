package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/devidp"
	"github.com/cognito-broker/broker/internal/logins"
)

// proofs is how many are weighed: each token is signed, so there are fewer.
const proofs = 4_000

// residents is how many users at most a whole process is weighed with, likewise.
const residents = 20_000

// measureMemory weighs what a broker holds in memory and what its fleet holds in
// Redis, each beside a plain map, or plain SETs, of as many bytes of credentials.
// What is in memory is Go's heap after a collection; a process lets it grow to twice
// as much before the next one.
func measureMemory(p plan, bin string) error {
	now := time.Now()
	floor := weigh(p.entries, func() (any, error) {
		plain := map[cache.Key][]byte{}
		for n := range p.entries {
			plain[keyOf(n)] = make([]byte, payload(credentials(identity(n), now)))
		}
		return plain, nil
	})
	floor.print("memory-map", floor)
	held := newEntries(p.entries)
	for _, one := range []struct {
		name  string
		count int
		hold  func() (any, error)
	}{
		{"memory-entry", p.entries, func() (any, error) { return holdEntries(newEntries(p.entries)) }},
		{"memory-answer", p.entries, func() (any, error) { return holdAnswers(held) }},
		{"memory-proof", proofs, holdProofs},
	} {
		if err := weigh(one.count, one.hold).print(one.name, floor); err != nil {
			return err
		}
	}
	if err := weighUsers(p.entries, "memory", "", floor, nil); err != nil {
		return err
	}
	if err := weighFleet(p.entries, floor); err != nil {
		return err
	}
	return weighResident(bin, min(p.entries, residents), floor)
}

// weight is what one of something takes.
type weight struct {
	count int
	bytes float64
	err   error
}

// print prints a line.
func (w weight) print(name string, floor weight) error {
	if w.err != nil {
		return fmt.Errorf("%s: %w", name, w.err)
	}
	fmt.Printf("%s %d %.0f %.2f\n", name, w.count, w.bytes, w.bytes/floor.bytes)
	return nil
}

// weigh weighs what is made.
func weigh(count int, made func() (any, error)) weight {
	before := heap()
	held, err := made()
	grown := heap() - before
	runtime.KeepAlive(held)
	return weight{count, grown / float64(count), err}
}

// heap is what is in use of it.
func heap() float64 {
	var m runtime.MemStats
	for range 2 { // what is cleaned up in the first is free in the second
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func keyOf(user int) cache.Key { return sha256.Sum256([]byte(identity(user))) }

// newEntries are entries, each of an identity of its own, in no cache yet.
func newEntries(count int) []*cache.Entry {
	epochs, now := cache.NewEpochs(), time.Now()
	all := make([]*cache.Entry, count)
	for n := range all {
		all[n] = &cache.Entry{
			Credentials: credentials(identity(n), now), Issued: now,
			Stamp: epochs.Read(cache.IdentityScope(identity(n)), cache.CredentialsScope(pool)),
		}
	}
	return all
}

// holdEntries is a memory tier with entries.
func holdEntries(all []*cache.Entry) (*cache.Memory, error) {
	memory, err := cache.NewMemory(len(all), nil)
	if err != nil {
		return nil, err
	}
	for n, e := range all {
		memory.Put(keyOf(n), e)
	}
	if !await(func() bool { return memory.Len() == len(all) }) {
		return nil, fmt.Errorf("got %d entries, want %d", memory.Len(), len(all))
	}
	return memory, nil
}

// holdAnswers is a memo with an answer of each entry, as one of the two faces gives
// it; the entries themselves are not weighed with it.
func holdAnswers(all []*cache.Entry) (*cache.Memo, error) {
	memo, err := cache.NewMemo(len(all), true)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	name := func(n int) cache.MemoKey {
		return memo.Key([]byte("GetCredentialsForIdentity"), 0, []byte(identity(n)))
	}
	for n, e := range all {
		c := &e.Credentials
		body, err := json.Marshal(map[string]any{"IdentityId": c.IdentityID, "Credentials": map[string]any{
			"AccessKeyId": c.AccessKeyID, "SecretKey": c.SecretKey, "SessionToken": c.SessionToken, "Expiration": now.Unix(),
		}})
		if err != nil {
			return nil, err
		}
		memo.Put(name(n), now, &cache.MemoCondition{Entry: e, Floor: 20 * time.Minute, Renewed: true}, body)
	}
	for n := range all {
		if body, _, _ := memo.Get(name(n), now); body == nil {
			return nil, fmt.Errorf("answer %d was not remembered", n)
		}
	}
	return memo, nil
}

// holdProofs are logins that were proved by their signatures, as they are
// remembered for a quarter of an hour.
func holdProofs() (any, error) {
	key, err := devidp.LoadOrCreateKey("")
	if err != nil {
		return nil, err
	}
	prover, err := logins.New(logins.Config{Providers: []logins.Provider{
		{
			Name:      provider,
			Issuer:    "http://" + provider,
			ClientIDs: []string{"demo-app"},
			Keys:      func(context.Context) ([]byte, error) { return key.JWKS(), nil },
		},
	}})
	if err != nil {
		return nil, err
	}
	return prover, each(proofs, func(n int) error {
		token, err := key.Mint(devidp.TokenRequest{
			Issuer: "http://" + provider, User: fmt.Sprint("user", n), Audience: "demo-app", TTL: time.Hour, Now: time.Now(),
			Claims: map[string]any{"padding": strings.Repeat("x", padding)},
		})
		if err == nil {
			_, err = prover.Prove(context.Background(), provider, token)
		}
		return err
	})
}

// What users do, and lines are named after.
const asksWho, asksTwice = "login", "user"

// weighUsers weighs what users take of a broker's memory, and of the Redis at an
// address if any: once they asked who they are, and once they asked for credentials
// twice. step is called after each.
func weighUsers(count int, name, redis string, floor weight, step func(c *crowd, name string) error) error {
	users, err := newCrowd(count, redis)
	if err != nil {
		return err
	}
	defer users.stop()
	for _, one := range []struct {
		name string
		ask  func() error
	}{
		{asksWho, func() error { return each(count, users.identify) }},
		{asksTwice, users.askTwice},
	} {
		err := weigh(count, func() (any, error) { return nil, one.ask() }).print(name+"-"+one.name, floor)
		if err == nil && step != nil {
			err = step(users, one.name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
