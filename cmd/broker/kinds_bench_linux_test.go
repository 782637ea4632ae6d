package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/saml/samltest"
)

// BenchmarkCachedByKind is what an answer from the cache costs the broker, by the kind of login: of_google
// is its processor time beside one by Google's. A fresh token of a known login takes its proof; the same
// token again does not.
func BenchmarkCachedByKind(b *testing.B) {
	kinds := startKinds(b)
	idp := samltest.New(b)
	company := startOffice(b, idp)["engine"]
	jwt := kinds.jwt("alice", "app", nil)
	graph := kinds.graph.Token(idptest.GraphToken{App: idptest.AppID, User: facebookID("alice")})
	amazon := kinds.amazon.Token(idptest.AmazonToken{App: "amzn.app", Client: "client", User: "alice", Left: 3600})
	var google float64
	for _, k := range []struct {
		kind            string
		broker          *instance
		pool            string
		provider, token string
	}{
		{"google", kinds.instance, everyKind, "accounts.google.com", jwt},
		{"apple", kinds.instance, everyKind, "appleid.apple.com", jwt},
		{"user_pool", kinds.instance, everyKind, someUserPool, jwt},
		{"facebook", kinds.instance, everyKind, "graph.facebook.com", graph},
		{"amazon", kinds.instance, everyKind, "www.amazon.com", amazon},
		{"saml", company, officePool, office, idp.Respond(b, samltest.Login{User: "alice", Attributes: ofRole("one")})},
	} {
		b.Run(k.kind, func(b *testing.B) {
			body, _ := json.Marshal(map[string]any{"logins": map[string]string{k.provider: k.token}})
			ask := func(want string) {
				r, err := http.Post(k.broker.url+"/v1/pools/"+k.pool+"/credentials", "application/json", bytes.NewReader(body))
				if err != nil {
					b.Fatal(err)
				}
				defer r.Body.Close()
				_, _ = io.Copy(io.Discard, r.Body)
				if got := r.Header.Get("X-Cache"); want != "" && got != want {
					b.Fatalf("got %d, X-Cache %q, want a %s", r.StatusCode, got, want)
				}
			}
			ask("")
			before := k.broker.processorTime(b)
			for range b.N {
				ask("hit")
			}
			cost := float64(k.broker.processorTime(b)-before) / float64(b.N)
			if k.kind == "google" {
				google = cost
			}
			b.ReportMetric(cost/float64(time.Microsecond), "cpu-µs/op")
			if google > 0 {
				b.ReportMetric(cost/google, "of_google")
			}
			b.ReportMetric(float64(len(body)), "bytes")
		})
	}
}

// processorTime is what the broker has used, in hundredths of a second.
func (i *instance) processorTime(t testing.TB) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", i.process.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] { // utime, stime
		n, _ := strconv.ParseInt(f, 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
