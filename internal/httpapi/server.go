// Package httpapi is the broker's HTTP edge on Fiber: REST routes, health,
// metrics, the memo of hot answers, limits and time-outs. It mounts awswire,
// which speaks AWS's protocols, and decides nothing itself. Fiber lives here
// only; whatever outlives a handler is copied first, for Fiber reuses its
// buffers.
package httpapi

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"go.uber.org/zap"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/telemetry"
)

// Reason says why a part of the broker is not well.
type Reason struct {
	Part   string `json:"part"`
	Reason string `json:"reason"`
	// Degraded says that misses are answered all the same.
	Degraded bool `json:"-"`
}

// Development holds the documents of the development identity provider.
type Development struct {
	Path      string // of the issuer, such as /dev/idp
	Discovery []byte
	Keys      []byte
}

// Issuer is an OpenID issuer: its documents, and a new signing key on demand.
type Issuer interface {
	Discovery() []byte
	JWKS() []byte
	Rotate(ctx context.Context) (keyID string, err error)
}

// Config holds what the edge works with. Fields without a remark are required.
type Config struct {
	Flows   *flows.Service
	Wire    *awswire.Server
	Memo    *cache.Memo
	Clients []Client // first match wins
	Metrics *telemetry.Metrics
	Log     *zap.Logger
	// Ready tells what is wrong; none is well.
	Ready func(ctx context.Context) []Reason
	// Development is nil in production.
	Development *Development
	// Issuer is the engine's; nil where tokens are not ours.
	Issuer Issuer
	// Explainer is the engine; nil in front of Cognito.
	Explainer Explainer
	// Callers authenticate by API key; nil knows nobody.
	Callers *callers.Registry
	// Failed is told of wrong API keys; nil: they have no limit.
	Failed callers.Failed
	// PoolOf finds the pool of an identity, for callers of some pools only.
	PoolOf awswire.PoolOf
	// AccountID is the account of the pools, for their ARNs.
	AccountID string
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// PublicURL is where apps reach the broker.
	PublicURL string
	// Hosts are the names that requests may be for beside localhost and plain addresses;
	// nil is any.
	Hosts []string
	// Origins are those whose pages may read answers to apps, "*" all; CallerOrigins
	// those whose pages may read answers to callers.
	Origins, CallerOrigins []string
	// BodyBytes bounds a request's body, BodyMemory what all have together; 0 is room for
	// one. RequestTimeout bounds both the reading of a request and the work on it.
	BodyBytes, BodyMemory int
	RequestTimeout        time.Duration
	// Connections bounds the open ones, ConnectionsPerAddress those of one client
	// address; 0 is no limit.
	Connections, ConnectionsPerAddress int
	Now                                func() time.Time // nil: the system's clock
}

// Limits of a connection beside the configured ones.
const (
	headerBytes  = 32 << 10
	writeTimeout = 30 * time.Second
	idleTimeout  = 75 * time.Second
)

// Server is the HTTP edge.
type Server struct {
	Config
	app      *fiber.App
	handlers *handlers // of REST
	classes  *classes
	hotWire  map[string]*telemetry.Hot
	hotGrant *telemetry.Hot
	deadline *sharedDeadline // of replays
	bodies   *bodies
	origins  *origins
	appRoute map[string]bool // for apps: method, blank, path
	draining atomic.Bool
}

// New returns a server that listens nowhere yet.
func New(c Config) *Server {
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Server{
		Config: c, classes: newClasses(c.Clients), hotGrant: c.Metrics.Hot(opGrant),
		deadline: newSharedDeadline(c.RequestTimeout / replayPart),
	}
	s.handlers = &handlers{&s.Config}
	s.bodies = newBodies(c.BodyBytes, c.BodyMemory, c.Metrics.BodyMemory)
	s.origins = newOrigins(c.Origins, c.CallerOrigins, c.PublicURL)
	s.hotWire = map[string]*telemetry.Hot{targetPrefix + opCredentials: c.Metrics.Hot(opCredentials)}
	s.app = fiber.New(fiber.Config{
		DisableStartupMessage:        true,
		BodyLimit:                    c.BodyBytes,
		StreamRequestBody:            true, // bodies are read by s.bodies
		DisablePreParseMultipartForm: true, // which would read all that is announced, to disk
		ReadBufferSize:               headerBytes,
		ReadTimeout:                  c.RequestTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		ErrorHandler:                 s.fail,
		CaseSensitive:                true,
		StrictRouting:                true,
		GETOnly:                      false,
	})
	s.app.Server().LazyRequestTime = true // nobody asks for it, and a clock takes its time
	s.routes()
	if c.Hosts != nil {
		s.app.Server().Handler = s.hosted(newHosts(c.Hosts), s.app.Server().Handler)
	}
	return s
}

func (s *Server) routes() {
	s.app.Post("/", s.guarded(s.wire))
	s.app.Options("/", s.wirePreflight)
	s.app.Get("/", s.guarded(s.presigned))
	s.mount()
	s.app.Get("/healthz", s.healthz)
	s.app.Get("/readyz", s.readyz)
	s.app.Get("/metrics", s.guarded(adaptor.HTTPHandler(s.Metrics.Handler())))
	if d := s.Development; d != nil {
		s.app.Get(d.Path+"/.well-known/openid-configuration", document(func() []byte { return d.Discovery }))
		s.app.Get(d.Path+"/jwks", document(func() []byte { return d.Keys }))
	}
	if i := s.Issuer; i != nil {
		s.app.Get("/.well-known/openid-configuration", document(i.Discovery))
		s.app.Get("/.well-known/jwks_uri", document(i.JWKS))
	}
}

func document(body func() []byte) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, "application/json")
		c.Set(fiber.HeaderCacheControl, "max-age=300")
		c.Set(fiber.HeaderAccessControlAllowOrigin, "*")
		return c.Send(body())
	}
}

// Serve answers on l until Shutdown, or fails. It takes no more connections than the
// limits allow.
func (s *Server) Serve(l net.Listener) error { return s.app.Listener(s.limited(l)) }

// Shutdown turns readiness off, closes the listener and waits for requests
// under way until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	err := s.app.ShutdownWithContext(ctx)
	if errors.Is(err, fiber.ErrServiceUnavailable) {
		return nil
	}
	return err
}
