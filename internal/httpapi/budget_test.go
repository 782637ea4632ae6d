package httpapi

import (
	"bufio"
	"net"
	"net/http"
	"testing"
	"time"
)

// All bodies have room for one at least, and so has each address; of more it has a quarter.
func TestBudgetOfBodies(t *testing.T) {
	const limit, whole = 1000, 1001 // by its next byte a body shows that it is too long
	for memory, want := range map[int][2]int{0: {whole, whole}, 2000: {2000, whole}, 4000: {4000, whole}, 4004: {4004, whole}, 8000: {8000, 2000}} {
		b := newBodies(limit, memory, func(int) {}).budget
		if got := [2]int{b.left, b.part}; got != want {
			t.Errorf("%d bytes: got %v, want %v", memory, got, want)
		}
	}
}

// Of several bodies of one address each counts until it is done.
func TestBudgetOfOneAddress(t *testing.T) {
	b := newBudget(100, 20)
	if !b.take("a", 10) || b.take("a", 11) || !b.take("a", 10) {
		t.Error("got not exactly the part of an address")
	}
	if b.give("a", 10); b.take("a", 11) || !b.take("a", 10) {
		t.Error("one of two given back: got not exactly what it had")
	}
}

// Who sends all of a body before he reads gets to see why it is not taken, whether its length
// is announced or shows as it comes; of one that is much too long nothing more is read.
func TestRefusedBodiesAreReadOn(t *testing.T) {
	s, _ := startEcho(t, 4*testLimit, time.Minute)
	s.app.Handler()
	long, short := make([]byte, testLimit+200_000), make([]byte, testLimit-1)
	for name, test := range map[string]struct {
		text   []byte
		taken  bool // all that the address may have
		status int
	}{
		"announced":         {plainRequest("/echo", len(long), long), false, 413},
		"in chunks":         {chunkedRequest("/echo", long, 5000), false, 413},
		"no room":           {plainRequest("/echo", len(short), short), true, 503},
		"no room, chunks":   {chunkedRequest("/echo", short, 5000), true, 503},
		"announced, absurd": {plainRequest("/echo", testLimit+bodySlack+1, long[:8192]), false, 413},
	} {
		ours, theirs := net.Pipe() // whose writes wait until they are read
		go s.app.Server().ServeConn(theirs)
		ours.SetDeadline(time.Now().Add(time.Minute))
		const self = "0.0.0.0" // whoever comes by a pipe
		if test.taken && !s.bodies.budget.take(self, s.bodies.budget.part) {
			t.Fatal("no budget")
		}
		if _, err := ours.Write(test.text); err != nil {
			t.Errorf("%s: got %v before all was sent", name, err)
		} else if a, body := (&client{ours, bufio.NewReader(ours)}).answer(t); a.StatusCode != test.status {
			t.Errorf("%s: got %d %s, want %d", name, a.StatusCode, body, test.status)
		}
		ours.Close()
		if test.taken {
			s.bodies.budget.give(self, s.bodies.budget.part)
		}
	}
	s.wantLeft(t, "after all", 4*testLimit)
}

// A body that ends before its length is broken, however much of it there is.
func TestCutBodiesAreBroken(t *testing.T) {
	s, address := startEcho(t, 4*testLimit, time.Minute)
	body := make([]byte, testLimit)
	for name, text := range map[string][]byte{
		"short":     plainRequest("/echo", 5000, body[:4999]),
		"long":      plainRequest("/echo", testLimit, body[:testLimit-1]),
		"in chunks": chunkedRequest("/echo", body, 777)[:50_000],
	} {
		c := dial(t, "127.0.0.1", address)
		if _, err := c.Write(text); err != nil {
			t.Fatal(err)
		}
		c.Conn.(*net.TCPConn).CloseWrite()
		if a, err := http.ReadResponse(c.read, nil); err == nil && a.StatusCode != 400 { // or closed without a word
			t.Errorf("%s: got %d, want 400", name, a.StatusCode)
		}
	}
	s.wantLeft(t, "after all", 4*testLimit)
}
