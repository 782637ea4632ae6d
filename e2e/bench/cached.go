package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/cognito-broker/broker/internal/devidp"
)

const (
	pool = "us-east-1:00000000-0000-4000-8000-000000000001"
	// padding brings the ID token to about 1.2 KB.
	padding = 560
)

// compareCached puts a bare handler beside each kind of cached answer.
func compareCached(p plan, bin string) error {
	end, err := p.place()
	if err != nil {
		return err
	}
	defer end()
	broker, err := startBroker(bin)
	if err != nil {
		return err
	}
	defer broker.stop()
	kinds, err := warm(broker, 1)
	if err != nil {
		return err
	}
	var variants []variant
	for _, k := range kinds {
		floor, err := startBare(k.answerBytes)
		if err != nil {
			return err
		}
		defer floor.stop()
		variants = append(variants,
			variant{name: "bare-" + k.name, servers: []*server{floor}, requests: k.requests},
			variant{name: k.name, servers: []*server{broker}, requests: k.requests, floor: "bare-" + k.name, cache: "hit"})
	}
	return p.compare(variants)
}

// kind is requests of one kind, one of each user, that the broker answers from its
// cache.
type kind struct {
	name        string
	requests    [][]byte
	answerBytes int
}

// warm has the requests of some users answered, so that all is cached.
func warm(broker *server, users int) ([]kind, error) {
	key, err := devidp.LoadOrCreateKey(broker.store + ".dev-idp.pem")
	if err != nil {
		return nil, err
	}
	wired, granted := kind{name: "wire-GetCredentialsForIdentity"}, kind{name: "rest-credentials"}
	for n := range users {
		token, err := key.Mint(devidp.TokenRequest{
			Issuer:   "http://" + broker.address + "/dev/idp",
			User:     fmt.Sprint("alice", n),
			Audience: "demo-app",
			TTL:      time.Hour,
			Now:      time.Now(),
			Claims:   map[string]any{"padding": strings.Repeat("x", padding)},
		})
		if err != nil {
			return nil, fmt.Errorf("mint token: %w", err)
		}
		logins := map[string]string{broker.address + "/dev/idp": token}
		body, _ := json.Marshal(map[string]any{"logins": logins})
		answer, err := granted.add(broker.address, rest(broker.address, body))
		if err != nil {
			return nil, err
		}
		var got struct{ IdentityID string }
		if err := json.Unmarshal(answer, &got); err != nil {
			return nil, err
		}
		body, _ = json.Marshal(map[string]any{"IdentityId": got.IdentityID, "Logins": logins})
		if _, err := wired.add(broker.address, wire(broker.address, "GetCredentialsForIdentity", body)); err != nil {
			return nil, err
		}
	}
	return []kind{wired, granted}, nil
}

// add has a request answered, as often as it takes for the answer to come from the
// cache the short way: once to be brought, once to be found.
func (k *kind) add(address string, request []byte) (answer []byte, err error) {
	for range 2 {
		if answer, err = send(address, request); err != nil {
			return nil, err
		}
	}
	k.requests, k.answerBytes = append(k.requests, request), len(answer)
	return answer, nil
}
