package strictjson

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// str reads a text. Where nothing counts it is passed over, and comes out empty.
func (r *reader) str() (string, error) {
	r.at++
	from, plain := r.at, true
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == '"':
			span := r.text[from:r.at]
			r.at++
			if plain || r.loose {
				return r.whole(span)
			}
			return r.unescaped(span)
		case c < ' ':
			return "", r.fail(ErrSyntax)
		case c == '\\':
			plain = false
			if !r.escape() {
				return "", r.fail(ErrSyntax)
			}
		default:
			r.at++
		}
	}
	return "", r.fail(ErrSyntax)
}

// escape passes over an escape that is one.
func (r *reader) escape() bool {
	rest := r.text[r.at:]
	if len(rest) < 2 {
		return false
	}
	switch rest[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		r.at += 2
		return true
	case 'u':
		if _, ok := unit(rest); ok {
			r.at += 6
			return true
		}
	}
	return false
}

// whole is a text without escapes.
func (r *reader) whole(span []byte) (string, error) {
	if r.loose {
		return "", nil
	}
	if !utf8.Valid(span) {
		return "", r.fail(ErrUnicode)
	}
	return string(span), nil
}

// unescaped is a text whose escapes are well-formed. A surrogate stands in a pair:
// the standard decoder makes U+FFFD of a lone one, so that different texts are equal.
func (r *reader) unescaped(span []byte) (string, error) {
	if !utf8.Valid(span) {
		return "", r.fail(ErrUnicode)
	}
	out := make([]byte, 0, len(span))
	for i := 0; i < len(span); {
		if span[i] != '\\' {
			out = append(out, span[i])
			i++
			continue
		}
		if span[i+1] != 'u' {
			out = append(out, short(span[i+1]))
			i += 2
			continue
		}
		c, _ := unit(span[i:])
		i += 6
		if utf16.IsSurrogate(c) {
			low, _ := unit(span[i:])
			if c = utf16.DecodeRune(c, low); c == utf8.RuneError {
				return "", r.fail(ErrUnicode)
			}
			i += 6
		}
		out = utf8.AppendRune(out, c)
	}
	return string(out), nil
}

// short is what an escape of one character stands for.
func short(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c // a quote, slash or backslash
}

// unit is the code unit of the \uXXXX escape that text begins with.
func unit(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n), err == nil
}
