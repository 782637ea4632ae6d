package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

const (
	pool = "us-east-1:00000000-0000-4000-8000-000000000001"
	// padding brings the ID token to about 1.2 KB.
	padding = 560
)

// compareCached puts a bare handler beside each kind of cached answer.
func compareCached(p plan, bin string) error {
	own, err := os.Executable()
	if err != nil {
		return err
	}
	broker, err := startBroker(bin)
	if err != nil {
		return err
	}
	defer broker.stop()
	requests, err := warm(bin, broker)
	if err != nil {
		return err
	}
	var variants []variant
	for _, r := range requests {
		floor, err := startBare(own, r.answerBytes)
		if err != nil {
			return err
		}
		defer floor.stop()
		variants = append(variants,
			variant{name: "bare-" + r.name, servers: []*server{floor}, request: r.bytes},
			variant{name: r.name, servers: []*server{broker}, request: r.bytes, floor: "bare-" + r.name, cache: "hit"})
	}
	return p.compare(variants)
}

// request is one that the broker answers from its memo.
type request struct {
	name        string
	bytes       []byte
	answerBytes int
}

// warm gets both requests answered from the memo.
func warm(bin string, broker *server) ([]request, error) {
	mint := exec.Command(bin, "token", "-config", config, "-user", "alice", "-claim", "padding="+strings.Repeat("x", padding))
	mint.Env = append(os.Environ(), broker.environ...)
	token, err := mint.Output()
	if err != nil {
		return nil, fmt.Errorf("mint token: %w", err)
	}
	at := broker.address
	logins := map[string]string{at + "/dev/idp": strings.TrimSpace(string(token))}
	body, _ := json.Marshal(map[string]any{"logins": logins})
	grant := rest(at, body)
	answer, err := send(at, grant)
	if err != nil {
		return nil, err
	}
	var got struct{ IdentityID string }
	if err := json.Unmarshal(answer, &got); err != nil {
		return nil, err
	}
	body, _ = json.Marshal(map[string]any{"IdentityId": got.IdentityID, "Logins": logins})
	credentials := wire(at, "GetCredentialsForIdentity", body)
	wired, err := send(at, credentials)
	if err != nil {
		return nil, err
	}
	return []request{
		{"wire-GetCredentialsForIdentity", credentials, len(wired)},
		{"rest-credentials", grant, len(answer)},
	}, nil
}
