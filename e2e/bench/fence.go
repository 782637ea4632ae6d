package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// compareFences puts changes that end what all brokers have cached beside the same
// changes at a broker without Redis: at one that has Redis to itself, and at one of
// three. They are made one after the other. A purge is a fence and nothing else;
// another role of a pool is also written to the engine's store.
func compareFences(p plan, bin string) error {
	alone, err := startBroker(bin, unlimited)
	if err != nil {
		return err
	}
	defer alone.stop()
	companies := []company{{brokers: []*server{alone}}}
	for _, n := range []int{1, 3} {
		c, err := startCompany(bin, n)
		if errors.Is(err, exec.ErrNotFound) {
			return noRedis("fences")
		}
		if err != nil {
			return err
		}
		defer c.stop()
		companies = append(companies, c)
	}
	var variants []variant
	for _, change := range []struct {
		name     string
		requests func(*server) ([][]byte, error)
	}{{"fence-identity", purges}, {"fence-pool", roles}} {
		for i, c := range companies {
			requests, err := change.requests(c.brokers[0])
			if err != nil {
				return err
			}
			v := variant{name: change.name, servers: c.brokers, beside: c.redis, requests: requests, alone: true}
			if i > 0 {
				v.name, v.floor = fmt.Sprintf("%s-%d-on-redis", change.name, len(c.brokers)), change.name
			}
			variants = append(variants, v)
		}
	}
	p.length /= 2 // there are many
	return p.compare(variants)
}

// company is brokers on a Redis of their own.
type company struct {
	redis   *server // nil: none
	brokers []*server
}

// startCompany starts n brokers on a new Redis. It fails with exec.ErrNotFound where
// there is no redis-server.
func startCompany(bin string, n int) (c company, err error) {
	if c.redis, err = startRedis(); err != nil {
		return c, err
	}
	defer func() {
		if err != nil {
			c.stop()
		}
	}()
	for range n {
		b, err := startBroker(bin, append(c.redis.environ, unlimited)...)
		if err != nil {
			return c, err
		}
		c.brokers = append(c.brokers, b)
	}
	return c, c.settle()
}

// settle waits until a fence is not held up any more by Redis being new.
func (c company) settle() error {
	if len(c.brokers) == 0 {
		return nil
	}
	one, err := purges(c.brokers[0])
	for took := time.Hour; err == nil && took > time.Second; {
		began := time.Now()
		_, err = send(c.brokers[0].address, one[0])
		took = time.Since(began)
	}
	return err
}

func (c company) stop() {
	for _, b := range c.brokers {
		b.stop()
	}
	c.redis.stop()
}

// byAdmin is the key of the development configuration's caller.
const byAdmin = "Authorization: Bearer development-only-api-key\r\nContent-Type: application/json\r\n"

// purges are of some guests.
func purges(s *server) ([][]byte, error) {
	return s.eachGuest(func(address, guest string) []byte {
		return request("POST", address, "/v1/pools/"+pool+"/identities/"+guest+"/purge", byAdmin, nil)
	})(64)
}

// roles give the pool's guests another role each time.
func roles(s *server) ([][]byte, error) {
	const role = "arn:aws:iam::000000000000:role/demo-"
	var list [][]byte
	for _, guests := range []string{"auth", "unauth"} {
		body, _ := json.Marshal(
			map[string]any{"roles": map[string]string{"authenticated": role + "auth", "unauthenticated": role + guests}},
		)
		list = append(list, request("PUT", s.address, "/v1/pools/"+pool+"/roles", byAdmin, body))
	}
	return list, nil
}
