package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/redis/go-redis/v9"
)

// hot is how many users ask in turn: requests under way at the same time are for
// different entries.
const hot = 256

// compareRedis puts beside each kind of answer from Redis a bare handler, and one
// that gets as many bytes by one GET. The brokers' memory tiers are off.
func compareRedis(p plan, bin string) error {
	p.connections = cmp.Or(p.connections, redisConnections)
	end, err := p.place()
	if err != nil {
		return err
	}
	defer end()
	own, err := startWithoutMemory(bin)
	if errors.Is(err, exec.ErrNotFound) {
		return noRedis("answers from Redis")
	}
	if err != nil {
		return err
	}
	defer own.stop()
	var others []*withoutMemory
	for _, name := range strings.FieldsFunc(p.beside, func(r rune) bool { return r == ',' }) {
		other, err := startWithoutMemory(name)
		if err != nil {
			return err
		}
		defer other.stop()
		others = append(others, other)
	}
	var variants []variant
	for i, k := range own.kinds {
		floor, err := startBare(k.answerBytes)
		if err != nil {
			return err
		}
		defer floor.stop()
		get, err := startSelf("-get", own.store.address, "-bare", strconv.Itoa(k.answerBytes))
		if err != nil {
			return err
		}
		defer get.stop()
		bare, name := "bare-redis-"+k.name, "redis-"+k.name
		variants = append(variants,
			variant{name: bare, servers: []*server{floor}, requests: k.requests},
			variant{name: "get-" + name, servers: []*server{get}, requests: k.requests, floor: bare, beside: own.store},
			own.variant(k, name, bare))
		for j, other := range others {
			variants = append(variants, other.variant(other.kinds[i], fmt.Sprintf("beside-%d-%s", j+1, name), name))
		}
	}
	return p.compare(variants)
}

// withoutMemory is a broker that answers from its Redis, and requests that it does so.
type withoutMemory struct {
	store, broker *server
	kinds         []kind
}

func startWithoutMemory(bin string) (*withoutMemory, error) {
	store, err := startRedis()
	if err != nil {
		return nil, err
	}
	broker, err := startBroker(bin, append(store.environ, "BROKER_CACHE__MEMORY__MAX_ENTRIES=0")...)
	if err != nil {
		store.stop()
		return nil, err
	}
	w := &withoutMemory{store: store, broker: broker}
	if w.kinds, err = warm(broker, hot); err != nil {
		w.stop()
		return nil, err
	}
	return w, nil
}

func (w *withoutMemory) stop() {
	w.broker.stop()
	w.store.stop()
}

func (w *withoutMemory) variant(k kind, name, floor string) variant {
	return variant{
		name:     name,
		servers:  []*server{w.broker},
		requests: k.requests,
		floor:    floor,
		beside:   w.store,
		cache:    "hit",
	}
}

// noRedis says what is not measured.
func noRedis(what string) error {
	fmt.Fprintln(os.Stderr, "bench: there is no redis-server here: left out: "+what)
	return nil
}

// startRedis runs a redis-server that keeps nothing on disk. Its environ is what
// joins a broker to it. It fails with exec.ErrNotFound where there is none.
func startRedis() (*server, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "broker-bench-redis-")
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(address)
	s, err := start(
		exec.Command(program, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", dir),
	)
	if err != nil {
		return nil, err
	}
	end := s.stop
	s.name, s.address, s.stop = "redis-server", address, func() { end(); os.RemoveAll(dir) }
	s.environ = []string{
		"BROKER_CACHE__REDIS__ADDRESSES=[" + strconv.Quote(address) + "]",
		"BROKER_CACHE__REDIS__KEYS=[" + newKey() + "]", "BROKER_CACHE__REDIS__NAME_KEY=" + newKey(),
	}
	c := redis.NewClient(&redis.Options{Addr: address})
	defer c.Close()
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if err = c.Ping(context.Background()).Err(); err == nil {
			return s, nil
		}
		if time.Since(began) > startTimeout {
			s.stop()
			return nil, fmt.Errorf("redis-server did not come up: %w", err)
		}
	}
}

// newKey is a key as the configuration takes it.
func newKey() string {
	key := make([]byte, 32)
	rand.Read(key)
	return base64.StdEncoding.EncodeToString(key)
}

// serveGet is a handler that gets its answer from Redis by one GET, as the library
// makes it, from one of as many keys as there are users.
func serveGet(address string, size int) error {
	c := redis.NewClient(&redis.Options{Addr: address, PoolSize: 64, ContextTimeoutEnabled: true})
	ctx := context.Background()
	keys := make([]string, hot)
	answer := make([]byte, size)
	for i := range keys {
		keys[i] = fmt.Sprintf("get:%d:%d", size, i)
		if err := c.Set(ctx, keys[i], answer, time.Hour).Err(); err != nil {
			return err
		}
	}
	var turn atomic.Uint64
	return serve(func(f *fiber.Ctx) error {
		if len(f.Body()) == 0 {
			return fiber.ErrBadRequest
		}
		got, err := c.Get(ctx, keys[turn.Add(1)%hot]).Bytes()
		if err != nil {
			return err
		}
		f.Response().SetBodyRaw(got)
		return nil
	})
}
