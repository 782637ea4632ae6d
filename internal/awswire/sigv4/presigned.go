package sigv4

import (
	"strconv"
	"strings"
	"time"
)

const (
	maxExpires = 604800 // seconds: a week, for which a signing key is good
	// stsLife is what STS grants to a presigned request that states no life; Go's
	// SDK states none.
	stsLife = 15 * time.Minute
)

// Parameters of a presigned request.
const (
	paramAlgorithm     = "X-Amz-Algorithm"
	paramCredential    = "X-Amz-Credential"
	paramDate          = "X-Amz-Date"
	paramExpires       = "X-Amz-Expires"
	paramSignedHeaders = "X-Amz-SignedHeaders"
	paramSignature     = "X-Amz-Signature"
	paramToken         = "X-Amz-Security-Token"
	paramContentHash   = "X-Amz-Content-Sha256"
)

// signingParam gives the exact name of a signing parameter written in any case,
// else nothing.
func signingParam(name string) string {
	for _, p := range []string{
		paramAlgorithm, paramCredential, paramDate, paramExpires, paramSignedHeaders, paramSignature, paramToken,
	} {
		if strings.EqualFold(name, p) {
			return p
		}
	}
	return ""
}

func hasSigningParam(query []param) bool {
	for _, p := range query {
		if signingParam(p.name) != "" {
			return true
		}
	}
	return false
}

// parsePresigned reads the signature from the query. What the query says about
// date and session must not stand in headers too.
func (s *Signed) parsePresigned() error {
	values, err := signingValues(s.query)
	if err != nil {
		return err
	}
	for _, name := range []string{"x-amz-date", "x-amz-security-token"} {
		if _, found := s.headers.get(name); found {
			return incomplete("The request is signed in the query string, yet has the header '" + name + "'.")
		}
	}
	if values[paramAlgorithm] != algorithm {
		return incomplete("Unsupported AWS 'algorithm' (only AWS4-HMAC-SHA256 for now).")
	}
	if err := s.parseParts(values[paramCredential], values[paramSignedHeaders], values[paramSignature]); err != nil {
		return err
	}
	s.presigned = true
	s.credential.SessionToken = values[paramToken]
	if s.life, err = parseExpires(values); err != nil {
		return err
	}
	if s.contentHash, err = s.presignedHash(values); err != nil {
		return err
	}
	return s.setDate(values[paramDate])
}

// signingValues collects the signing parameters, each once and in its own case.
func signingValues(query []param) (map[string]string, error) {
	values := make(map[string]string, 8)
	for _, p := range query {
		name := signingParam(p.name)
		switch {
		case strings.EqualFold(p.name, paramContentHash):
			name = paramContentHash // SDKs differ in how they write it
		case name == "":
			continue
		case name != p.name:
			return nil, incomplete("AWS query-string parameter '" + name +
				"' is in the wrong case. Re-examine the query-string parameters.")
		}
		if _, repeated := values[name]; repeated {
			return nil, incomplete("AWS query-string parameter '" + name +
				"' is repeated. Re-examine the query-string parameters.")
		}
		values[name] = p.value
	}
	for _, name := range []string{paramAlgorithm, paramCredential, paramSignature, paramSignedHeaders, paramDate} {
		if values[name] == "" {
			return nil, incomplete("AWS query-string parameters must include '" + name +
				"'. Re-examine the query-string parameters.")
		}
	}
	return values, nil
}

func parseExpires(values map[string]string) (time.Duration, error) {
	value, found := values[paramExpires]
	if !found {
		return stsLife, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > maxExpires || strconv.Itoa(n) != value {
		return 0, incomplete("X-Amz-Expires must be a number of seconds from 1 to 604800.")
	}
	return time.Duration(n) * time.Second, nil
}

// presignedHash reads the claim about the body, which SDKs put into the query or
// leave in a header.
func (s *Signed) presignedHash(values map[string]string) (string, error) {
	inQuery, found := values[paramContentHash]
	inHeader, both := s.headers.get("x-amz-content-sha256")
	if found && both {
		return "", incomplete("'x-amz-content-sha256' stands in both a header and the query string.")
	}
	if found {
		return contentHash(inQuery, true)
	}
	return contentHash(inHeader, both)
}
