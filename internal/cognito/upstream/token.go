package upstream

import "github.com/cognito-broker/broker/internal/jwt"

// poolOf reads the pool from a token of Cognito that upstream handed out for the
// identity id. Its signature is not checked: it came in upstream's own answer.
// So poolOf must never see a token that came in a request.
func poolOf(token, id string) (pool string, ok bool) {
	t, err := jwt.Parse(token)
	if err != nil {
		return "", false
	}
	subject, _ := t.Claims["sub"].(string)
	pool, _ = t.Claims["aud"].(string)
	if subject != id || !sameRegion(id, pool) {
		return "", false
	}
	return pool, true
}

// sameRegion reports whether two ids are well-formed and of one region, as the
// ids of a pool and its identities are.
func sameRegion(id, pool string) bool {
	region, ok := regionOf(id)
	other, alike := regionOf(pool)
	return ok && alike && region == other
}
