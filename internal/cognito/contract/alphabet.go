package contract

import (
	"fmt"
	"strings"
)

func text(n int) string { return strings.Repeat("a", n) }

// texts are what a text may be and may not be, each with the constraint that it
// breaks, or with none.
func (s *shape) texts() map[string]string {
	tries := map[string]string{}
	for _, n := range []int{s.Min, s.Max} {
		if t, ok := s.long(n); ok && n > 0 {
			tries[t] = ""
		}
	}
	if s.Min > 0 {
		tries[text(s.Min-1)] = s.low()
	}
	if s.Max > 0 {
		over, _ := s.long(s.Max + 1)
		tries[over] = s.high()
	}
	for _, t := range []string{" ", "a b", "a\n", "#", "é", "a/b", "A:B", ":00", "a:", "٣", "xauthenticated"} {
		if s.fits(t) && !s.matches(t) {
			tries[t] = s.form()
		}
	}
	if len(s.Enum) > 0 {
		for _, t := range s.Enum {
			tries[t], tries[strings.ToLower(t)] = "", s.set()
		}
	}
	return tries
}

// long makes a text of n characters that the pattern matches, if it matches one.
func (s *shape) long(n int) (string, bool) {
	for _, t := range []string{text(n), strings.Repeat("1", n), "a:" + strings.Repeat("0", max(0, n-2))} {
		if len(t) == n && s.matches(t) {
			return t, true
		}
	}
	return text(n), false
}

// sizes are numbers of entries that a map or a list may have, and may not have.
func (s *shape) sizes() map[int]string {
	tries := map[int]string{}
	if s.Min > 0 {
		tries[s.Min], tries[s.Min-1] = "", s.low()
	}
	if s.Max > 0 {
		tries[s.Max], tries[s.Max+1] = "", s.high()
	}
	return tries
}

// number is one of several keys.
func (s *shape) number(n int) string {
	if s.Pattern == "(un)?authenticated" {
		return []string{"authenticated", "unauthenticated", "un"}[n]
	}
	return fmt.Sprintf("key%d.example", n)
}
