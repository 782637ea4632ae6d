package redisconn

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"
)

func parsed(text string) ([][]byte, error) {
	r := new(Reply)
	r.Bytes.WriteString(text)
	err := r.parse()
	return r.Values, err
}

func TestReply(t *testing.T) {
	some := func(texts ...string) (values [][]byte) {
		for _, text := range texts {
			values = append(values, []byte(text))
		}
		return values
	}
	for text, want := range map[string][][]byte{
		"":                                      nil,
		"$5\r\nvalue\r\n":                       some("value"),
		"$0\r\n\r\n":                            some(""),
		"$4\r\n\r\n-E\r\n":                      some("\r\n-E"),
		"*2\r\n$1\r\na\r\n$-1\r\n":              {[]byte("a"), nil},
		"*2\r\n_\r\n$1\r\na\r\n=5\r\ntxt:i\r\n": {nil, []byte("a"), []byte("txt:i")},
		"$1\r\na\r\n$1\r\nb\r\n":                some("a", "b"),
		"*0\r\n$1\r\na\r\n":                     some("a"),
	} {
		got, err := parsed(text)
		if err != nil || !slices.EqualFunc(got, want, func(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }) {
			t.Errorf("%q: got %q %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"\n", "\r\n", "$", "$1\r\na", "$2\r\na\r\n", "$x\r\na\r\n", "$99999999999999999999\r\n", "$9223372036854775807\r\n", ":1\r\n", "%1\r\n", "+OK\r\n"} {
		if got, err := parsed(text); !errors.Is(err, ErrReply) {
			t.Errorf("%q: got %q %v, want a refusal", text, got, err)
		}
	}
}

// What a server refuses is an error as the library's are, wherever it stands.
func TestReplyRefused(t *testing.T) {
	for text, gone := range map[string]bool{
		"-LOADING Redis is loading the dataset in memory\r\n$1\r\ni\r\n": false,
		"$1\r\na\r\n-MOVED 1 127.0.0.1:1\r\n":                            true,
		"*1\r\n-ERR no\r\n":                                              false,
	} {
		_, err := parsed(text)
		if _, refused := errors.AsType[redis.Error](err); !refused || Moved(err) != gone {
			t.Errorf("%q: got %v, want the server's refusal", text, err)
		}
	}
	if _, err := parsed("-LOADING Redis is loading\r\n"); healthOf(err) != loading {
		t.Errorf("got %v, want it taken for a server that loads", err)
	}
}

func TestReplyProperty(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		values := rapid.SliceOf(rapid.SliceOf(rapid.Byte())).Draw(r, "values")
		b := fmt.Appendf(nil, "*%d\r\n", len(values))
		for _, v := range values {
			b = append(append(fmt.Appendf(b, "$%d\r\n", len(v)), v...), "\r\n"...)
		}
		got, err := parsed(string(b))
		if err != nil || !slices.EqualFunc(got, values, bytes.Equal) {
			r.Fatalf("got %q %v, want %q", got, err, values)
		}
	})
}

func FuzzReply(f *testing.F) {
	f.Add([]byte("*2\r\n$1\r\na\r\n_\r\n$-1\r\n-ERR no\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := new(Reply)
		r.Bytes.Write(b)
		size := 0
		if r.parse() == nil {
			for _, v := range r.Values {
				size += len(v)
			}
		}
		if size > len(b) {
			t.Errorf("%q: got %d bytes of values", b, size)
		}
	})
}
