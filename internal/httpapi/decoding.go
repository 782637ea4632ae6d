package httpapi

import (
	"github.com/gofiber/fiber/v2"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/jwt"
)

// Upper bounds of the memory, in bytes, that decoding a body takes: what the reader of JSON
// allocates, and one copy of that. They were measured over the bodies that take most memory
// for their length, objects within objects (TestDecodingTakesNoMoreThanItsCharge).
const (
	// freeDecoding is the longest body whose decoding is not charged.
	freeDecoding = 4 << 10
	// perByte is for a byte of JSON, perValue for a value.
	perByte, perValue = 80, 512
	// perText is for a byte of text that may be of a token, whose claims are JSON in base64;
	// perTokens is for the ten tokens that a call may hold, each within package jwt's limits.
	perText, perTokens = perByte * 3 / 4, 10 * jwt.MaxValues * perValue
)

// decodingBytes is what the decoding of a body of so many bytes takes at most, with the tokens
// within it, if the body may hold so many values.
func decodingBytes(size, values int) int {
	return min(size*perByte, values*perValue) + min(size*perText, perTokens)
}

// decode takes from the budget what the decoding of a request's body may take beside its
// bytes. The hold is to be released when the request is answered. A body that has its address's
// part to itself always finds room. It fails with a *fiber.Error, 503, where there is none.
func (b *bodies) decode(c *fiber.Ctx, address func(*fiber.Ctx) string, values int) (hold, error) {
	body := c.Request().Body()
	if len(body) <= freeDecoding {
		return hold{}, nil
	}
	// The body's own room is charged already.
	h := hold{address: address(c), bytes: min(decodingBytes(len(body), values), b.budget.part-cap(body))}
	if h.bytes <= 0 { // the body fills its address's part
		return hold{}, nil
	}
	if !b.budget.take(h.address, h.bytes) {
		return hold{}, fiber.ErrServiceUnavailable
	}
	b.count(h.bytes)
	return h, nil
}

// values is how many values a body may hold.
func (a audience) values() int {
	if a == forCallers {
		return awswire.ValuesOfCallers
	}
	return awswire.ValuesOfApps
}
