package upstream

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// maxToken bounds the tokens that are looked into (reference 2.1).
const maxToken = 50_000

// poolOf reads the pool from a token of Cognito that upstream handed out for the
// identity id. Its signature is not checked: it came in upstream's own answer.
// So poolOf must never see a token that came in a request.
func poolOf(token, id string) (pool string, ok bool) {
	parts := strings.Split(token, ".")
	if len(token) > maxToken || len(parts) != 3 {
		return "", false
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", false
	}
	var claims struct {
		Audience string `json:"aud"`
		Subject  string `json:"sub"`
	}
	if json.Unmarshal(text, &claims) != nil || claims.Subject != id || !sameRegion(id, claims.Audience) {
		return "", false
	}
	return claims.Audience, true
}

// sameRegion reports whether two ids are well-formed and of one region, as the
// ids of a pool and its identities are.
func sameRegion(id, pool string) bool {
	region, ok := regionOf(id)
	other, alike := regionOf(pool)
	return ok && alike && region == other
}
