package httpapi

import (
	"bytes"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.uber.org/zap"

	"github.com/cognito-broker/broker/internal/telemetry"
)

// repeated is a connection that sends one request n times, one at a time.
type repeated struct {
	net.Conn
	request []byte
	n       int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.n == 0 {
		return 0, io.EOF
	}
	r.n--
	return copy(p, r.request), nil
}

func (r *repeated) Write(p []byte) (int, error)      { return len(p), nil }
func (r *repeated) Close() error                     { return nil }
func (r *repeated) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (r *repeated) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (r *repeated) SetDeadline(time.Time) error      { return nil }
func (r *repeated) SetReadDeadline(time.Time) error  { return nil }
func (r *repeated) SetWriteDeadline(time.Time) error { return nil }

// used is the processor time that the process has taken.
func used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails for nobody
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// What it takes to read a body that comes with its header, as most do: beside the same
// with bodies that the HTTP server reads whole by itself.
func BenchmarkSmallBody(b *testing.B) {
	request := plainRequest("/", 1500, bytes.Repeat([]byte("x"), 1500))
	for name, stream := range map[string]bool{"ours": true, "whole": false} {
		b.Run(name, func(b *testing.B) {
			s := New(Config{Metrics: telemetry.NewMetrics(), Log: zap.NewNop(), BodyBytes: 1 << 20, RequestTimeout: time.Second})
			s.app = fiber.New(fiber.Config{DisableStartupMessage: true, StreamRequestBody: stream, DisablePreParseMultipartForm: true})
			s.app.Post("/", s.guarded(func(c *fiber.Ctx) error { return c.SendStatus(len(c.Request().Body()) / 10) }))
			s.app.Handler()
			b.ReportAllocs()
			before := used()
			if err := s.app.Server().ServeConn(&repeated{request: request, n: b.N}); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64((used()-before).Nanoseconds())/float64(b.N), "cpu-ns/op") // on a busy machine
		})
	}
}
