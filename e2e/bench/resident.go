package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/cognito-broker/broker/internal/devidp"
)

// weighResident weighs what users take of a broker's process in a fleet, as the system
// counts it: each has shown a login and asked twice, so that his entries, a whole answer,
// his proof and what Go has not collected yet are in it.
func weighResident(bin string, count int, floor weight) error {
	store, err := startRedis()
	if errors.Is(err, exec.ErrNotFound) {
		return noRedis("a broker's resident memory")
	}
	if err != nil {
		return err
	}
	defer store.stop()
	broker, err := startBroker(bin, append(store.environ, fmt.Sprintf("BROKER_CACHE__MEMORY__MAX_ENTRIES=%d", 2*count))...)
	if err != nil {
		return err
	}
	defer broker.stop()
	key, err := devidp.LoadOrCreateKey(broker.store + ".dev-idp.pem")
	if err != nil {
		return err
	}
	ask := func(user int) error { return broker.askTwice(key, user) }
	if err := each(100, ask); err != nil { // buffers and connections
		return err
	}
	before, err := broker.resident()
	if err != nil {
		return err
	}
	if err := each(count, func(n int) error { return ask(100 + n) }); err != nil {
		return err
	}
	after, err := broker.resident()
	return weight{count, (after - before) / float64(count), err}.print("memory-process", floor)
}

// askTwice asks for a user's credentials by his login, twice.
func (s *server) askTwice(key *devidp.Key, user int) error {
	token, err := key.Mint(devidp.TokenRequest{
		Issuer: "http://" + s.address + "/dev/idp", User: fmt.Sprint("user", user), Audience: "demo-app", TTL: time.Hour,
		Now: time.Now(), Claims: map[string]any{"padding": strings.Repeat("x", padding)},
	})
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"logins": map[string]string{s.address + "/dev/idp": token}})
	for range 2 {
		if err == nil {
			_, err = send(s.address, rest(s.address, body))
		}
	}
	return err
}

// resident is how many bytes of a process are in memory. It works on Linux only.
func (s *server) resident() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, errors.New("no resident size in statm")
	}
	pages, err := strconv.ParseFloat(fields[1], 64)
	return pages * float64(os.Getpagesize()), err
}
