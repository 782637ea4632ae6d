package config

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
)

// redacted is what every printed form of a secret reads.
const redacted = "[redacted]"

// Secret holds a text that must not be printed: fmt, encoding/json, YAML and
// text encoders all see "[redacted]". The zero value is empty. It is immutable
// and safe for concurrent use.
type Secret struct {
	// A pointer, because fmt prints a struct's unexported fields without asking
	// their methods. Of a pointer to a string it prints the address, whatever the
	// verb; one to an array it would follow under a verb that does not fit.
	text *string
}

// NewSecret wraps text; the empty text gives the zero value.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the text itself. Do not print, log or store the result.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty reports whether there is no text.
func (s Secret) Empty() bool { return s.text == nil }

// Equal compares two secrets in a time that depends on their lengths only.
func (s Secret) Equal(o Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(o.Reveal())) == 1
}

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (s Secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[redacted]".
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]" as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// KeyBytes is the length of a [Key].
const KeyBytes = 32

// Key is a symmetric key of [KeyBytes] bytes that prints as "[redacted]", as
// [Secret] does. The zero value is empty. Immutable, safe for concurrent use.
type Key struct{ material *string }

// ParseKey reads a key in standard base64 with padding, as `broker keys new`
// prints it. ok is false for anything but exactly [KeyBytes] bytes in that form.
func ParseKey(text string) (key Key, ok bool) {
	// The decoder skips line feeds; the length keeps one spelling per key.
	if len(text) != base64.StdEncoding.EncodedLen(KeyBytes) {
		return Key{}, false
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != KeyBytes {
		return Key{}, false
	}
	material := string(raw)
	return Key{material: &material}, true
}

// Bytes returns a copy of the key, nil when it is empty.
func (k Key) Bytes() []byte {
	if k.material == nil {
		return nil
	}
	return []byte(*k.material)
}

// Empty reports whether there is no key.
func (k Key) Empty() bool { return k.material == nil }

// Equal compares two keys in constant time.
func (k Key) Equal(o Key) bool {
	return subtle.ConstantTimeCompare(k.Bytes(), o.Bytes()) == 1
}

// String returns "[redacted]".
func (k Key) String() string { return redacted }

// GoString returns "[redacted]".
func (k Key) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[redacted]".
func (k Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]" as a JSON string.
func (k Key) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
