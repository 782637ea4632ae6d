package main

import (
	"bufio"
	"encoding/json"
	"net"
)

const (
	guests    = "arn:aws:iam::000000000000:role/demo-unauth"
	unlimited = "BROKER_LIMITS__GUESTS__PER_MINUTE=0"
)

// compareMisses sends cold requests through a broker in aws mode, and as many
// straight to the broker on the engine that plays Cognito and STS for it.
func compareMisses(p plan, bin string) error {
	upstream, err := startBroker(bin, unlimited)
	if err != nil {
		return err
	}
	defer upstream.stop()
	url := "http://" + upstream.address
	broker, err := startBroker(bin, unlimited,
		"BROKER_COGNITO__BACKEND=aws", "BROKER_COGNITO__ENDPOINT="+url, "BROKER_COGNITO__ISSUER="+url,
		"BROKER_STS__BACKEND=aws", "BROKER_STS__ENDPOINT="+url,
		// Nothing measured here is signed; without a key the SDK would look for one.
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLEBACKEND", "AWS_SECRET_ACCESS_KEY=development-only-secret-access-key")
	if err != nil {
		return err
	}
	defer broker.stop()
	var variants []variant
	for _, m := range []struct {
		name string
		of   func(address, guest string) []byte
	}{
		{"wire-GetCredentialsForIdentity-miss", credentialsOf},
		{"rest-classic-miss", classicOf},
	} {
		variants = append(
			variants,
			variant{name: "direct-" + m.name, servers: []*server{upstream}, cache: "miss", fresh: upstream.eachGuest(m.of)},
			variant{
				name:    "aws-" + m.name,
				servers: []*server{broker, upstream},
				cache:   "miss",
				fresh:   broker.eachGuest(m.of),
				floor:   "direct-" + m.name,
			},
		)
	}
	return p.compare(variants)
}

// credentialsOf asks for a guest's credentials by the enhanced flow.
func credentialsOf(address, guest string) []byte {
	body, _ := json.Marshal(map[string]any{"IdentityId": guest})
	return wire(address, "GetCredentialsForIdentity", body)
}

// classicOf asks by the classic flow: two trips to upstream in one call.
func classicOf(address, guest string) []byte {
	body, _ := json.Marshal(map[string]any{"identityId": guest, "flow": "classic", "roleArn": guests})
	return rest(address, body)
}

// eachGuest makes requests for guests that nobody has asked for: an answer to one
// can come from no cache. The server itself makes the guests, so that a broker in
// aws mode has learnt which pool is theirs.
func (s *server) eachGuest(of func(address, guest string) []byte) func(int) ([][]byte, error) {
	return func(n int) ([][]byte, error) {
		c, err := net.Dial("tcp", s.address)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		r := bufio.NewReader(c)
		body, _ := json.Marshal(map[string]any{"IdentityPoolId": pool})
		getID := wire(s.address, "GetId", body)
		list := make([][]byte, n)
		for i := range list {
			answer, err := exchange(c, r, getID)
			if err != nil {
				return nil, err
			}
			var got struct{ IdentityID string }
			if err := json.Unmarshal(answer, &got); err != nil {
				return nil, err
			}
			list[i] = of(s.address, got.IdentityID)
		}
		return list, nil
	}
}
