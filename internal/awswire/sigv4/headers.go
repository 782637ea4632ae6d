package sigv4

import (
	"slices"
	"strings"
)

// headers are a request's header fields by lower-case name.
type headers struct {
	values   map[string]string // the first of each name
	repeated map[string]bool
}

// indexHeaders refuses fields that no HTTP message can carry, and repetitions of
// those that route or sign: with two of them, the signature might cover the one
// and the server obey the other.
func indexHeaders(list []Header) (*headers, error) {
	if len(list) > maxHeaders {
		return nil, incomplete("The request has too many headers.")
	}
	h := &headers{values: make(map[string]string, len(list))}
	total := 0
	for _, f := range list {
		if total += len(f.Name) + len(f.Value); total > maxHeaderBytes {
			return nil, incomplete("The request's headers are too long.")
		}
		if !validName(f.Name) || !validValue(f.Value) {
			return nil, incomplete("The request has a malformed header.")
		}
		if err := h.add(strings.ToLower(f.Name), f.Value); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (h *headers) add(name, value string) error {
	if _, found := h.values[name]; !found {
		h.values[name] = value
		return nil
	}
	if single(name) {
		return incomplete("The request repeats the header '" + name + "'.")
	}
	if h.repeated == nil {
		h.repeated = make(map[string]bool)
	}
	h.repeated[name] = true
	return nil
}

// single says whether a header decides about routing, framing or signing.
func single(name string) bool {
	switch name {
	case "authorization", "host", "date", "content-type", "content-length", "transfer-encoding":
		return true
	}
	return meaningful(name)
}

// meaningful says whether an x-amz-* header means something to whoever answers the
// request, so that it has to be signed where it stands. Nothing else of x-amz-* is
// read after a signature was verified, but X-Amz-User-Agent, which chooses how much
// life cached credentials must have left. Proxies add others: CloudFront X-Amz-Cf-Id.
func meaningful(name string) bool {
	switch name {
	case "x-amz-content-sha256", "x-amz-date", "x-amz-security-token", "x-amz-target":
		return true
	}
	return false
}

func (h *headers) get(name string) (string, bool) {
	v, found := h.values[name]
	return v, found
}

// parseSignedHeaders takes the list apart; it is in lower case and strictly
// ascending.
func parseSignedHeaders(list string) ([]string, error) {
	if strings.Count(list, ";") >= maxSignedHeaders {
		return nil, incomplete("The request lists too many 'SignedHeaders'.")
	}
	names := strings.Split(list, ";")
	for i, name := range names {
		if !validName(name) || name != strings.ToLower(name) || i > 0 && names[i-1] >= name {
			return nil, incomplete("'SignedHeaders' must be header names in lower case, sorted and separated by semicolons.")
		}
	}
	return names, nil
}

// checkSignedHeaders holds the list of signed headers against the request: what
// is listed stands there once, and what must be listed is.
func (s *Signed) checkSignedHeaders() error {
	for _, name := range s.names {
		if _, found := s.headers.values[name]; !found {
			return incomplete("The request lacks the 'SignedHeader' '" + name + "'.")
		}
		if s.headers.repeated[name] {
			return incomplete("The request repeats the header '" + name + "'.")
		}
		if name == "authorization" {
			return incomplete("'Authorization' must not be a 'SignedHeader'.")
		}
	}
	if !s.signs("host") {
		return mismatch("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	// In the order of the request, so that the message is always the same.
	for _, f := range s.request.Headers {
		if name := strings.ToLower(f.Name); meaningful(name) && !s.signs(name) {
			return mismatch("'" + name + "' must be a 'SignedHeader' in the AWS Authorization.")
		}
	}
	return nil
}

func (s *Signed) signs(name string) bool {
	_, found := slices.BinarySearch(s.names, name)
	return found
}

// validName takes a token of RFC 9110.
func validName(name string) bool {
	if len(name) < 1 || len(name) > maxHeaderName {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') &&
			strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return true
}

// validValue refuses control characters: a line feed would let one header pose
// as two in the canonical request.
func validValue(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
