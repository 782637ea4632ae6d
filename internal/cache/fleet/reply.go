package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
)

// reply is what a server answered to one round trip of raw commands: its bytes, and
// the values that are parts of them. Its bytes are used again once all who read of it
// have said that they are done; one who never does leaves them to the collector.
type reply struct {
	bytes   bytes.Buffer
	values  [][]byte // nil: there is none
	readers atomic.Int32
}

// replyPool holds those that nobody reads any more.
var replyPool = sync.Pool{New: func() any { return new(reply) }}

// replyKey marks a context.
type replyKey struct{}

// newReply returns an empty one, for so many readers.
func newReply(readers int) *reply {
	r := replyPool.Get().(*reply)
	r.readers.Store(int32(readers))
	return r
}

// within is ctx for one round trip of raw commands that are answered into the reply.
func (r *reply) within(ctx context.Context) context.Context {
	return context.WithValue(ctx, replyKey{}, r)
}

// replyOf is the reply that commands under ctx are answered into; nil if they are not
// raw.
func replyOf(ctx context.Context) *reply {
	r, _ := ctx.Value(replyKey{}).(*reply)
	return r
}

// reset forgets what came, for the commands are sent again.
func (r *reply) reset() {
	if r != nil {
		r.bytes.Reset()
		clear(r.values)
		r.values = r.values[:0]
	}
}

// done ends a reader's use of the values.
func (r *reply) done() {
	if r != nil && r.readers.Add(-1) == 0 {
		if r.bytes.Cap() > maxReplyKept {
			r.bytes = bytes.Buffer{}
		}
		r.reset()
		replyPool.Put(r)
	}
}

// maxReplyKept bounds, in bytes, what is kept for use again.
const maxReplyKept = 1 << 20

// repliedError is an error that a server answered, as the library's are.
type repliedError string

func (e repliedError) Error() string { return string(e) }

// RedisError marks it for the library.
func (repliedError) RedisError() {}

var errReply = errors.New("unexpected reply")

// parse finds the values in what came: those of bulk strings, of arrays those of their
// elements. It fails with what the server refused.
func (r *reply) parse() error {
	if r == nil {
		return nil
	}
	rest := r.bytes.Bytes()
	for len(rest) > 0 {
		end := bytes.IndexByte(rest, '\n')
		if end < 2 {
			return errReply
		}
		kind, text := rest[0], rest[1:end-1]
		rest = rest[end+1:]
		switch kind {
		case '*': // its elements follow
		case '_':
			r.values = append(r.values, nil)
		case '-':
			return repliedError(text)
		case '$', '=':
			n, err := strconv.Atoi(string(text))
			if err == nil && n < 0 {
				r.values = append(r.values, nil)
				continue
			}
			if err != nil || n > len(rest)-2 {
				return errReply
			}
			r.values, rest = append(r.values, rest[:n:n]), rest[n+2:]
		default:
			return fmt.Errorf("%w of kind %q", errReply, kind)
		}
	}
	return nil
}
