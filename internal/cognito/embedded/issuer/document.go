package issuer

import "encoding/json"

// JWKS is the JSON Web Key Set to serve at the jwks_uri of Discovery, newest key
// first. It holds the key of every token that Sign has returned and that has not
// expired. The bytes are shared and must not be changed.
func (i *Issuer) JWKS() []byte { return i.current.Load().jwks }

// Discovery is the OpenID discovery document, to serve under the public URL at
// /.well-known/openid-configuration. It names no authorization endpoint, for
// nobody signs in here. The bytes are shared and must not be changed.
func (i *Issuer) Discovery() []byte { return i.discovery }

func discovery(issuer, publicURL string) []byte {
	return mustJSON(struct {
		Issuer        string   `json:"issuer"`
		KeySet        string   `json:"jwks_uri"`
		ResponseTypes []string `json:"response_types_supported"`
		SubjectTypes  []string `json:"subject_types_supported"`
		Algorithms    []string `json:"id_token_signing_alg_values_supported"`
		Claims        []string `json:"claims_supported"`
	}{
		Issuer: issuer, KeySet: publicURL + "/.well-known/jwks_uri",
		ResponseTypes: []string{"id_token"}, SubjectTypes: []string{"public"}, Algorithms: []string{algorithm},
		Claims: []string{claimSubject, claimAudience, claimAMR, claimTags, claimIssuer, claimPoolARN, claimExpires,
			claimIssuedAt},
	})
}

// mustJSON encodes values made of strings, which cannot fail.
func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
