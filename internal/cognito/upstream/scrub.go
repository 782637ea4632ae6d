package upstream

import (
	"strings"
	"unicode/utf8"
)

const (
	// maxMessage bounds a message of upstream. Its longest list values of up to
	// 50,000 bytes, which are tokens and must not be shown anyway.
	maxMessage = 2048
	// minToken is the length from which a login's value is taken for a token; a
	// developer's own user id may be a letter, which may stand in any message.
	minToken = 16
	// hidden stands in for a token.
	hidden = "[redacted]"
	// jwtStart is how a JSON object begins in base64, and so every JWT.
	jwtStart = "eyJ"
)

// scrub returns message without the tokens that were sent, and without anything
// that looks like one: the service's validation errors repeat what they refuse.
func scrub(message string, logins map[string]string) string {
	for _, token := range logins {
		if len(token) >= minToken {
			message = strings.ReplaceAll(message, token, hidden)
		}
	}
	message = hideJWTs(message)
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "")
	}
	return message
}

// hideJWTs hides JWTs and their beginnings.
func hideJWTs(message string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(message, jwtStart)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString(hidden)
		end := strings.IndexFunc(after, func(r rune) bool { return !ofToken(r) })
		if end < 0 {
			return b.String()
		}
		message = after[end:]
	}
}

// ofToken reports whether r may stand in a JWT.
func ofToken(r rune) bool {
	return r < utf8.RuneSelf && (r == '.' || r == '-' || r == '_' || r == '=' ||
		'0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z')
}
