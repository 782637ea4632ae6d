package httpapi

import (
	"bytes"
	"errors"
	"io"
	"net"

	"github.com/gofiber/fiber/v2"
)

// Sizes of the reading of bodies.
const (
	// firstBytes is the first buffer of a body that is longer than the 8 KiB that fasthttp
	// reads ahead; the buffer doubles from there.
	firstBytes = 16 << 10
	// bodySlack is how many bytes beyond the limit are read and dropped before a body is
	// refused: a client that is still sending when the connection closes does not see the
	// answer.
	bodySlack = 1 << 20
	// addressPart: one client address may have a fourth of the memory for bodies.
	addressPart = 4
)

// errTimeout is a body that did not come in time.
var errTimeout = fiber.NewError(fiber.StatusRequestTimeout)

// bodies reads the bodies of requests as they arrive: a body takes at most twice the
// memory of the bytes that have arrived, whatever length it announces. Bodies longer than
// fasthttp's read-ahead are charged to the budget.
type bodies struct {
	limit  int // of one body, in bytes
	budget *budget
	count  func(bytes int) // told of what the budget gives (positive) and gets back
}

// newBodies shares memory bytes, at least one body's, among bodies of at most limit each.
func newBodies(limit, memory int, count func(bytes int)) *bodies {
	whole := limit + 1 // a body without a length shows by its next byte that it is too long
	return &bodies{limit: limit, budget: newBudget(max(memory, whole), max(memory/addressPart, whole)), count: count}
}

// hold is the part of the budget that a body has taken; the zero value is none.
type hold struct {
	address string
	bytes   int
}

// release gives back what a body has.
func (b *bodies) release(h hold) {
	if h.bytes > 0 {
		b.budget.give(h.address, h.bytes)
		b.count(-h.bytes)
	}
}

// receive reads the body of a request, which is then Request.Body. Whatever it returns,
// the hold is to be released when the body is not needed any more. It fails with a
// *fiber.Error: 413 for a body over the limit, 503 where the budget has no room, 408
// for one that does not come in time, 400 for one that is broken.
func (b *bodies) receive(c *fiber.Ctx, address func(*fiber.Ctx) string) (hold, error) {
	r := c.Request()
	stream := r.BodyStream()
	if stream == nil {
		return hold{}, nil
	}
	// Without its stream, the request has what was read ahead as its body. The server goes on
	// reading the stream where we stop, so all of it has to be read from there.
	_ = r.CloseBodyStream()
	ahead, announced := r.Body(), r.Header.ContentLength()
	switch {
	case announced > b.limit:
		b.drop(stream, announced)
		return hold{}, fiber.ErrRequestEntityTooLarge
	case announced == len(ahead): // which is most
		if _, err := io.ReadFull(stream, ahead); err != nil { // onto itself
			return hold{}, unread(err)
		}
		return hold{}, nil
	}
	g := growing{bodies: b, stream: stream, limit: b.limit + 1, hold: hold{address: address(c)}}
	if announced >= 0 {
		g.limit = announced
	}
	if err := g.read(announced); err != nil {
		return g.hold, err
	}
	r.SetBodyRaw(g.body)
	c.Context().SetUserValue(ownBody{}, true)
	return g.hold, nil
}

// growing is a body of which a part has arrived.
type growing struct {
	*bodies
	stream io.Reader
	limit  int // of its room
	body   []byte
	hold   hold
}

// read reads to the end of the body, whose length is announced, or -1.
func (g *growing) read(announced int) error {
	for {
		if len(g.body) == cap(g.body) {
			if !g.grow() {
				g.drop(g.stream, announced)
				return fiber.ErrServiceUnavailable
			}
		}
		n, err := g.stream.Read(g.body[len(g.body):cap(g.body)])
		g.body = g.body[:len(g.body)+n]
		switch {
		case len(g.body) > g.bodies.limit:
			g.drop(g.stream, announced)
			return fiber.ErrRequestEntityTooLarge
		case len(g.body) == announced, err == io.EOF && announced < 0:
			return nil
		case err != nil:
			return unread(err)
		}
	}
}

// grow doubles the buffer, as far as the limit and the budget allow; it reports false
// where the budget has no room. The budget does not count the old buffer any more.
func (g *growing) grow() bool {
	size := min(max(2*cap(g.body), firstBytes), g.limit)
	more := size - cap(g.body)
	if !g.budget.take(g.hold.address, more) {
		return false
	}
	g.count(more)
	g.hold.bytes += more
	body := make([]byte, len(g.body), size)
	copy(body, g.body)
	g.body = body
	return true
}

// drop reads and discards the rest of a refused body, so that its sender reads the answer.
// It reads nothing of a body whose announced length is more than bodySlack over the limit.
func (b *bodies) drop(stream io.Reader, announced int) {
	if most := b.limit + bodySlack; announced <= most {
		_, _ = io.CopyN(io.Discard, stream, int64(most))
	}
}

// unread is the refusal of a request whose body could not be read.
func unread(err error) error {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return errTimeout
	}
	return fiber.ErrBadRequest
}

// ownBody marks a request whose body is in no buffer that will be used again.
type ownBody struct{}

// kept is the body of a request, in memory that may be used after the handler returned.
func kept(c *fiber.Ctx) []byte {
	if c.Context().UserValue(ownBody{}) != nil {
		return c.Request().Body()
	}
	return bytes.Clone(c.Request().Body())
}
