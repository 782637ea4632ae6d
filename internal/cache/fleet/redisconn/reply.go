package redisconn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
)

// Reply is what a server answered to one round trip of raw commands: its bytes, and the values,
// which are parts of them. Its bytes are used again when all its readers have called Done; a
// reader who never does leaves them to the garbage collector.
type Reply struct {
	Bytes   bytes.Buffer
	Values  [][]byte // nil: a missing one
	readers atomic.Int32
}

// replyPool holds replies whose readers are done.
var replyPool = sync.Pool{New: func() any { return new(Reply) }}

// replyKey marks a context.
type replyKey struct{}

// NewReply returns an empty reply, for so many readers.
func NewReply(readers int) *Reply {
	r := replyPool.Get().(*Reply)
	r.readers.Store(int32(readers))
	return r
}

// Within returns a context for one round trip of raw commands, which are answered into the reply.
func (r *Reply) Within(ctx context.Context) context.Context {
	return context.WithValue(ctx, replyKey{}, r)
}

// replyOf is the reply that commands under ctx are answered into; nil if they are not raw.
func replyOf(ctx context.Context) *Reply {
	r, _ := ctx.Value(replyKey{}).(*Reply)
	return r
}

// reset empties the reply, before the commands are sent again.
func (r *Reply) reset() {
	if r != nil {
		r.Bytes.Reset()
		clear(r.Values)
		r.Values = r.Values[:0]
	}
}

// Done ends a reader's use of the values.
func (r *Reply) Done() {
	if r != nil && r.readers.Add(-1) == 0 {
		if r.Bytes.Cap() > maxReplyKept {
			r.Bytes = bytes.Buffer{}
		}
		r.reset()
		replyPool.Put(r)
	}
}

// maxReplyKept is the largest buffer, in bytes, that is kept for use again.
const maxReplyKept = 1 << 20

// repliedError is an error that a server answered, of the library's kind.
type repliedError string

func (e repliedError) Error() string { return string(e) }

// RedisError marks it for the library.
func (repliedError) RedisError() {}

// ErrReply says that a server answered what it should not.
var ErrReply = errors.New("unexpected reply")

// parse finds the values in the bytes: those of strings, and of arrays the values of their
// elements. It fails with the first error that the server answered.
func (r *Reply) parse() error {
	if r == nil {
		return nil
	}
	rest := r.Bytes.Bytes()
	for len(rest) > 0 {
		end := bytes.IndexByte(rest, '\n')
		if end < 2 {
			return ErrReply
		}
		kind, text := rest[0], rest[1:end-1]
		rest = rest[end+1:]
		switch kind {
		case '*': // its elements follow
		case '_':
			r.Values = append(r.Values, nil)
		case '-':
			return repliedError(text)
		case '$', '=':
			n, err := strconv.Atoi(string(text))
			if err == nil && n < 0 {
				r.Values = append(r.Values, nil)
				continue
			}
			if err != nil || n > len(rest)-2 {
				return ErrReply
			}
			r.Values, rest = append(r.Values, rest[:n:n]), rest[n+2:]
		default:
			return fmt.Errorf("%w of kind %q", ErrReply, kind)
		}
	}
	return nil
}
