package httpapi

import (
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
)

// Client is a class of clients, known by its user agent, and the least
// remaining life that its caching needs.
type Client struct {
	UserAgent    *regexp.Regexp
	MinRemaining time.Duration
}

// knownAgents bounds the user agents whose class is remembered; agentBytes the
// length of one that is looked at.
const (
	knownAgents = 1024
	agentBytes  = 1024
)

// classes finds a request's class by its user agent headers. Matching patterns
// costs more than answering from the memo, so answers are remembered.
type classes struct {
	clients []Client
	known   atomic.Pointer[map[string]int]
	mu      sync.Mutex // orders additions
}

func newClasses(clients []Client) *classes {
	c := &classes{clients: clients}
	c.known.Store(&map[string]int{})
	return c
}

// of returns the class of a request: 0 for none, i+1 for clients[i].
func (c *classes) of(ctx *fiber.Ctx) int {
	if len(c.clients) == 0 {
		return 0
	}
	var buf [256]byte
	agent := append(buf[:0], ctx.Request().Header.Peek("X-Amz-User-Agent")...)
	agent = append(agent, ' ')
	agent = append(agent, ctx.Request().Header.UserAgent()...)
	if len(agent) > agentBytes {
		agent = agent[:agentBytes]
	}
	if class, ok := (*c.known.Load())[string(agent)]; ok {
		return class
	}
	return c.learn(string(agent)) // a copy, so that buf needs no heap
}

// learn finds the class of an agent, and remembers it.
func (c *classes) learn(agent string) int {
	class := c.match(agent)
	c.remember(agent, class)
	return class
}

func (c *classes) match(agent string) int {
	for i, client := range c.clients {
		if client.UserAgent.MatchString(agent) {
			return i + 1
		}
	}
	return 0
}

func (c *classes) remember(agent string, class int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := *c.known.Load()
	if len(old) >= knownAgents {
		return
	}
	next := make(map[string]int, len(old)+1)
	for a, k := range old {
		next[a] = k
	}
	next[agent] = class
	c.known.Store(&next)
}

// floor is the least remaining life that a class asks for.
func (c *classes) floor(class int) time.Duration {
	if class == 0 {
		return 0
	}
	return c.clients[class-1].MinRemaining
}
