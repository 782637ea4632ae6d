package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const strangersKey, strangersSecret = "AKIDOFASTRANGERASTRANGER", "secret-of-a-stranger"

// Wrong keys are limited by the client's address, by the wire and REST; a right key
// is served from every address, also from that of whoever tries wrong ones.
func TestWrongKeysAreLimitedByAddress(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "limits: {trusted_proxies: [127.0.0.1], wrong_keys: {per_minute: 1, burst: 3}}\n")
	stranger := credentials.NewStaticCredentialsProvider(strangersKey, strangersSecret, "")
	forged := credentials.NewStaticCredentialsProvider(adminKey, strangersSecret, "")
	signed := func(from string, who aws.CredentialsProvider) error {
		client := cognitoidentity.New(cognitoidentity.Options{
			Region: "us-east-1", BaseEndpoint: aws.String(b.url), Retryer: aws.NopRetryer{}, Credentials: who,
			HTTPClient: proxied{map[string]string{"X-Forwarded-For": from}},
		})
		_, err := client.ListIdentityPools(t.Context(), &cognitoidentity.ListIdentityPoolsInput{MaxResults: aws.Int32(1)})
		return err
	}
	rest := func(from, key string) answer {
		return b.send(t, get, "/v1/pools", "", append(bearer(key), "X-Forwarded-For", from)...)
	}
	presigned := func(from string) int {
		client := sts.NewPresignClient(sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: aws.String(b.url), Credentials: forged}))
		r, err := client.PresignGetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
		if err != nil {
			t.Fatal(err)
		}
		return b.send(t, get, strings.TrimPrefix(r.URL, b.url), "", "X-Forwarded-For", from).status
	}
	for name, c := range map[string]struct {
		from    string
		wrong   func(from string) (limited bool)
		another string // an address of the same client
	}{
		"API key": {from: "192.0.2.1", wrong: func(from string) bool {
			a := rest(from, strangersSecret)
			if a.status == http.StatusTooManyRequests {
				if s, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || s < 1 || s > 60 || a.tree["code"] != "TooManyRequestsException" {
					t.Errorf("429: got Retry-After %q and %s", a.header.Get("Retry-After"), a.body)
				}
				return true
			}
			return a.status != http.StatusUnauthorized
		}},
		"access key, IPv6": {from: "2001:db8::1", another: "2001:db8::ffff:2", wrong: func(from string) bool { return code(signed(from, stranger)) != "UnrecognizedClientException" }},
		"signature":        {from: "192.0.2.3", wrong: func(from string) bool { return code(signed(from, forged)) != "InvalidSignatureException" }},
		"presigned":        {from: "192.0.2.4", wrong: func(from string) bool { return presigned(from) != http.StatusForbidden }},
	} {
		if c.another == "" {
			c.another = c.from
		}
		for n := range 6 {
			from := c.from
			if n%2 == 1 {
				from = c.another
			}
			if got := c.wrong(from); got != (n >= 3) {
				t.Errorf("%s, number %d: got limited %v", name, n, got)
			}
			if a := rest(from, adminAPIKey); a.status != http.StatusOK {
				t.Errorf("%s: the right API key from there: got %d %s", name, a.status, a.body)
			}
			if err := signed(from, admin()); err != nil {
				t.Errorf("%s: the right signature from there: got %v", name, err)
			}
		}
	}
	if got := rest("192.0.2.9", strangersSecret).status; got != http.StatusUnauthorized {
		t.Errorf("a wrong key from elsewhere: got %d, want 401", got)
	}
	if err := b.process.Process.Signal(syscall.SIGTERM); err != nil { // what was not told yet is told then
		t.Fatal(err)
	}
	<-b.exited
	checkWrongKeysLog(t, b.logs.String())
}

// checkWrongKeysLog wants the number of each address, and nothing that was sent.
func checkWrongKeysLog(t *testing.T, logs string) {
	t.Helper()
	number := map[string]int{}
	for line := range strings.SplitSeq(logs, "\n") {
		var entry struct {
			Level, Msg, Address, Code string
			Number                    int
		}
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Code == "TooManyRequestsException" {
			t.Errorf("beyond the limit: got a line each, want the number alone")
		}
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "wrong keys or signatures" {
			number[entry.Address] += entry.Number
			if entry.Level != "warn" {
				t.Errorf("got level %s, want warn", entry.Level)
			}
		}
	}
	for address, want := range map[string]int{"192.0.2.1": 6, "2001:db8::/64": 6, "192.0.2.3": 6, "192.0.2.4": 6, "192.0.2.9": 1} {
		if number[address] != want {
			t.Errorf("log: got %d of %s, want %d", number[address], address, want)
		}
	}
	for _, sent := range []string{strangersKey, strangersSecret, adminKey} {
		if strings.Contains(logs, sent) {
			t.Errorf("the log shows what was sent")
		}
	}
}
