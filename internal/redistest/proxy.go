package redistest

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/testport"
)

// Link is a way to a server that can be made slow, silent or cut. It carries bytes
// and does not look into them. Its methods may be called from any goroutine.
type Link struct {
	t       testing.TB
	address string // the server's
	port    int

	mu      sync.Mutex // guards the rest
	held    [2]bool    // by direction
	delay   time.Duration
	changed chan struct{} // closed by the next change of the two
	cut     func() func() // closes everything and returns the wait for it; nil while cut
}

// The directions of a link.
const (
	toServer = iota
	toClient
)

// Proxy opens a way to a server's address, until the test ends.
//
// It is no toxiproxy, whose goroutines (v2.5.0) stay behind when a connection ends
// while bytes are on their way, and which can only lose what it holds back.
func Proxy(t testing.TB, address string) *Link {
	t.Helper()
	l := &Link{t: t, address: address, changed: make(chan struct{})}
	var err error
	for range 3 { // a program that is no test may take a port first
		l.port = testport.Reserve(t)
		if err = l.open(); err == nil {
			t.Cleanup(l.Cut)
			return l
		}
	}
	t.Fatal(err)
	return nil
}

// Addr returns the address for clients, which never changes.
func (l *Link) Addr() string { return testport.Loopback(l.port) }

// Cut closes all connections, drops what is on its way, and refuses new ones.
func (l *Link) Cut() {
	l.mu.Lock()
	wait := func() {}
	if l.cut != nil {
		wait = l.cut()
		l.cut = nil
	}
	l.mu.Unlock()
	wait()
}

// Hang holds back what is sent in either direction. The connections stay, and new
// ones are taken: to a client, a server that says nothing. Restore delivers what
// was held, so a command may come after its client has given up.
func (l *Link) Hang() { l.change(func() { l.held = [2]bool{true, true} }) }

// HangAnswers holds back what the server sends: commands are carried out, and
// nobody hears of it.
func (l *Link) HangAnswers() { l.change(func() { l.held[toClient] = true }) }

// Latency makes each round trip longer by d, half of it in either direction.
func (l *Link) Latency(d time.Duration) { l.change(func() { l.delay = d / 2 }) }

// Lead cuts the link, and has it lead to another server.
func (l *Link) Lead(address string) {
	l.t.Helper()
	l.Cut()
	l.mu.Lock()
	l.address = address
	l.mu.Unlock()
	l.Restore()
}

// Restore ends whatever was done to the link.
func (l *Link) Restore() {
	l.t.Helper()
	l.change(func() { l.held, l.delay = [2]bool{}, 0 })
	if err := l.open(); err != nil {
		l.t.Error(err)
	}
}

func (l *Link) change(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
	close(l.changed)
	l.changed = make(chan struct{})
}

// open listens, unless the link does already.
func (l *Link) open() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut != nil {
		return nil
	}
	listener, err := net.Listen("tcp", l.Addr())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	l.cut = func() func() {
		listener.Close()
		cancel()
		return running.Wait
	}
	running.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { l.carry(ctx, client.(*net.TCPConn)) })
		}
	})
	return nil
}

// carry serves a client's connection until both sides are done, or ctx is.
func (l *Link) carry(ctx context.Context, client *net.TCPConn) {
	defer client.Close()
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.address)
	if err != nil {
		return
	}
	server := connection.(*net.TCPConn)
	defer server.Close()
	stop := context.AfterFunc(ctx, func() {
		client.Close()
		server.Close()
	})
	defer stop()

	// A side that takes nothing any more: the client learns it, as from a kernel;
	// what it had sent before still goes on to the server.
	failed := func() { client.Close() }
	var answers sync.WaitGroup
	answers.Go(func() { l.pump(ctx, toClient, client, server, failed) })
	l.pump(ctx, toServer, server, client, failed)
	answers.Wait()
}

// parcel is a piece of what is on its way, and when it is to arrive.
type parcel struct {
	data []byte
	due  time.Time
}

// pump carries what one side sends to the other, and then that it sends no more.
func (l *Link) pump(ctx context.Context, direction int, to, from *net.TCPConn, failed func()) {
	way := make(chan parcel, 1024)
	go func() {
		defer close(way)
		buffer := make([]byte, 32<<10)
		for {
			n, err := from.Read(buffer)
			way <- parcel{bytes.Clone(buffer[:n]), l.due()} // the last one may be empty
			if err != nil {
				return
			}
		}
	}()
	lost := false
	for p := range way { // to its end, so that the reader ends
		if lost || !l.arrives(ctx, direction, p.due) {
			lost = true
		} else if _, err := to.Write(p.data); err != nil {
			lost = true
			failed()
		}
	}
	_ = to.CloseWrite()
}

func (l *Link) due() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Add(l.delay)
}

// arrives waits until what is due may arrive; false means that it never does.
func (l *Link) arrives(ctx context.Context, direction int, due time.Time) bool {
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	for {
		l.mu.Lock()
		held, changed := l.held[direction], l.changed
		l.mu.Unlock()
		ready := timer.C
		if held {
			ready = nil
		}
		select {
		case <-ready:
			return true
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}
