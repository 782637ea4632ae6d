package httpapi

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/telemetry"
)

const testLimit = 100_000

// startEcho serves POST /echo, which answers with its body's digest, and POST /panic.
func startEcho(t testing.TB, memory int, timeout time.Duration) (*Server, string) {
	t.Helper()
	s := New(Config{Metrics: telemetry.NewMetrics(), Log: zap.NewNop(), BodyBytes: testLimit, BodyMemory: memory, RequestTimeout: timeout})
	s.app.Post("/echo", s.guarded(func(c *fiber.Ctx) error { return c.SendString(digest(kept(c))) }))
	s.app.Post("/panic", s.guarded(func(*fiber.Ctx) error { panic("hunter2") }))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		if err := errors.Join(s.app.Shutdown(), <-served); err != nil {
			t.Error(err)
		}
	})
	return s, l.Addr().String()
}

func digest(body []byte) string { return fmt.Sprintf("%d %x", len(body), sha256.Sum256(body)) }

// client is a connection from one of this machine's addresses.
type client struct {
	net.Conn
	read *bufio.Reader
}

func dial(t testing.TB, from, to string) *client {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	return &client{c, bufio.NewReader(c)}
}

// answer reads an answer: its status and body.
func (c *client) answer(t testing.TB) (*http.Response, string) {
	t.Helper()
	r, err := http.ReadResponse(c.read, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(body)
}

// plain is a request with its body's length; announced may be another.
func plainRequest(path string, announced int, body []byte) []byte {
	return append(fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", path, announced), body...)
}

// chunked is a request in chunks of at most size.
func chunkedRequest(path string, body []byte, size int) []byte {
	text := []byte("POST " + path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
	for len(body) > 0 {
		n := min(size, len(body))
		text = fmt.Appendf(text, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return append(text, "0\r\n\r\n"...)
}

// Whatever the lengths and framings of requests that follow one another on a connection,
// each is answered for its own body, and none for a part of another's.
func TestBodiesProperty(t *testing.T) {
	s, address := startEcho(t, 4*testLimit, time.Minute)
	sizes := rapid.OneOf(
		rapid.SampledFrom([]int{0, 1, 8191, 8192, 8193, 16384, 16385, 32768, 40000, testLimit - 1, testLimit, testLimit + 1, testLimit + 300_000}),
		rapid.IntRange(0, testLimit+10))
	rapid.Check(t, func(r *rapid.T) {
		c := dial(t, "127.0.0.1", address)
		defer c.Close()
		var text []byte
		var want []string
		for range rapid.IntRange(1, 6).Draw(r, "requests") {
			// A body looks like a request, for whoever would read it as one.
			body := bytes.Repeat([]byte("POST /echo HTTP/1.1\r\nHost: y\r\nContent-Length: 0\r\n\r\n"), 10_000)[:sizes.Draw(r, "size")]
			path := rapid.SampledFrom([]string{"/echo", "/echo", "/panic", "/none"}).Draw(r, "path")
			if rapid.Bool().Draw(r, "chunked") {
				text = append(text, chunkedRequest(path, body, rapid.SampledFrom([]int{1, 100, 5000, 20_000, 1 << 20}).Draw(r, "chunks"))...)
			} else {
				text = append(text, plainRequest(path, len(body), body)...)
			}
			switch {
			case path == "/none":
				want = append(want, "404")
			case len(body) > testLimit:
				want = append(want, "413")
			case path == "/panic":
				want = append(want, "500")
			default:
				want = append(want, fmt.Sprint("200 ", digest(body)))
			}
		}
		go c.Write(text)
		for _, w := range want {
			a, err := http.ReadResponse(c.read, nil)
			if err != nil {
				r.Fatalf("got %v, want %s", err, w)
			}
			got, err := io.ReadAll(a.Body)
			if err != nil || !strings.HasPrefix(fmt.Sprint(a.StatusCode, " ", string(got)), w) {
				r.Fatalf("got %d %.60s %v, want %s", a.StatusCode, got, err, w)
			}
			if a.Close { // the rest of a body that nobody wanted was too long to read on
				if w[0] == '2' {
					r.Fatal("closed after a good request")
				}
				return
			}
		}
		c.Conn.(*net.TCPConn).CloseWrite()
		if rest, err := io.ReadAll(c.read); len(rest) > 0 || err != nil && !errors.Is(err, net.ErrClosed) {
			r.Fatalf("got %.60q %v after all answers, want nothing", rest, err)
		}
	})
	s.wantLeft(t, "after all", 4*testLimit)
}

// wantLeft fails unless so much of the budget is left, once connections that came or were
// closed have been noticed.
func (s *Server) wantLeft(t *testing.T, what string, want int) {
	t.Helper()
	b := s.bodies.budget
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	left, taken := 0, 0
	for range 20_000 {
		b.mu.Lock()
		left, taken = b.left, 0
		for _, n := range b.taken {
			taken += n
		}
		b.mu.Unlock()
		if left == want && (taken > 0) == (left < 4*testLimit) {
			return
		}
		<-tick.C
	}
	t.Errorf("%s: got %d left and %d taken, want %d left", what, left, taken, want)
}

// wantTaken fails unless a part of the budget is taken, once the request has been noticed.
func (s *Server) wantTaken(t *testing.T, what string, memory int) {
	t.Helper()
	b := s.bodies.budget
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 20_000 {
		b.mu.Lock()
		left := b.left
		b.mu.Unlock()
		if left < memory {
			return
		}
		<-tick.C
	}
	t.Errorf("%s: got nothing taken", what)
}

// The budget is given back whatever becomes of a request.
func TestBudgetIsGivenBack(t *testing.T) {
	const memory = 4 * testLimit
	s, address := startEcho(t, memory, time.Second)
	large := bytes.Repeat([]byte("x"), testLimit)
	for name, test := range map[string]struct {
		text   []byte
		close  bool
		status int
	}{
		"answered":           {plainRequest("/echo", testLimit, large), false, 200},
		"in chunks":          {chunkedRequest("/echo", large, 777), false, 200},
		"a panic":            {plainRequest("/panic", testLimit, large), false, 500},
		"a stop":             {plainRequest("/echo", testLimit, large[:50_000]), false, 408},
		"a stop in chunks":   {chunkedRequest("/echo", large, 777)[:50_000], false, 408},
		"gone":               {plainRequest("/echo", testLimit, large[:50_000]), true, 0},
		"gone in chunks":     {chunkedRequest("/echo", large, 777)[:50_000], true, 0},
		"a broken chunk":     {append(bytes.TrimSuffix(chunkedRequest("/echo", large[:50_000], 777), []byte("0\r\n\r\n")), "zz\r\n"...), false, 400},
		"too large in parts": {chunkedRequest("/echo", append(large, 'x'), 777), false, 413},
	} {
		c := dial(t, "127.0.0.1", address)
		if _, err := c.Write(test.text); err != nil {
			t.Fatal(err)
		}
		if test.close {
			s.wantTaken(t, name, memory) // or the server may not have begun to read when it is asked below
			c.Close()
		} else if a, body := c.answer(t); a.StatusCode != test.status || test.status != 200 && a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: got %d %s, want %d", name, a.StatusCode, body, test.status)
		}
		s.wantLeft(t, name, memory)
	}
}

// Whoever asks for more than is left is refused; those who have theirs are served, and so
// is whoever needs none. One address cannot have all.
func TestBudgetIsShared(t *testing.T) {
	const memory = 4 * testLimit // of which an address has a quarter, and room for one byte more
	s, address := startEcho(t, memory, time.Minute)
	large := bytes.Repeat([]byte("x"), testLimit)
	begin := func(from string) *client {
		c := dial(t, from, address)
		if _, err := c.Write(plainRequest("/echo", testLimit, large[:testLimit-1])); err != nil {
			t.Fatal(err)
		}
		return c
	}
	status := func(from string, body []byte) int {
		t.Helper()
		c := dial(t, from, address)
		defer c.Close()
		if _, err := c.Write(plainRequest("/echo", len(body), body)); err != nil {
			t.Fatal(err)
		}
		a, text := c.answer(t)
		if a.StatusCode == 503 && (a.Header.Get("Retry-After") == "" || !strings.Contains(text, `"code":"ServiceUnavailable"`)) {
			t.Errorf("got %v %s, want Retry-After and the code", a.Header, text)
		}
		return a.StatusCode
	}
	var held []*client
	for n := range 4 {
		from := fmt.Sprint("127.0.0.", n+1)
		held = append(held, begin(from))
		s.wantLeft(t, from, memory-(n+1)*testLimit)
		if got := status(from, large); got != 503 {
			t.Errorf("an address with its part taken: got %d, want 503", got)
		}
		if next := fmt.Sprint("127.0.0.", n+2); n < 3 {
			if got := status(next, large); got != 200 {
				t.Errorf("another address: got %d, want 200", got)
			}
		}
	}
	if got := status("127.0.0.9", large[:9000]); got != 503 {
		t.Errorf("all taken: got %d, want 503", got)
	}
	for _, size := range []int{0, 100, 8192} {
		if got := status("127.0.0.9", large[:size]); got != 200 {
			t.Errorf("all taken, %d bytes: got %d, want 200", size, got)
		}
	}
	for _, c := range held {
		if _, err := c.Write(large[:1]); err != nil {
			t.Fatal(err)
		}
		if a, body := c.answer(t); a.StatusCode != 200 || body != digest(large) {
			t.Errorf("who had his part: got %d %s, want his answer", a.StatusCode, body)
		}
	}
	s.wantLeft(t, "after all", memory)
}

// Room grows with what has come, never with what is announced.
func TestBodyGrowsAsItArrives(t *testing.T) {
	const limit = 1 << 20
	counted := 0
	b := newBodies(limit, 4*limit, func(n int) { counted += n })
	reader, writer := io.Pipe()
	g := growing{bodies: b, stream: reader, limit: limit, hold: hold{address: "a"}}
	read := make(chan error)
	go func() { read <- g.read(limit) }()
	for sent := 0; sent < limit; sent += 4096 {
		writer.Write(make([]byte, 4096)) // returns once it has been read
		b.budget.mu.Lock()
		taken := b.budget.taken["a"]
		b.budget.mu.Unlock()
		if taken > 2*(sent+4096)+firstBytes || taken < sent {
			t.Fatalf("%d bytes have come: %d taken", sent+4096, taken)
		}
	}
	if err := <-read; err != nil || len(g.body) != limit || g.hold.bytes != limit || counted != limit {
		t.Errorf("got %v, %d bytes, hold %+v, %d counted, want all", err, len(g.body), g.hold, counted)
	}
	if b.release(g.hold); counted != 0 || len(b.budget.taken) != 0 {
		t.Errorf("released: %d counted, %v taken", counted, b.budget.taken)
	}
}

// A client that asks first whether it may send its body is told so, and answered.
func TestExpectContinue(t *testing.T) {
	_, address := startEcho(t, 4*testLimit, time.Minute)
	for _, size := range []int{10, 50_000, testLimit + 1} {
		c := dial(t, "127.0.0.1", address)
		fmt.Fprintf(c, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", size)
		if line, err := c.read.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
			t.Fatalf("got %q %v, want 100", line, err)
		}
		c.read.ReadString('\n')
		body := bytes.Repeat([]byte("x"), size)
		go c.Write(body)
		want := map[bool]int{true: 200, false: 413}[size <= testLimit]
		if a, text := c.answer(t); a.StatusCode != want || want == 200 && text != digest(body) {
			t.Errorf("%d bytes: got %d %s, want %d", size, a.StatusCode, text, want)
		}
	}
}

// Forms of files are bodies as all others: nothing of them is read ahead, nor put on a disk.
func TestMultipartIsABody(t *testing.T) {
	_, address := startEcho(t, 4*testLimit, time.Minute)
	body := "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n" + strings.Repeat("x", 50_000) + "\r\n--b--\r\n"
	for length, want := range map[int]int{len(body): 200, 1 << 40: 413} {
		c := dial(t, "127.0.0.1", address)
		go fmt.Fprintf(c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n%s", length, body)
		if a, text := c.answer(t); a.StatusCode != want || want == 200 && text != digest([]byte(body)) {
			t.Errorf("%d bytes: got %d %s, want %d", length, a.StatusCode, text, want)
		}
	}
}
