package awswire

import "strings"

// Bounds of the list of headers that a browser asks to send.
const (
	maxRequestedBytes = 2048
	maxRequestedNames = 64
)

// exposed are the headers that scripts may read (docs/cognito.md#signatures-and-browsers).
const exposed = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"

// common are the headers of every answer that is not a preflight's.
func common(requestID string) []Header {
	return []Header{
		{Name: headerRequestID, Value: requestID},
		{Name: "Access-Control-Allow-Origin", Value: "*"},
		{Name: "Access-Control-Expose-Headers", Value: exposed},
	}
}

// Preflight are the headers that answer a browser's preflight, but for the
// request id. The list of requested headers comes back as it was sent, for
// nothing here depends on what a browser sends; entries that are no header
// names, and what exceeds 64 names or 2048 bytes, are left out.
func Preflight(requestedHeaders string) []Header {
	headers := []Header{
		{Name: "Access-Control-Allow-Origin", Value: "*"},
		{Name: "Access-Control-Allow-Methods", Value: "POST"},
		{Name: "Access-Control-Expose-Headers", Value: exposed},
		{Name: "Access-Control-Max-Age", Value: "172800"},
	}
	if allowed := headerNames(requestedHeaders); allowed != "" {
		headers = append(headers, Header{Name: "Access-Control-Allow-Headers", Value: allowed})
	}
	return headers
}

// headerNames returns list where it is a list of header names, else those of
// its parts that are.
func headerNames(list string) string {
	if len(list) > maxRequestedBytes {
		// What is cut off may be half a name.
		list = list[:strings.LastIndexByte(list[:maxRequestedBytes], ',')+1]
	}
	parts := strings.Split(list, ",")
	names := make([]string, 0, min(len(parts), maxRequestedNames))
	for _, part := range parts {
		if len(names) < maxRequestedNames && isToken(strings.Trim(part, " ")) {
			names = append(names, part)
		}
	}
	return strings.TrimSpace(strings.Join(names, ","))
}

// isToken reports whether s is a token of RFC 9110.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}
