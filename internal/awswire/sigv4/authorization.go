package sigv4

import (
	"encoding/hex"
	"strings"
	"time"
)

// headerLife is how long a signature in a header is good for, and how far any
// signature may lie in the future: clocks differ.
const headerLife = 5 * time.Minute

// parseAuthorization reads
//
//	AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…
//
// with the three in any order, each once and nothing beside them.
func (s *Signed) parseAuthorization(value string) error {
	if len(value) > maxAuthorization {
		return incomplete("The 'Authorization' header is too long.")
	}
	name, rest, _ := strings.Cut(value, " ")
	if name != algorithm {
		return incomplete("Unsupported AWS 'algorithm' (only AWS4-HMAC-SHA256 for now).")
	}
	fields, err := authorizationFields(rest)
	if err != nil {
		return err
	}
	if err := s.parseParts(fields["Credential"], fields["SignedHeaders"], fields["Signature"]); err != nil {
		return err
	}
	s.life = headerLife
	s.credential.SessionToken, _ = s.headers.get("x-amz-security-token")
	if s.contentHash, err = contentHash(s.headers.get("x-amz-content-sha256")); err != nil {
		return err
	}
	return s.headerDate()
}

func authorizationFields(list string) (map[string]string, error) {
	fields := make(map[string]string, 3)
	for item := range strings.SplitSeq(list, ",") {
		name, value, found := strings.Cut(strings.Trim(item, " "), "=")
		if !found {
			return nil, incomplete("Not a valid key=value pair (missing equal-sign) in Authorization header.")
		}
		if name != "Credential" && name != "SignedHeaders" && name != "Signature" {
			return nil, incomplete("Authorization header has an unknown parameter.")
		}
		if _, repeated := fields[name]; repeated {
			return nil, incomplete("Authorization header repeats the '" + name + "' parameter.")
		}
		fields[name] = value
	}
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if fields[name] == "" {
			return nil, incomplete("Authorization header requires '" + name + "' parameter.")
		}
	}
	return fields, nil
}

// parseParts reads the three parts that both forms have.
func (s *Signed) parseParts(credential, names, signature string) (err error) {
	if s.credential, err = parseCredential(credential); err != nil {
		return err
	}
	if s.names, err = parseSignedHeaders(names); err != nil {
		return err
	}
	s.signature, err = parseSignature(signature)
	return err
}

// parseSignature takes lower-case hexadecimal only, so that a signature has one
// writing.
func parseSignature(signature string) ([]byte, error) {
	if !validHash(signature) {
		return nil, incomplete("The signature must be 64 lower-case hexadecimal digits.")
	}
	return hex.DecodeString(signature)
}

// contentHash reads the caller's claim about the body. UNSIGNED-PAYLOAD and the
// streaming forms, which S3 knows, are no hash.
func contentHash(value string, found bool) (string, error) {
	if found && !validHash(value) {
		return "", incomplete("'x-amz-content-sha256' must be the SHA-256 of the body in lower-case hexadecimal.")
	}
	return value, nil
}

func validHash(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'a' || s[i] > 'f') {
			return false
		}
	}
	return true
}

// headerDate takes X-Amz-Date, else Date, which may be an HTTP date.
func (s *Signed) headerDate() error {
	if value, found := s.headers.get("x-amz-date"); found {
		return s.setDate(value)
	}
	value, found := s.headers.get("date")
	if !found {
		return incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if t, err := time.Parse(httpDate, value); err == nil && t.Format(httpDate) == value {
		value = t.Format(basicDate)
	}
	return s.setDate(value)
}
