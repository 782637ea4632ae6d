package main

import (
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// faultProxy stands between two brokers and passes requests on, unless a fault
// says what becomes of them instead.
type faultProxy struct {
	url    string
	behind http.Handler

	mu     sync.Mutex
	server *http.Server // nil while it refuses connections
	fault  fault        // nil: none
	ended  chan struct{}
}

// fault is what becomes of a request instead of its way on. One that holds it
// lets go when ended closes.
type fault func(p *faultProxy, w http.ResponseWriter, r *http.Request, ended <-chan struct{})

func startProxy(t *testing.T, target string) *faultProxy {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	p := &faultProxy{ended: make(chan struct{}), behind: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host // which is signed
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 16},
		ErrorLog:  log.New(io.Discard, "", 0),
	}}
	p.url = "http://" + p.listen(t, "127.0.0.1:0")
	t.Cleanup(p.stop)
	return p
}

// listen takes connections at an address again; the old one is free once stop
// returned.
func (p *faultProxy) listen(t *testing.T, address string) string {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	p.server = &http.Server{Handler: p, ErrorLog: log.New(io.Discard, "", 0)}
	go p.server.Serve(l)
	return l.Addr().String()
}

func (p *faultProxy) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != nil {
		p.server.Close()
		p.server = nil
	}
}

func (p *faultProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	fault, ended := p.fault, p.ended
	p.mu.Unlock()
	if fault == nil {
		p.behind.ServeHTTP(w, r)
		return
	}
	fault(p, w, r, ended)
}

// begin lets a fault have every request; nil refuses connections.
func (p *faultProxy) begin(f fault) {
	if f == nil {
		p.stop()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.ended = f, make(chan struct{})
}

// end passes requests on again.
func (p *faultProxy) end(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		p.listen(t, strings.TrimPrefix(p.url, "http://"))
	}
	if p.fault != nil {
		p.fault = nil
		close(p.ended)
	}
}

// reset breaks the connection.
func reset(_ *faultProxy, w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
	io.Copy(io.Discard, r.Body)
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	connection.(*net.TCPConn).SetLinger(0) // RST, not FIN
	connection.Close()
}

// hanging never answers.
func hanging(_ *faultProxy, _ http.ResponseWriter, r *http.Request, ended <-chan struct{}) {
	io.Copy(io.Discard, r.Body) // so that the server sees the client go
	select {
	case <-ended:
	case <-r.Context().Done():
	}
	panic(http.ErrAbortHandler)
}

// noise answers with what is no HTTP.
func noise(_ *faultProxy, w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
	io.Copy(io.Discard, r.Body)
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	io.WriteString(connection, "\x16\x03\x01 no HTTP at all\r\n\r\n")
	connection.Close()
}

// answers is somebody else's answer.
func answers(status int, contentType, body string, headers ...string) fault {
	return func(_ *faultProxy, w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", contentType)
		for n := 0; n+1 < len(headers); n += 2 {
			w.Header().Set(headers[n], headers[n+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// cutOff does what was asked and answers with the first half of the answer.
func cutOff(p *faultProxy, w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
	whole := p.replay(w, r)
	w.Write(whole[:len(whole)/2])
	panic(http.ErrAbortHandler)
}

// dribble does what was asked and answers so slowly that nobody waits for the end.
func dribble(p *faultProxy, w http.ResponseWriter, r *http.Request, ended <-chan struct{}) {
	whole := p.replay(w, r)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for len(whole) > 0 {
		w.Write(whole[:1])
		http.NewResponseController(w).Flush()
		whole = whole[1:]
		select {
		case <-tick.C:
		case <-ended:
			panic(http.ErrAbortHandler)
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
}

// replay passes a request on, sends the head of its answer and returns the body.
func (p *faultProxy) replay(w http.ResponseWriter, r *http.Request) []byte {
	recorded := httptest.NewRecorder()
	p.behind.ServeHTTP(recorded, r)
	maps.Copy(w.Header(), recorded.Header())
	w.Header().Set("Content-Length", strconv.Itoa(recorded.Body.Len()))
	w.WriteHeader(recorded.Code)
	return recorded.Body.Bytes()
}
