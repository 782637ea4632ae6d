package cognito

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of what a message repeats of a request.
const (
	maxShown   = 64 // characters of a value or a key
	maxEntries = 10 // entries of a map or a list
)

// show prints a value as messages do, in the form of Java's toString, with the
// blank before it. A sensitive value leaves nothing behind, not even its blank.
func (s *shape) show(v any) string {
	if s.sensitive {
		return ""
	}
	switch v := v.(type) {
	case map[string]any:
		return " '{" + s.showMap(v) + "}'"
	case []any:
		return " '[" + s.showList(v) + "]'"
	}
	return " '" + showScalar(v) + "'"
}

// showMap prints the keys in their order, each with its value where that is
// neither sensitive nor a structure.
func (s *shape) showMap(m map[string]any) string {
	keys := slices.Sorted(maps.Keys(m))
	parts := make([]string, 0, maxEntries+1)
	for _, k := range keys[:min(len(keys), maxEntries)] {
		text := clip(k) + "="
		if s.key.sensitive {
			text = "="
		}
		if s.value.scalar() && !s.value.sensitive {
			text += showScalar(m[k])
		}
		parts = append(parts, text)
	}
	return strings.Join(more(parts, len(m)), ", ")
}

func (s *shape) showList(l []any) string {
	parts := make([]string, 0, maxEntries+1)
	if s.element.scalar() && !s.element.sensitive {
		for _, v := range l[:min(len(l), maxEntries)] {
			parts = append(parts, showScalar(v))
		}
	}
	return strings.Join(more(parts, len(l)), ", ")
}

func more(parts []string, total int) []string {
	if len(parts) < total && len(parts) > 0 {
		return append(parts, "...")
	}
	return parts
}

func showScalar(v any) string {
	switch v := v.(type) {
	case string:
		return clip(v)
	case json.Number:
		return clip(v.String())
	case bool:
		return fmt.Sprint(v)
	}
	return "null"
}

// clip returns the beginning of a text that a caller sent, as valid UTF-8.
func clip(s string) string {
	n := 0
	for i := range s {
		if n++; n > maxShown {
			s = s[:i] + "..."
			break
		}
	}
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// join appends a member to a path.
func join(path, member string) string {
	if path == "" {
		return member
	}
	return path + "." + member
}

// lowerCamel spells a member as messages do.
func lowerCamel(name string) string { return strings.ToLower(name[:1]) + name[1:] }
