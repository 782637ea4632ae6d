package httpapi

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// script is a listener that accepts what it is told to, in turn, and is closed then.
type script struct {
	turns  []any // an address to accept from, or an error
	closed int
	conns  []*fromAddress // accepted
}

func (s *script) Addr() net.Addr { return &net.TCPAddr{} }
func (s *script) Close() error   { s.closed++; return nil }
func (s *script) Accept() (net.Conn, error) {
	if len(s.turns) == 0 {
		return nil, net.ErrClosed
	}
	turn := s.turns[0]
	s.turns = s.turns[1:]
	if err, ok := turn.(error); ok {
		return nil, &net.OpError{Op: "accept", Err: err}
	}
	c, _ := net.Pipe()
	made := &fromAddress{Conn: c, addr: &net.UnixAddr{}}
	if from, ok := turn.(string); ok {
		made.addr = &net.TCPAddr{IP: net.ParseIP(from), Port: 1}
	}
	s.conns = append(s.conns, made)
	return made, nil
}

type fromAddress struct {
	net.Conn
	addr   net.Addr
	closed bool
}

func (f *fromAddress) Close() error { f.closed = true; return f.Conn.Close() }

func (f *fromAddress) RemoteAddr() net.Addr { return f.addr }

// limitedBy lets a script's connections in by limits, with 10.0.0.0/8 and one IPv6 address
// as trusted proxies.
func limitedBy(most, each int, turns ...any) (l *limitedListener, refused *[]string, open *int) {
	refused, open = new([]string), new(int)
	proxies := &Server{Config: Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::5/128")}}}
	return &limitedListener{
		Listener: &script{turns: turns}, most: most, each: each, exempt: proxies.trusted,
		opened: func(n int) { *open += n }, refused: func(limit string) { *refused = append(*refused, limit) },
		closed: make(chan struct{}), from: map[netip.Addr]int{},
	}, refused, open
}

// accepted takes all that comes, and says whose connections those are.
func accepted(l net.Listener) (conns []net.Conn, from []string, err error) {
	for {
		c, err := l.Accept()
		if err != nil {
			return conns, from, err
		}
		conns = append(conns, c)
		tcp, ok := c.RemoteAddr().(*net.TCPAddr)
		if !ok {
			tcp = &net.TCPAddr{}
		}
		from = append(from, tcp.IP.String())
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	for name, test := range map[string]struct {
		most, each int
		turns      []any
		from       []string
		refused    []string
	}{
		"no limit":     {0, 0, []any{"192.0.2.1", "192.0.2.1"}, []string{"192.0.2.1", "192.0.2.1"}, nil},
		"one address":  {9, 2, []any{"192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"}, []string{"192.0.2.1", "192.0.2.1", "192.0.2.2"}, []string{"address"}},
		"all":          {2, 9, []any{"192.0.2.1", "192.0.2.2", "192.0.2.3"}, []string{"192.0.2.1", "192.0.2.2"}, []string{"all"}},
		"IPv4 in IPv6": {9, 1, []any{"192.0.2.1", "::ffff:192.0.2.1"}, []string{"192.0.2.1"}, []string{"address"}},
		"IPv6 by network": {9, 1, []any{"2001:db8:1:2::1", "2001:db8:1:2:ffff::1", "2001:db8:1:3::1"},
			[]string{"2001:db8:1:2::1", "2001:db8:1:3::1"}, []string{"address"}},
		"a proxy":              {3, 1, []any{"10.1.2.3", "10.1.2.3", "10.1.2.3", "10.1.2.3"}, []string{"10.1.2.3", "10.1.2.3", "10.1.2.3"}, []string{"all"}},
		"a proxy by IPv6":      {9, 1, []any{"2001:db8::5", "2001:db8::5"}, []string{"2001:db8::5", "2001:db8::5"}, nil},
		"a proxy's neighbours": {9, 1, []any{"2001:db8::6", "2001:db8::7"}, []string{"2001:db8::6"}, []string{"address"}},
		"no address":           {3, 1, []any{nil, nil, nil, nil}, []string{"<nil>", "<nil>", "<nil>"}, []string{"all"}},
	} {
		l, refused, open := limitedBy(test.most, test.each, test.turns...)
		conns, from, _ := accepted(l)
		if !slices.Equal(from, test.from) || !slices.Equal(*refused, test.refused) || *open != len(from) {
			t.Errorf("%s: got %v, refused %v, %d open; want %v, refused %v", name, from, *refused, *open, test.from, test.refused)
		}
		closed := 0
		for _, c := range l.Listener.(*script).conns {
			if c.closed {
				closed++
			}
		}
		if closed != len(test.refused) {
			t.Errorf("%s: got %d closed, want those that were refused, %d", name, closed, len(test.refused))
		}
		for _, c := range slices.Concat(conns, conns) { // who closes twice counts once
			c.Close()
		}
		if *open != 0 || l.open != 0 || len(l.from) != 0 {
			t.Errorf("%s: all closed: got %d open, %v", name, l.open, l.from)
		}
	}
}

// Who was closed makes room for the next.
func TestConnectionsMakeRoom(t *testing.T) {
	l, refused, _ := limitedBy(1, 1, "192.0.2.1", "192.0.2.1", "192.0.2.1")
	first, _ := l.Accept()
	first.Close()
	if _, err := l.Accept(); err != nil || len(*refused) != 0 {
		t.Errorf("got %v, refused %v, want room", err, *refused)
	}
	l, refused, _ = limitedBy(9, 2, "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1")
	first, _ = l.Accept()
	if _, err := l.Accept(); err != nil {
		t.Fatal(err)
	}
	first.Close()
	if _, from, _ := accepted(l); len(from) != 1 || !slices.Equal(*refused, []string{limitAddress}) {
		t.Errorf("one of two closed: got %v, refused %v, want room for one", from, *refused)
	}
}

// Without files the server waits instead of ending, until it is closed.
func TestWithoutFiles(t *testing.T) {
	for _, err := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		synctest.Test(t, func(t *testing.T) {
			l, refused, _ := limitedBy(9, 9, err, err, "192.0.2.1")
			began, pauses := time.Now(), 2*filesPause
			if errors.Is(err, syscall.ECONNABORTED) {
				pauses = 0
			}
			if _, from, got := accepted(l); len(from) != 1 || !errors.Is(got, net.ErrClosed) || (len(*refused) == 2) != !errors.Is(err, syscall.ECONNABORTED) {
				t.Errorf("%v: got %v, refused %v, %v", err, from, *refused, got)
			}
			if took := time.Since(began); took != pauses {
				t.Errorf("%v: got %v, want to have paused for %v", err, took, pauses)
			}
			for _, limit := range *refused {
				if limit != limitFiles {
					t.Errorf("%v: got %s, want %s", err, limit, limitFiles)
				}
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		l, _, _ := limitedBy(9, 9, syscall.EMFILE)
		began := time.Now()
		l.Close()
		if _, _, err := accepted(l); !errors.Is(err, net.ErrClosed) || time.Since(began) != 0 {
			t.Errorf("closed: got %v after %v, want its end at once", err, time.Since(began))
		}
	})
	l, _, _ := limitedBy(9, 9, syscall.EINVAL)
	if _, _, err := accepted(l); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("a fault: got %v, want it", err)
	}
}

// Refusals are counted each, and logged once a minute.
func TestRefusalsAreLoggedSeldom(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	now, counted := time.Unix(1000, 0), 0
	r := refusals{log: zap.New(core), now: func() time.Time { return now }, count: func(string) { counted++ }}
	for range 100 {
		r.note(limitAll)
		r.note(limitAddress)
		now = now.Add(time.Second)
	}
	var got []int64
	for _, line := range logs.FilterField(zap.String("limit", limitAll)).All() {
		got = append(got, line.ContextMap()["number"].(int64))
	}
	if !slices.Equal(got, []int64{1, 60}) || logs.Len() != 4 || counted != 200 {
		t.Errorf("got lines of %v, %d lines, %d counted; want 1 and 60, 4, 200", got, logs.Len(), counted)
	}
}
