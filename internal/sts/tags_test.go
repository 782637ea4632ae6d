package sts_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/sts"
)

// Session tags travel in the session, within their bounds.
func TestSessionTags(t *testing.T) {
	now := start
	b := builtin(t, &now, key(1))
	many := func(n int) map[string]string {
		tags := map[string]string{}
		for i := range n {
			tags[fmt.Sprint("key", i)] = ""
		}
		return tags
	}
	for name, c := range map[string]struct {
		tags map[string]string
		want string // code of the refusal
	}{
		"none":             {nil, ""},
		"two":              {map[string]string{"team": "sales", "größe": ""}, ""},
		"fifty":            {many(50), ""},
		"one more":         {many(51), sts.CodeValidation},
		"no key":           {map[string]string{"": "v"}, sts.CodeValidation},
		"the longest key":  {map[string]string{strings.Repeat("ü", 128): strings.Repeat("é", 256)}, ""},
		"a key too long":   {map[string]string{strings.Repeat("ü", 129): "v"}, sts.CodeValidation},
		"a value too long": {map[string]string{"k": strings.Repeat("é", 257)}, sts.CodeValidation},
		"one key, twice":   {map[string]string{"Team": "a", "team": "b"}, sts.CodeValidation},
		"in any alphabet":  {map[string]string{"\u017fmall": "a", "Small": "b"}, sts.CodeValidation},
		"too much in all":  {map[string]string{"a": strings.Repeat("x", 256), "b": strings.Repeat("x", 256), "c": strings.Repeat("x", 256), "d": strings.Repeat("x", 256), "e": strings.Repeat("x", 256), "f": strings.Repeat("x", 256), "g": strings.Repeat("x", 256), "h": strings.Repeat("x", 256)}, sts.CodePackedPolicyTooLarge},
	} {
		req := request()
		req.Identity.Tags = c.tags
		got, err := b.Assume(t.Context(), req)
		if c.want != "" {
			if e, ok := errors.AsType[*sts.Error](err); !ok || e.Code != c.want {
				t.Errorf("%s: got %v, want %s", name, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: got %v, want credentials", name, err)
			continue
		}
		s, err := b.Open(got.AccessKeyID, got.SessionToken)
		if err != nil || !cmp.Equal(s.Tags, c.tags) {
			t.Errorf("%s: got a session with %d tags (%v), want %d", name, len(s.Tags), err, len(c.tags))
		}
	}
}
