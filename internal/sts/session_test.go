package sts_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/sts"
)

const accessKeyAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

func TestExpiry(t *testing.T) {
	now := start
	b := builtin(t, &now, key(1))
	req := request()
	req.Duration = 15 * time.Minute
	c := assume(t, b, req)
	for _, tt := range []struct {
		name string
		at   time.Time
		want string
	}{
		{"at issue", start, ""},
		{"just before", c.Expiration.Add(-1), ""},
		{"at", c.Expiration, sts.CodeExpiredToken},
		{"after", c.Expiration.Add(time.Second), sts.CodeExpiredToken},
		{"long after", c.Expiration.AddDate(10, 0, 0), sts.CodeExpiredToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now = tt.at
			s, err := b.Open(c.AccessKeyID, c.SessionToken)
			if got := code(err); got != tt.want {
				t.Errorf("code: got %q, want %q", got, tt.want)
			}
			if (s == nil) != (err != nil) {
				t.Errorf("got session %v with error %v", s != nil, err)
			}
		})
	}
}

func TestRefusalsHaveTheMessagesOfSTS(t *testing.T) {
	now := start
	b := builtin(t, &now, key(1))
	c := assume(t, b, request())
	_, err := b.Open(c.AccessKeyID, "")
	if want := "InvalidClientTokenId: The security token included in the request is invalid"; err == nil || err.Error() != want {
		t.Errorf("refused: got %v, want %s", err, want)
	}
	now = c.Expiration
	_, err = b.Open(c.AccessKeyID, c.SessionToken)
	if want := "ExpiredToken: The security token included in the request is expired"; err == nil || err.Error() != want {
		t.Errorf("expired: got %v, want %s", err, want)
	}
}

// The caller learns nothing from a refusal; the log learns why.
func TestRefusalsNameTheirCause(t *testing.T) {
	now := start
	b := builtin(t, &now, key(1))
	other := builtin(t, &now, key(2))
	c, foreign := assume(t, b, request()), assume(t, other, request())
	raw, err := base64.StdEncoding.DecodeString(c.SessionToken)
	if err != nil {
		t.Fatal("token is not base64")
	}
	raw[0] = 4 // the first that means nothing
	for _, tt := range []struct{ accessKey, token, want string }{
		{"AKIA" + c.AccessKeyID[4:], c.SessionToken, "access key id is not of a session"},
		{c.AccessKeyID[:19], c.SessionToken, "access key id is not of a session"},
		{c.AccessKeyID[:19] + "1", c.SessionToken, "access key id is not of a session"},
		{c.AccessKeyID, base64.StdEncoding.EncodeToString(raw), "session token has an unknown version"},
		{c.AccessKeyID, c.SessionToken[:40], "session token is not canonical base64 of a fitting length"},
		{foreign.AccessKeyID, foreign.SessionToken, "session token names an unknown key"},
		{foreign.AccessKeyID, c.SessionToken, "session token and access key do not prove themselves"},
	} {
		_, err := b.Open(tt.accessKey, tt.token)
		if cause := errors.Unwrap(err); cause == nil || cause.Error() != tt.want {
			t.Errorf("cause: got %v, want %s", cause, tt.want)
		}
	}
}

// refused fails the test unless the pair is refused as not issued.
func refused(t *testing.T, b *sts.Builtin, accessKey, token, what string) {
	t.Helper()
	s, err := b.Open(accessKey, token)
	if got := code(err); got != sts.CodeInvalidClientTokenID || s != nil {
		t.Errorf("%s: got code %q, session %v, want %q", what, got, s != nil, sts.CodeInvalidClientTokenID)
	}
}

func TestEveryChangedCharacterIsRefused(t *testing.T) {
	now := start
	b := builtin(t, &now, key(1), key(2))
	c := assume(t, b, request())
	for i := range c.SessionToken {
		for _, with := range []byte("AB+/=\n 9") {
			if c.SessionToken[i] != with {
				refused(t, b, c.AccessKeyID, replaceAt(c.SessionToken, i, with), "token character")
			}
		}
		refused(t, b, c.AccessKeyID, c.SessionToken[:i]+c.SessionToken[i+1:], "token without a character")
		refused(t, b, c.AccessKeyID, c.SessionToken[:i], "token cut off")
	}
	for i := range c.AccessKeyID {
		for _, with := range []byte(accessKeyAlphabet + "a01-\n") {
			if c.AccessKeyID[i] != with {
				refused(t, b, replaceAt(c.AccessKeyID, i, with), c.SessionToken, "access key character")
			}
		}
	}
}

func TestEveryChangedBitIsRefused(t *testing.T) {
	now := start
	b := builtin(t, &now, key(1), key(2))
	c := assume(t, b, request())
	raw, err := base64.StdEncoding.DecodeString(c.SessionToken)
	if err != nil {
		t.Fatal("token is not base64")
	}
	for i := range raw {
		for bit := range 8 {
			raw[i] ^= 1 << bit
			refused(t, b, c.AccessKeyID, base64.StdEncoding.EncodeToString(raw), "token bit")
			raw[i] ^= 1 << bit
		}
	}
}

func TestOneWritingOnly(t *testing.T) {
	now := start
	b := builtin(t, &now, key(1))
	// One that ends in padding, so that there are spare bits to play with.
	c := assume(t, b, request())
	for n := 1; !strings.HasSuffix(c.SessionToken, "=="); n++ {
		req := request()
		req.SessionName = strings.Repeat("s", n+1)
		c = assume(t, b, req)
	}
	bare := strings.TrimRight(c.SessionToken, "=")
	raw, _ := base64.StdEncoding.DecodeString(c.SessionToken)
	last := strings.IndexByte(base64Alphabet, bare[len(bare)-1])
	for what, token := range map[string]string{
		"no padding":            bare,
		"half the padding":      bare + "=",
		"more padding":          c.SessionToken + "=",
		"spare bits set":        bare[:len(bare)-1] + base64Alphabet[last|1:last|1+1] + "==",
		"trailing line feed":    c.SessionToken + "\n",
		"leading line feed":     "\n" + c.SessionToken,
		"inner carriage return": c.SessionToken[:40] + "\r" + c.SessionToken[40:],
		"inner line feed":       c.SessionToken[:40] + "\n" + c.SessionToken[40:],
		"trailing space":        c.SessionToken + " ",
		"url alphabet":          base64.URLEncoding.EncodeToString(append(raw, 0xff, 0xff, 0xff)),
		"trailing bytes":        base64.StdEncoding.EncodeToString(append(raw, 0)),
		"twice":                 c.SessionToken + c.SessionToken,
		"percent-encoded":       strings.ReplaceAll(c.SessionToken, "=", "%3D"),
		"over the limit":        c.SessionToken + strings.Repeat("A", 4097-len(c.SessionToken)),
		"nothing":               "",
	} {
		refused(t, b, c.AccessKeyID, token, what)
	}
	if _, err := b.Open(c.AccessKeyID, c.SessionToken); err != nil {
		t.Errorf("as issued: got %v, want a session", err)
	}
}

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

func TestPartsOfTwoSessionsDoNotMix(t *testing.T) {
	now := start
	b := builtin(t, &now, key(1))
	one, two := assume(t, b, request()), assume(t, b, request())
	refused(t, b, one.AccessKeyID, two.SessionToken, "one's access key, two's token")
	refused(t, b, two.AccessKeyID, one.SessionToken, "two's access key, one's token")

	raw1, _ := base64.StdEncoding.DecodeString(one.SessionToken)
	raw2, _ := base64.StdEncoding.DecodeString(two.SessionToken)
	for i := 1; i < len(raw1); i++ {
		spliced := base64.StdEncoding.EncodeToString(append(append([]byte(nil), raw1[:i]...), raw2[i:]...))
		if spliced == one.SessionToken || spliced == two.SessionToken {
			continue // the header is the same in both
		}
		refused(t, b, one.AccessKeyID, spliced, "spliced tokens, one's access key")
		refused(t, b, two.AccessKeyID, spliced, "spliced tokens, two's access key")
	}
	s, err := b.Open(one.AccessKeyID, one.SessionToken)
	if err != nil {
		t.Fatal(err)
	}
	if s.SecretAccessKey() == two.SecretAccessKey {
		t.Error("secret: got the other session's")
	}
}

func TestKeyRotation(t *testing.T) {
	now := start
	before := builtin(t, &now, key(1))
	during := builtin(t, &now, key(2), key(1))
	after := builtin(t, &now, key(2))
	old, young := assume(t, before, request()), assume(t, during, request())

	opens := func(b *sts.Builtin, c sts.Credentials, what string) {
		t.Helper()
		s, err := b.Open(c.AccessKeyID, c.SessionToken)
		if err != nil {
			t.Errorf("%s: got %v, want a session", what, err)
		} else if s.SecretAccessKey() != c.SecretAccessKey {
			t.Errorf("%s: got another secret than was issued", what)
		}
	}
	opens(during, old, "old key after rotation")
	opens(during, young, "new key")
	opens(after, young, "first key sealed, so the old one is not needed")
	refused(t, before, young.AccessKeyID, young.SessionToken, "key not known yet")
	refused(t, after, old.AccessKeyID, old.SessionToken, "retired key")
}

// Keys that leak into an STS of another account must not speak for this one.
func TestSessionOfAnotherAccountIsRefused(t *testing.T) {
	now := start
	c := assume(t, builtin(t, &now, key(1)), request())
	other, err := sts.NewBuiltin(sts.BuiltinConfig{
		Keys: [][]byte{key(1)}, AccountID: "999999999999", Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, other, c.AccessKeyID, c.SessionToken, "other account")
}

// A session issued once, at start under key(1) for request(). It shows that the
// format stands: tokens outlive the process, and the release, that made them.
const (
	keptAccessKey = "ASIA3F4JG5SWO46QHHKQ"
	keptSecret    = "7T2agcXbJ6gNvKcpiTudUfsnG/lMgHEGBOwx7pqn"
	keptRoleID    = "AROACUBLJPWF6XA5Z7TKL:CognitoIdentityCredentials"
	keptToken     = "AYobUW2YVVJJWZSL+JN+E25kOuv379RKAbKtnTyHK0MJARS+Jh3zsVmXyhexrmPMgI4XXaVcd3m+wOc4SC0a9GKPL6el/EIcYnJf" +
		"Tbgm6LmyBP+5d4bmYrCvLLAagWtYaT3ti7OYocup62HgzHGu+xUxrKSL0NwMvBWHcqfcyRmY1mLj8ypHF8nUrZivvh5D/rK8xcUs" +
		"qTNNiYpn5NiU8Cic7363Sr2mpdgJXHwIvpPfGcvCG9uSgnCMhmZmoGF7dKFOs10MzU7Rvnfh8dlodRoog11dV6aUkY5M0/V/txz5" +
		"P1RiB3WtxQAGRJSOngzYcdCmkKWMJzxr+b7OYiAm5WodqohcHUOwfmwx+uRUeO9wDU4r1ONem9s2bgn5J2c1Eamx9P0Zd9vytZnw" +
		"4A1uRg=="
)

func TestKeptSessionStillOpens(t *testing.T) {
	now := start
	s, err := builtin(t, &now, key(2), key(1)).Open(keptAccessKey, keptToken)
	if err != nil {
		t.Fatalf("Open: got %v, want a session", err)
	}
	if s.SecretAccessKey() != keptSecret {
		t.Error("secret: got another than was issued")
	}
	if s.AssumedRoleID != keptRoleID || s.RoleARN != request().RoleARN || s.Subject != request().Identity.Subject {
		t.Errorf("got %s for %s, want %s for %s", s.AssumedRoleID, s.RoleARN, keptRoleID, request().RoleARN)
	}
}

// The pair is a constant: fuzzing runs in several processes, and each would issue
// a pair of its own.
func FuzzOpen(f *testing.F) {
	now := start
	b := builtin(f, &now, key(1), key(2))
	f.Add(keptAccessKey, keptToken)
	f.Add(keptAccessKey, "")
	f.Add("", keptToken)
	f.Add("ASIA2222222222222222", strings.Repeat("A", 4096))
	f.Add(keptAccessKey, keptToken[:44])
	f.Fuzz(func(t *testing.T, accessKey, token string) {
		s, err := b.Open(accessKey, token)
		if issued := accessKey == keptAccessKey && token == keptToken; (err == nil) != issued {
			t.Fatalf("got %v for a pair that was issued: %v", err, issued)
		}
		if err != nil && (s != nil || code(err) != sts.CodeInvalidClientTokenID) {
			t.Fatalf("got session %v, code %q", s != nil, code(err))
		}
	})
}

func replaceAt(s string, i int, with byte) string {
	return s[:i] + string(rune(with)) + s[i+1:]
}
