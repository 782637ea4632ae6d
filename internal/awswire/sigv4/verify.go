package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Verify says whether the holder of secret signed this request for service at
// about now. It returns nil, or an *Error: Expired, Scope or Mismatch. An empty
// secret or service verifies nothing. The region is for the caller to judge:
// Credential has it.
func (s *Signed) Verify(secret, service string, now time.Time) error {
	if s == nil || s.request == nil || secret == "" || service == "" {
		return mismatch(msgMismatch)
	}
	if err := s.checkTime(now); err != nil {
		return err
	}
	if s.credential.Service != service {
		return scope("Credential should be scoped to correct service: '" + service + "'.")
	}
	sum := sha256.Sum256(s.request.Body)
	bodyHash := hex.EncodeToString(sum[:])
	if s.contentHash != "" && s.contentHash != bodyHash {
		return mismatch(msgContentHash)
	}
	if !hmac.Equal(s.sign(secret, bodyHash), s.signature) {
		return mismatch(msgMismatch)
	}
	return nil
}

// checkTime wants the date of signing within the signature's life; both ends
// belong to it.
func (s *Signed) checkTime(now time.Time) error {
	if latest := now.Add(headerLife); s.date.After(latest) {
		return &Error{Kind: Expired, Message: fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %s)",
			stamp(s.date), stamp(latest), stamp(now), span(headerLife))}
	}
	if earliest := now.Add(-s.life); s.date.Before(earliest) {
		return &Error{Kind: Expired, Message: fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %s)",
			stamp(s.date), stamp(earliest), stamp(now), span(s.life))}
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(basicDate) }

func span(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%d min.", d/time.Minute)
	}
	return fmt.Sprintf("%d sec.", d/time.Second)
}

// sign computes the signature that the request should bear. It must not leave
// this file: it is what a forger needs.
func (s *Signed) sign(secret, bodyHash string) []byte {
	canonical := sha256.Sum256([]byte(s.canonicalRequest(bodyHash)))
	c := &s.credential
	day, region, service := c.Date, c.Region, c.Service
	toSign := algorithm + "\n" + stamp(s.date) + "\n" +
		day + "/" + region + "/" + service + "/" + terminator + "\n" +
		hex.EncodeToString(canonical[:])
	key := []byte("AWS4" + secret)
	for _, part := range []string{day, region, service, terminator, toSign} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return key
}

// canonicalRequest is the text that a signature covers. None of its parts can
// contain a line feed: the request line and headers were checked for that.
func (s *Signed) canonicalRequest(bodyHash string) string {
	var b strings.Builder
	b.Grow(1024)
	for _, line := range []string{s.request.Method, canonicalPath(s.request.Path), canonicalQuery(s.query)} {
		b.WriteString(line)
		b.WriteByte('\n')
	}
	for _, name := range s.names {
		value, _ := s.headers.get(name)
		b.WriteString(name)
		b.WriteByte(':')
		b.WriteString(canonicalValue(value))
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	b.WriteString(strings.Join(s.names, ";"))
	b.WriteByte('\n')
	b.WriteString(bodyHash)
	return b.String()
}

// canonicalValue trims a header's value and makes one space of several.
func canonicalValue(value string) string {
	value = strings.Trim(value, " \t")
	if !strings.Contains(value, "  ") {
		return value
	}
	b := make([]byte, 0, len(value))
	for i := range len(value) {
		if value[i] != ' ' || value[i-1] != ' ' {
			b = append(b, value[i])
		}
	}
	return string(b)
}
