package sigv4

import (
	"slices"
	"strings"
)

const upperHex = "0123456789ABCDEF"

// param is a query parameter, decoded.
type param struct{ name, value string }

// checkLine refuses a method or path that a request line cannot carry, and a path
// that AWS would first bring into normal form: signer and server could disagree
// about which path that is.
func checkLine(r *Request) error {
	if len(r.Method) < 1 || len(r.Method) > maxMethod {
		return incomplete("The request's method is malformed.")
	}
	for i := range len(r.Method) {
		if r.Method[i] < 'A' || r.Method[i] > 'Z' {
			return incomplete("The request's method is malformed.")
		}
	}
	if len(r.Path) > maxPath {
		return incomplete("The request's path is too long.")
	}
	if !strings.HasPrefix(r.Path, "/") || !visible(r.Path) || strings.ContainsAny(r.Path, "?#") {
		return incomplete("The request's path is malformed.")
	}
	segments := strings.Split(r.Path[1:], "/")
	for i, raw := range segments {
		segment, ok := unescape(raw)
		if !ok {
			return incomplete("The request's path has a malformed escape.")
		}
		if segment == "." || segment == ".." || segment == "" && i < len(segments)-1 {
			return incomplete("The request's path is not in normal form.")
		}
	}
	return nil
}

// parseQuery decodes a query as form decoders do, a plus being a space. What they
// disagree about is refused: semicolons, empty parameters, malformed escapes.
func parseQuery(raw string) ([]param, error) {
	if raw == "" {
		return nil, nil
	}
	if len(raw) > maxQuery || strings.Count(raw, "&") >= maxParams {
		return nil, incomplete("The query string is too long.")
	}
	if !visible(raw) || strings.ContainsAny(raw, ";#") {
		return nil, incomplete("The query string is malformed.")
	}
	var query []param
	for item := range strings.SplitSeq(strings.ReplaceAll(raw, "+", "%20"), "&") {
		rawName, rawValue, _ := strings.Cut(item, "=")
		name, ok := unescape(rawName)
		value, okValue := unescape(rawValue)
		if !ok || !okValue {
			return nil, incomplete("The query string has a malformed escape.")
		}
		if name == "" {
			return nil, incomplete("The query string has a parameter without a name.")
		}
		query = append(query, param{name, value})
	}
	return query, nil
}

// visible says whether s consists of printable ASCII without spaces, as request
// targets do.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// unescape resolves percent escapes; false if one is malformed.
func unescape(s string) (string, bool) {
	if strings.IndexByte(s, '%') < 0 {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		hi, lo := unhex(s[i+1]), unhex(s[i+2])
		if hi < 0 || lo < 0 {
			return "", false
		}
		b = append(b, byte(hi<<4|lo))
		i += 2
	}
	return string(b), true
}

func unhex(c byte) int {
	if c >= 'a' && c <= 'f' {
		c -= 'a' - 'A'
	}
	return strings.IndexByte(upperHex, c)
}

// canonicalPath escapes the path once more, as every service but S3 has it.
func canonicalPath(path string) string {
	return string(appendEscaped(make([]byte, 0, len(path)+16), path, true))
}

// canonicalQuery escapes parameters and then sorts them by name and value. The
// signature itself, which cannot cover itself, is left out.
func canonicalQuery(query []param) string {
	type pair struct{ name, value string }
	pairs := make([]pair, 0, len(query))
	for _, p := range query {
		if p.name != paramSignature {
			pairs = append(pairs, pair{escape(p.name), escape(p.value)})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	var out strings.Builder
	for i, p := range pairs {
		if i > 0 {
			out.WriteByte('&')
		}
		out.WriteString(p.name)
		out.WriteByte('=')
		out.WriteString(p.value)
	}
	return out.String()
}

func escape(s string) string { return string(appendEscaped(make([]byte, 0, len(s)+16), s, false)) }

// appendEscaped escapes all but RFC 3986's unreserved characters and, where asked
// for, slashes.
func appendEscaped(b []byte, s string, keepSlash bool) []byte {
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			c == '-' || c == '_' || c == '.' || c == '~' || c == '/' && keepSlash {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}
