package trust_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A negated operator says the opposite of its plain one: with a key of one value,
// of any of several against all of them, and where the key is absent.
func TestNegationsAreOpposites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringOfN(rapid.RuneFrom([]rune("abA*?")), 0, 3, -1)
		operator := rapid.SampledFrom([]string{"Equals", "Like", "EqualsIgnoreCase"}).Draw(t, "operator")
		expected := list(rapid.SliceOfN(word, 1, 3).Draw(t, "expected"))
		r := user
		r.AMR = rapid.SliceOfN(word, 0, 3).Draw(t, "amr")
		r.SessionName = word.Draw(t, "name")
		holds := func(operator, key string) bool {
			return decide(t, with(fmt.Sprintf("%q:{%q:%s}", operator, key, expected)), r).Allowed
		}
		negated := "StringNot" + operator
		for _, c := range []struct{ plain, negated, key string }{
			{"String" + operator, negated, "sts:RoleSessionName"},
			{"ForAnyValue:String" + operator, "ForAllValues:" + negated, "cognito-identity.amazonaws.com:amr"},
			{"ForAllValues:String" + operator, "ForAnyValue:" + negated, "cognito-identity.amazonaws.com:amr"},
		} {
			if plain, opposite := holds(c.plain, c.key), holds(c.negated, c.key); plain == opposite {
				t.Errorf("%s and %s on %s both: got %v, want opposites", c.plain, c.negated, c.key, plain)
			}
		}
	})
}

// What is equal is alike, in any case; IfExists changes nothing where the key is,
// and holds where it is not.
func TestWiderOperatorsPermitMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringOfN(rapid.RuneFrom([]rune("abA*?")), 1, 3, -1)
		words := rapid.SliceOfN(word, 1, 3).Draw(t, "expected")
		expected := list(words)
		r := user
		r.SessionName = rapid.OneOf(rapid.Just(""), word, rapid.SampledFrom(words)).Draw(t, "name")
		holds := func(operator string) bool {
			return decide(t, with(fmt.Sprintf(`%q:{"sts:RoleSessionName":%s}`, operator, expected)), r).Allowed
		}
		for _, wider := range []string{"StringLike", "StringEqualsIgnoreCase"} {
			if holds("StringEquals") && !holds(wider) {
				t.Errorf("%s: got a refusal of what is equal", wider)
			}
		}
		for _, operator := range []string{"StringEquals", "StringNotLike", "ForAnyValue:StringLike", "ForAllValues:StringNotEquals"} {
			want := r.SessionName == "" || holds(operator)
			if got := holds(operator + "IfExists"); got != want {
				t.Errorf("%sIfExists: got %v, want %v", operator, got, want)
			}
		}
	})
}

func list(words []string) string {
	return `["` + strings.Join(words, `","`) + `"]`
}
