package httpapi

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/cognito-broker/broker/internal/telemetry"
)

func TestHosts(t *testing.T) {
	h := newHosts([]string{"Broker", "public.example"})
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "localhost:3000": true, "localhost.": true, "localhost.:80": true,
		"127.0.0.1": true, "127.0.0.1:8080": true, "192.168.1.7:8080": true, "[::1]": true, "[::1]:8080": true, "[2001:db8::1]:80": true,
		"broker": true, "BROKER:8080": true, "public.example": true, "public.example.": true,

		"": false, ":8080": false, "evil.example": false, "evil.example:8080": false, "localhost.evil.example": false, "evillocalhost": false,
		"127.0.0.1.evil.example": false, "broker.evil.example": false, "a.localhost": false, "localhost..": false, "xlocalhost:1": false,
		"127.1": false, "2130706433": false, "0x7f000001": false, "127.0.0.1.": false, "::1": false, "[::1": false, "[127.0.0.1]": false, "[evil.example]": false,
		"[fe80::1%eth0]": false, "[::1]evil.example": false, "localhost evil.example": false, "evil.example:localhost": false, "127.0.0.1:evil.example": true,
		"user@localhost": false, "localhost/": false, "localhost,evil.example": false, "*": false, "localhost\x00": false,
	} {
		if got := h.good(host); got != want {
			t.Errorf("%q: got %v, want %v", host, got, want)
		}
	}
}

// However a request says its host, a foreign one is refused, in the request's protocol, and
// nothing says that other pages may read why.
func TestForeignHosts(t *testing.T) {
	s := New(Config{
		Hosts: []string{}, Metrics: telemetry.NewMetrics(), Log: zap.NewNop(), BodyBytes: 1024, RequestTimeout: 1e9,
		Ready: func(context.Context) []Reason { return nil },
	})
	ask := func(text string) (*http.Response, string) {
		t.Helper()
		ours, theirs := net.Pipe()
		go s.app.Server().ServeConn(theirs)
		defer ours.Close()
		go io.WriteString(ours, text)
		r, err := http.ReadResponse(bufio.NewReader(ours), nil)
		if err != nil {
			t.Fatalf("%.60q: %v", text, err)
		}
		body, _ := io.ReadAll(r.Body)
		return r, string(body)
	}
	s.app.Handler()
	for text, want := range map[string]string{
		"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n":                                      "problem",
		"GET /metrics HTTP/1.0\r\n\r\n":                                                            "problem",
		"GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n":                      "problem",
		"GET http://localhost/metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n":                      "problem",
		"OPTIONS /v1/pools HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil\r\n\r\n":          "problem",
		"GET /none HTTP/1.1\r\nHost: evil.example\r\n\r\n":                                         "problem",
		"POST / HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\n\r\n{}":                     "wire",
		"OPTIONS / HTTP/1.1\r\nHost: evil.example\r\n\r\n":                                         "wire",
		"POST /x HTTP/1.1\r\nHost: evil.example\r\nX-Amz-Target: T\r\nContent-Length: 2\r\n\r\n{}": "wire",
		"GET /healthz/ HTTP/1.1\r\nHost: evil.example\r\n\r\n":                                     "problem",
		"GET //healthz/../metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n":                          "problem",
		// What a path would be in normal form does not count: routes are found by it as it came.
		"POST /x/../healthz HTTP/1.1\r\nHost: evil.example\r\nX-Amz-Target: T\r\nContent-Length: 2\r\n\r\n{}": "wire",
		"GET /v1/pools/..%2F..%2Fhealthz HTTP/1.1\r\nHost: evil.example\r\n\r\n":                              "problem",
		"GET /v1/pools/..%2F..%2Freadyz HTTP/1.1\r\nHost: evil.example\r\n\r\n":                               "problem",
	} {
		r, body := ask(text)
		part := map[string]string{"problem": `"code":"MisdirectedRequest"`, "wire": `"__type":"MisdirectedRequest"`}[want]
		if r.StatusCode != 421 || !strings.Contains(body, part) || r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%.60q: got %d %v %s, want 421 as %s", text, r.StatusCode, r.Header, body, want)
		}
	}
	for text, want := range map[string]string{
		"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n":              `{"status":"ok"}`,
		"GET /readyz?x=1 HTTP/1.1\r\nHost: evil.example\r\n\r\n":           `"status":"ok"`,
		"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n":                 "broker_",
		"GET http://127.0.0.1/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n": "broker_",
	} {
		if r, body := ask(text); r.StatusCode != 200 || !strings.Contains(body, want) {
			t.Errorf("%.60q: got %d %s, want 200 and %s", text, r.StatusCode, body, want)
		}
	}
	// Two hosts are one too many; whichever a proxy took, the other may be meant here.
	for _, text := range []string{
		"GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
		"GET /metrics HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n\r\n",
	} {
		if r, body := ask(text); r.StatusCode != 421 && r.StatusCode != 400 {
			t.Errorf("%.60q: got %d %s, want a refusal", text, r.StatusCode, body)
		}
	}
}
