package embedded

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/cognito-broker/broker/internal/cognito"
)

// pager makes page tokens: sealed, so that nobody reads or makes them, and bound
// to their query. A token names the last item of its page, so it stays good
// while items come and go.
type pager struct{ aead cipher.AEAD }

func newPager(key []byte) (*pager, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("page tokens: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("page tokens: %w", err)
	}
	return &pager{aead: aead}, nil
}

var errPageToken = cognito.InvalidParameter("NextToken is not valid for this request.")

// next is the token of the page after last.
func (p *pager) next(query, last string) string {
	return base64.RawURLEncoding.EncodeToString(p.aead.Seal(nil, nil, []byte(last), []byte(query)))
}

// last is what next was given; the first page comes without a token.
func (p *pager) last(query string, token *string) (string, error) {
	if token == nil {
		return "", nil
	}
	// base64 passes over line breaks, which next never makes.
	if strings.ContainsAny(*token, "\r\n") {
		return "", errPageToken
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(*token)
	if err == nil {
		var last []byte
		if last, err = p.aead.Open(nil, nil, sealed, []byte(query)); err == nil {
			return string(last), nil
		}
	}
	return "", errPageToken
}
