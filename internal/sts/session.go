package sts

import (
	"errors"
	"time"
)

var (
	errAccessKey = errors.New("access key id is not of a session")
	errForeign   = errors.New("session is of a role that this account does not have")
)

// Session is what a session token proves. The caller has still to prove that he
// holds the secret access key: token and access key travel in clear.
type Session struct {
	Account         string
	RoleARN         string
	SessionName     string
	AssumedRoleARN  string
	AssumedRoleID   string
	Provider        string
	Audience        string
	Subject         string
	AMR             []string
	Policy          string   // inline session policy, JSON as it was given; empty: none
	PolicyARNs      []string // managed session policies, in the order given
	Tags            map[string]string
	Issued, Expires time.Time // whole seconds, UTC

	secret string
}

// SecretAccessKey is the secret that belongs to the session's access key and
// token, for checking signatures. It must go nowhere else.
func (s *Session) SecretAccessKey() string { return s.secret }

// Open proves access key and session token, together, and returns their session.
// It refuses with *Error: InvalidClientTokenId for whatever was not issued
// under one of the keys for one of the account's roles, or was changed since;
// ExpiredToken from the second of expiry on. It is safe for concurrent use.
func (b *Builtin) Open(accessKeyID, sessionToken string) (*Session, error) {
	s, err := b.open(accessKeyID, sessionToken)
	if err != nil {
		return nil, &Error{Code: CodeInvalidClientTokenID, Message: msgInvalidToken, cause: err}
	}
	if !b.now().Before(s.Expires) {
		return nil, &Error{Code: CodeExpiredToken, Message: msgExpiredToken}
	}
	return s, nil
}

// open does all of Open but the clock.
func (b *Builtin) open(accessKey, token string) (*Session, error) {
	if !validAccessKey(accessKey) {
		return nil, errAccessKey
	}
	raw, err := decodeToken(token)
	if err != nil {
		return nil, err
	}
	if raw[0] < versionPlain || raw[0] > versionTags {
		return nil, errVersion
	}
	key, plain, err := b.unseal(accessKey, raw)
	if err != nil {
		return nil, err
	}
	p, err := decodePayload(raw[0], plain)
	if err != nil {
		return nil, err
	}
	r, ok := parseRole(p.roleARN)
	if !ok || r.account != b.account {
		return nil, errForeign
	}
	return newSession(&p, r, key.secretFor(accessKey, raw)), nil
}

// unseal tries every key of the token's key id: ids are short, so two keys may
// share one.
func (b *Builtin) unseal(accessKey string, raw []byte) (*sealKey, []byte, error) {
	err := errUnknownKey
	for _, k := range b.keys {
		if [keyIDBytes]byte(raw[1:headerBytes]) != k.id {
			continue
		}
		var plain []byte
		if plain, err = k.open(accessKey, raw); err == nil {
			return k, plain, nil
		}
	}
	return nil, nil, err
}

func newSession(p *payload, r role, secret string) *Session {
	return &Session{
		Account:        r.account,
		RoleARN:        p.roleARN,
		SessionName:    p.sessionName,
		AssumedRoleARN: r.assumedARN(p.sessionName),
		AssumedRoleID:  r.assumedID(p.sessionName),
		Provider:       p.identity.Provider,
		Audience:       p.identity.Audience,
		Subject:        p.identity.Subject,
		AMR:            p.identity.AMR,
		Policy:         p.policy,
		PolicyARNs:     p.policyARNs,
		Tags:           p.identity.Tags,
		Issued:         time.Unix(p.issued, 0).UTC(),
		Expires:        time.Unix(p.expires, 0).UTC(),
		secret:         secret,
	}
}

// validAccessKey says whether s looks like an access key of newAccessKey.
func validAccessKey(s string) bool {
	if len(s) != accessKeyChars || s[:len(accessKeyPrefix)] != accessKeyPrefix {
		return false
	}
	for _, c := range []byte(s[len(accessKeyPrefix):]) {
		if (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}
