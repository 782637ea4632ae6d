package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/cognito-broker/broker/internal/devidp"
)

// refusedRate is how many calls a second are refused beside those that are measured.
const refusedRate = 1000

// compareRefused puts the cached answers of a user, by a broker in aws mode before another
// on the engine, beside the same answers while many strangers try to unlink his logins and
// to link theirs: each of them is answered from the cache, or it is an error.
func compareRefused(p plan, bin string) error {
	upstream, err := startBroker(bin, unlimited, "BROKER_LIMITS__REFUSED_CHANGES__PER_MINUTE=0")
	if err != nil {
		return err
	}
	defer upstream.stop()
	url, idp := "http://"+upstream.address, upstream.address+"/dev/idp"
	broker, err := startBroker(bin, unlimited,
		"BROKER_COGNITO__BACKEND=aws", "BROKER_COGNITO__ENDPOINT="+url, "BROKER_COGNITO__ISSUER="+url,
		"BROKER_STS__BACKEND=aws", "BROKER_STS__ENDPOINT="+url, "BROKER_DEVELOPMENT__IDENTITY_PROVIDER=false",
		fmt.Sprintf("BROKER_LOGIN_PROVIDERS=[{provider: %s, issuer: http://%s, client_ids: [demo-app]}]", idp, idp),
		"BROKER_LIMITS__TRUSTED_PROXIES=[127.0.0.1/32]", // strangers of many addresses
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLEBACKEND", "AWS_SECRET_ACCESS_KEY=development-only-secret-access-key")
	if err != nil {
		return err
	}
	defer broker.stop()
	victim, attack, err := victimOf(broker, upstream, idp)
	if err != nil {
		return err
	}
	return p.compare([]variant{
		{name: "victim", servers: []*server{broker, upstream}, requests: victim, cache: "hit"},
		{
			name:     "victim-of-refused-calls",
			servers:  []*server{broker, upstream},
			requests: victim,
			cache:    "hit",
			floor:    "victim",
			during:   attack,
		},
	})
}

// victimOf is the cached request of a user, and what starts calls of strangers for him.
func victimOf(broker, upstream *server, idp string) (cached [][]byte, attack func() (stop func() error), err error) {
	key, err := devidp.LoadOrCreateKey(upstream.store + ".dev-idp.pem")
	if err != nil {
		return nil, nil, err
	}
	login := func(user string) map[string]string {
		token, mintErr := key.Mint(devidp.TokenRequest{
			Issuer: "http://" + idp, User: user, Audience: "demo-app", TTL: time.Hour, Now: time.Now(),
		})
		err = errors.Join(err, mintErr)
		return map[string]string{idp: token}
	}
	alice, mallory := login("alice"), login("mallory")
	if err != nil {
		return nil, nil, err
	}
	body, _ := json.Marshal(map[string]any{"logins": alice})
	granted := kind{name: "victim"}
	answer, err := granted.add(broker.address, rest(broker.address, body))
	if err != nil {
		return nil, nil, err
	}
	var got struct{ IdentityID string }
	if err := json.Unmarshal(answer, &got); err != nil {
		return nil, nil, err
	}
	var calls []func() []byte
	for _, c := range []struct {
		operation string
		logins    map[string]string
	}{
		{"UnlinkIdentity", map[string]string{}},
		{"UnlinkIdentity", map[string]string{idp: "x.y.z"}},
		{"UnlinkIdentity", mallory},
		{"GetCredentialsForIdentity", map[string]string{idp: mallory[idp], "www.example.com": "x"}},
		{"GetOpenIdToken", map[string]string{"www.example.com": "x", "graph.facebook.com": "y"}},
	} {
		in := map[string]any{"IdentityId": got.IdentityID, "Logins": c.logins}
		if c.operation == "UnlinkIdentity" {
			in["LoginsToRemove"] = []string{idp}
		}
		body, _ := json.Marshal(in)
		calls = append(calls, func() []byte {
			headers := fmt.Sprintf(
				"Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AWSCognitoIdentityService.%s\r\n"+
					"X-Forwarded-For: 10.%d.%d.%d\r\n",
				c.operation, rand.N(256), rand.N(256), rand.N(256),
			)
			return post(broker.address, "/", headers, body)
		})
	}
	return granted.requests, func() func() error { return refused(broker.address, calls) }, nil
}

// refused makes calls at a steady rate until it is stopped. One that is not refused is an
// error.
func refused(address string, calls []func() []byte) (stop func() error) {
	const at = 4 // connections
	end := make(chan struct{})
	errs := make([]error, at)
	var wg sync.WaitGroup
	for i := range at {
		wg.Go(func() { errs[i] = refuse(address, calls, at, end) })
	}
	return func() error {
		close(end)
		wg.Wait()
		return errors.Join(errs...)
	}
}

func refuse(address string, calls []func() []byte, share int, end <-chan struct{}) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	r := bufio.NewReader(c)
	tick := time.NewTicker(time.Duration(share) * time.Second / refusedRate)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-end:
			return nil
		case <-tick.C:
		}
		if _, err := c.Write(calls[n%len(calls)]()); err != nil {
			return err
		}
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			return err
		}
		_, err = r.Discard(int(answer.ContentLength))
		if answer.StatusCode/100 != 4 {
			return errors.Join(err, fmt.Errorf("a call that is none of his: %s", answer.Status))
		}
		if err != nil {
			return err
		}
	}
}
