package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// other is an address of this machine that the other requests of tests do not come from.
const other = "127.0.0.2"

// open opens connections from an address, sends text by each, and closes them in the end.
func (i *instance) open(t *testing.T, from string, n int, text string) []net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conns := make([]net.Conn, n)
	for k := range conns {
		c, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(i.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(time.Minute))
		io.WriteString(c, text) // may be closed already
		conns[k] = c
	}
	return conns
}

const healthRequest = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

// answeredOf counts the connections that get an answer rather than their end.
func answeredOf(conns []net.Conn) (n int) {
	for _, c := range conns {
		if r, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil && r.StatusCode == 200 {
			n++
		}
	}
	return n
}

// awaitMetric waits until a metric has a value that is wanted.
func (i *instance) awaitMetric(t *testing.T, name string, want func(float64) bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var got string
	for range 1500 {
		if got = i.metric(t, name); got != "" {
			if v, err := strconv.ParseFloat(got, 64); err == nil && want(v) {
				return
			}
		}
		<-tick.C
	}
	t.Fatalf("%s stays at %s", name, got)
}

func (i *instance) metric(t *testing.T, name string) string {
	t.Helper()
	for line := range strings.SplitSeq(string(i.send(t, http.MethodGet, "/metrics", "").body), "\n") {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return value
		}
	}
	return ""
}

func atLeast(n float64) func(float64) bool { return func(v float64) bool { return v >= n } }

// memory reads a line of a process's status in MiB: VmRSS is what it has, VmHWM what it
// had at most.
func (i *instance) memory(t *testing.T, line string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", i.process.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(line + `:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		t.Fatalf("no %s in %s", line, status)
	}
	n, _ := strconv.Atoi(string(found[1]))
	return n >> 10
}

// Bodies take memory as they arrive, whatever is announced.
func TestAnnouncedBodiesTakeNoMemory(t *testing.T) {
	t.Parallel()
	const connections = 1000
	for name, body := range map[string]string{"a byte": "{", "9,000 bytes": "{" + strings.Repeat(" ", 8999)} {
		t.Run(name, func(t *testing.T) {
			b := startBroker(t, nil, "limits: {request_timeout: 2m}\n")
			if _, err := b.getID(t.Context(), demoPool, nil); err != nil {
				t.Fatal(err)
			}
			before := b.memory(t, "VmRSS")
			b.open(t, other, connections, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.1\r\n"+
				"X-Amz-Target: AWSCognitoIdentityService.GetId\r\nContent-Length: 1048575\r\n\r\n"+body)
			b.awaitMetric(t, "broker_connections", atLeast(connections))
			if len(body) > 8192 {
				b.awaitMetric(t, "broker_body_memory_bytes", atLeast(float64(connections*len(body))))
			}
			if _, err := b.getID(t.Context(), demoPool, nil); err != nil {
				t.Errorf("another client: %v", err)
			}
			took := b.memory(t, "VmHWM") - before
			t.Logf("%d connections took %d MiB, beside %d MiB before", connections, took, before)
			if took >= announcedMiB {
				t.Errorf("%d connections that announce 1 MiB and send %s took %d MiB, want less than %d", connections, name, took, announcedMiB)
			}
		})
	}
}

// Nor does a connection keep memory of a body that was answered.
func TestAnsweredBodiesTakeNoMemory(t *testing.T) {
	t.Parallel()
	const connections, most = 300, 200 // MiB
	b := startBroker(t, nil, "")
	before := b.memory(t, "VmRSS")
	request := "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1048576\r\n\r\n" + strings.Repeat(" ", 1<<20)
	for range connections {
		c := b.open(t, other, 1, request)[0]
		if r, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || r.StatusCode != 400 {
			t.Fatalf("got %v %v, want a refusal", r, err)
		}
	}
	took := b.memory(t, "VmRSS") - before
	t.Logf("%d connections that were idle after 1 MiB each took %d MiB", connections, took)
	if took >= most {
		t.Errorf("they took %d MiB, want less than %d", took, most)
	}
}

// An address that has its part is refused, and nobody else; what it closes makes room.
func TestConnectionsOfAnAddress(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "limits: {connections_per_address: 40}\n")
	conns := b.open(t, other, 60, healthRequest)
	if got := answeredOf(conns); got != 40 {
		t.Errorf("got %d connections answered, want 40", got)
	}
	if _, err := b.getID(t.Context(), demoPool, nil); err != nil {
		t.Errorf("another client: %v", err)
	}
	if got := b.metric(t, `broker_connections_refused_total{limit="address"}`); got != "20" {
		t.Errorf("counted %s, want 20", got)
	}
	if n := strings.Count(b.logs.String(), "connections refused"); n != 1 {
		t.Errorf("got %d log lines, want 1", n)
	}
	for _, c := range conns {
		c.Close()
	}
	b.awaitMetric(t, "broker_connections", func(v float64) bool { return v < 10 })
	if answeredOf(b.open(t, other, 1, healthRequest)) != 1 {
		t.Error("once there is room: got no answer")
	}
}

// All connections together have a limit as well.
func TestConnectionsOfAll(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "limits: {connections: 30}\n")
	http.DefaultClient.CloseIdleConnections()
	conns := append(b.open(t, other, 29, healthRequest), b.open(t, "127.0.0.3", 29, healthRequest)...)
	if got := answeredOf(conns); got < 25 || got > 30 { // the test's own way in may not have ended
		t.Errorf("got %d connections answered, want 30", got)
	}
	for _, c := range conns {
		c.Close()
	}
	b.await(t)
	b.awaitMetric(t, `broker_connections_refused_total{limit="all"}`, atLeast(28))
}

// Clients that stop in the middle of a request end by the time-out, and nobody waits for them:
// in headers, in bodies, in chunks.
func TestClientsThatStop(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "limits: {request_timeout: 1s}\n")
	var all sync.WaitGroup
	for name, text := range map[string]string{
		"nothing":         "",
		"half a line":     "POST / HT",
		"half the header": "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + strings.Repeat("x", 20_000),
		"half a body":     "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{",
		"half a large":    "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 20_000),
		"half a chunk":    "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n" + strings.Repeat("x", 20_000),
	} {
		for _, c := range b.open(t, other, 100, text) {
			all.Go(func() {
				if _, err := io.Copy(io.Discard, c); err != nil {
					t.Errorf("%s: got %v, want the connection's end", name, err)
				}
			})
		}
	}
	if _, err := b.getID(t.Context(), demoPool, nil); err != nil {
		t.Errorf("another client: %v", err)
	}
	all.Wait()
	b.awaitMetric(t, "broker_body_memory_bytes", func(v float64) bool { return v == 0 })
}

// One address that fills its part of the memory for bodies keeps nobody else from sending
// his, and himself not from small ones.
func TestBodiesFillNobodysMemory(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "limits: {body_bytes: 100000, body_memory: 400000, request_timeout: 2m}\n")
	half := "Host: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat(" ", 90_000)
	b.open(t, other, 1, "POST / HTTP/1.1\r\n"+half)
	b.awaitMetric(t, "broker_body_memory_bytes", atLeast(90_000))
	ask := func(from, start, more, body string) *http.Response {
		t.Helper()
		c := b.open(t, from, 1, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%sContent-Length: %d\r\n\r\n%s", start, more, len(body), body))[0]
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		io.Copy(&text, r.Body)
		r.Body = io.NopCloser(&text)
		return r
	}
	const getID = "Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AWSCognitoIdentityService.GetId\r\n"
	small := `{"IdentityPoolId":"` + demoPool + `"}`
	large := small + strings.Repeat(" ", 50_000)
	medium := small + strings.Repeat(" ", 5_000) // read ahead, but more than may be decoded for nothing
	identities := "/v1/pools/" + demoPool + "/identities"
	for name, test := range map[string]struct {
		from, path, header, body string
		status                   int
		content, part            string
	}{
		"wire, no room":       {other, "/", getID, large, 503, "application/x-amz-json-1.1", `"__type":"ServiceUnavailable"`},
		"REST, no room":       {other, identities, "Content-Type: application/json\r\n", "{}" + large[len(small):], 503, "application/problem+json", `"code":"ServiceUnavailable"`},
		"wire, decoding":      {other, "/", getID, medium, 503, "application/x-amz-json-1.1", `"__type":"ServiceUnavailable"`},
		"REST, decoding":      {other, identities, "Content-Type: application/json\r\n", "{}" + medium[len(small):], 503, "application/problem+json", `"code":"ServiceUnavailable"`},
		"wire, small":         {other, "/", getID, small, 200, "application/x-amz-json-1.1", "IdentityId"},
		"REST, small":         {other, identities, "Content-Type: application/json\r\n", "{}", 200, "application/json", "identityId"},
		"wire, another":       {"127.0.0.1", "/", getID, large, 200, "application/x-amz-json-1.1", "IdentityId"},
		"REST, another":       {"127.0.0.1", identities, "Content-Type: application/json\r\n", "{}" + large[len(small):], 200, "application/json", "identityId"},
		"wire, over its size": {other, "/", getID, strings.Repeat(" ", 100_001), 413, "application/x-amz-json-1.1", `"__type":"RequestEntityTooLargeException"`},
		"REST, over its size": {other, identities, "", strings.Repeat(" ", 100_001), 413, "application/problem+json", `"code":"RequestEntityTooLargeException"`},
	} {
		r := ask(test.from, test.path, test.header, test.body)
		text, _ := io.ReadAll(r.Body)
		if r.StatusCode != test.status || r.Header.Get("Content-Type") != test.content || !strings.Contains(string(text), test.part) || (r.Header.Get("Retry-After") != "") != (test.status == 503) {
			t.Errorf("%s: got %d %v %.200s, want %d with %s", name, r.StatusCode, r.Header, text, test.status, test.part)
		}
	}
	// What was answered before is answered again without room.
	guest, err := b.getID(t.Context(), demoPool, nil)
	if err != nil {
		t.Fatal(err)
	}
	known := `{"IdentityId":"` + guest + `"}` + medium[len(small):]
	for _, from := range []string{"127.0.0.1", "127.0.0.1", other} {
		r := ask(from, "/", strings.Replace(getID, "GetId", "GetCredentialsForIdentity", 1), known)
		if r.StatusCode != 200 || from == other && r.Header.Get("X-Cache") != "hit" {
			t.Errorf("known bytes from %s: got %d %v, want a hit", from, r.StatusCode, r.Header)
		}
	}
}
