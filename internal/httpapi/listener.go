package httpapi

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"
)

// Names of the limits that a connection may be over, in metrics and logs.
const (
	limitAll     = "all"
	limitAddress = "address"
	limitFiles   = "files" // of the process
)

// refusalInterval is how often refused connections are logged, by limit.
const refusalInterval = time.Minute

// filesPause is how long no connection is taken after the process was out of files.
const filesPause = 100 * time.Millisecond

// limitedListener bounds the open connections: most in all, and each of one address that
// is not exempt; 0 is no limit. It closes connections over a limit at once. While the
// process is out of file descriptors Accept waits instead of failing, for the server would
// end with an error.
type limitedListener struct {
	net.Listener
	most, each int
	exempt     func(netip.Addr) bool
	opened     func(more int)
	refused    func(limit string)
	closed     chan struct{}
	closing    sync.Once

	mu   sync.Mutex
	open int
	from map[netip.Addr]int // by address, an IPv6 one by its network
}

// limited returns l within the server's limits of connections.
func (s *Server) limited(l net.Listener) net.Listener {
	most := s.Connections
	if files, ok := openFiles(); ok && most > files {
		s.Log.Warn("limits.connections is more than the process may have open files for", zap.Int("connections", files))
		most = files
	}
	r := &refusals{log: s.Log, now: s.Now, count: s.Metrics.ConnectionRefused}
	return &limitedListener{
		Listener: l, most: most, each: s.ConnectionsPerAddress, exempt: s.trusted,
		opened: s.Metrics.Connections, refused: r.note, closed: make(chan struct{}), from: map[netip.Addr]int{},
	}
}

// Accept returns the next connection that is within the limits.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		switch {
		case err == nil:
		case exhausted(err):
			l.refused(limitFiles)
			l.pause()
			continue
		case errors.Is(err, syscall.ECONNABORTED): // the client closed it already
			continue
		default:
			return nil, err
		}
		from, limited := l.client(c.RemoteAddr())
		if limit := l.enter(from, limited); limit != "" {
			_ = c.Close()
			l.refused(limit)
			continue
		}
		return &limitedConn{Conn: c, listener: l, from: from}, nil
	}
}

// Close ends the listener, and a pause of Accept.
func (l *limitedListener) Close() error {
	l.closing.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

func (l *limitedListener) pause() {
	t := time.NewTimer(filesPause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.closed:
	}
}

// enter counts a connection, or says which limit it is over.
func (l *limitedListener) enter(from netip.Addr, limited bool) (limit string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.most > 0 && l.open >= l.most:
		return limitAll
	case limited && l.from[from] >= l.each:
		return limitAddress
	}
	l.open++
	l.from[from]++
	l.opened(1)
	return ""
}

func (l *limitedListener) leave(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.from[from]--; l.from[from] == 0 {
		delete(l.from, from)
	}
	l.opened(-1)
}

// limitedConn is a connection that counts until it is closed.
type limitedConn struct {
	net.Conn
	listener *limitedListener
	from     netip.Addr
	left     atomic.Bool
}

// Close closes the connection. It counts no longer once its file is gone.
func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	if c.left.CompareAndSwap(false, true) {
		c.listener.leave(c.from)
	}
	return err
}

// client is what a connection counts by, its address or the first one of an IPv6 client's
// network, and whether it has a limit of its own.
func (l *limitedListener) client(a net.Addr) (from netip.Addr, limited bool) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}, false
	}
	addr, _ := netip.AddrFromSlice(tcp.IP)
	addr = addr.Unmap()
	return network(addr), l.each > 0 && !l.exempt(addr)
}

// exhausted reports whether a listener failed for want of what other connections have.
func exhausted(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// refusals counts refused connections, and logs them now and then. It is for one
// goroutine, as a listener is.
type refusals struct {
	log   *zap.Logger
	now   func() time.Time
	count func(limit string)
	since map[string]int       // not logged yet
	last  map[string]time.Time // logged
}

func (r *refusals) note(limit string) {
	r.count(limit)
	if r.since == nil {
		r.since, r.last = map[string]int{}, map[string]time.Time{}
	}
	r.since[limit]++
	if now := r.now(); now.Sub(r.last[limit]) >= refusalInterval {
		r.log.Warn("connections refused", zap.String("limit", limit), zap.Int("number", r.since[limit]))
		r.since[limit], r.last[limit] = 0, now
	}
}
