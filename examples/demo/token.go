package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// issuerOf reads the issuer of a token that was just minted; nothing is trusted
// on it, the broker verifies the token.
func issuerOf(token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errors.New("broker token printed no token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", errors.New("broker token printed no token")
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return "", errors.New("broker token printed no token")
	}
	return claims.Issuer, nil
}
