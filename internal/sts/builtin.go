package sts

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	keyBytes        = 32
	maxKeys         = 64
	accessKeyPrefix = "ASIA"
	accessKeyChars  = 20
	accessKeyRandom = 10 // bytes, which base32 writes as the 16 characters left
)

// BuiltinConfig configures the built-in STS.
type BuiltinConfig struct {
	Keys      [][]byte         // 32 random bytes each, distinct, 1 to 64 of them: the first seals, all open
	AccountID string           // the account whose roles may be assumed: 12 digits
	Now       func() time.Time // nil: time.Now
	Rand      io.Reader        // source of access key ids, safe for concurrent use; nil: crypto/rand
}

// Builtin is an STS that keeps no list of the credentials that it issued: any broker
// with the same keys can open them. It is immutable and safe for
// concurrent use. It evaluates no trust policy: the caller vouches for both the
// identity and its right to the role.
type Builtin struct {
	keys    []*sealKey
	account string
	now     func() time.Time
	rand    io.Reader
}

var _ Assumer = (*Builtin)(nil)

// NewBuiltin refuses a configuration without keys, with more than 64, with keys of
// another length than 32 bytes, with one key twice, or with a key of zeros only (a
// placeholder that was never filled in). It keeps no slice of the configuration.
func NewBuiltin(cfg BuiltinConfig) (*Builtin, error) {
	if !validAccount(cfg.AccountID) {
		return nil, errors.New("account id: want 12 digits")
	}
	keys, err := newKeys(cfg.Keys)
	if err != nil {
		return nil, err
	}
	b := &Builtin{keys: keys, account: cfg.AccountID, now: cfg.Now, rand: cfg.Rand}
	if b.now == nil {
		b.now = time.Now
	}
	if b.rand == nil {
		b.rand = rand.Reader
	}
	return b, nil
}

func newKeys(configured [][]byte) ([]*sealKey, error) {
	if len(configured) < 1 || len(configured) > maxKeys {
		return nil, fmt.Errorf("keys: want 1 to %d, got %d", maxKeys, len(configured))
	}
	keys := make([]*sealKey, len(configured))
	for i, k := range configured {
		if len(k) != keyBytes {
			return nil, fmt.Errorf("key %d: want %d bytes, got %d", i, keyBytes, len(k))
		}
		if bytes.Count(k, []byte{0}) == len(k) {
			return nil, fmt.Errorf("key %d: want random bytes, got zeros", i)
		}
		for j, other := range configured[:i] {
			if bytes.Equal(k, other) {
				return nil, fmt.Errorf("key %d: same as key %d", i, j)
			}
		}
		var err error
		if keys[i], err = newSealKey(k); err != nil {
			return nil, fmt.Errorf("key %d: %w", i, err)
		}
	}
	return keys, nil
}

// Assume issues credentials; see Assumer. It refuses a role of another account
// with AccessDenied, a request beyond STS's bounds with ValidationError, an
// inline policy that is none with MalformedPolicyDocument, and with
// PackedPolicyTooLarge policies of more than 2048 characters together and a
// session whose parts together exceed what a token of 4096 characters holds.
// Session policies are recorded in the session: whoever honours it applies them.
func (b *Builtin) Assume(ctx context.Context, req AssumeRequest) (Credentials, error) {
	if err := ctx.Err(); err != nil {
		return Credentials{}, err
	}
	r, err := req.check()
	if err != nil {
		return Credentials{}, err
	}
	if r.account != b.account {
		return Credentials{}, &Error{Code: CodeAccessDenied, Message: msgNotAuthorized}
	}
	accessKey, err := b.newAccessKey()
	if err != nil {
		return Credentials{}, err
	}
	now := b.now()
	p := payload{
		issued:      now.Unix(),
		expires:     now.Add(req.Duration).Unix(),
		roleARN:     req.RoleARN,
		sessionName: req.SessionName,
		identity:    req.Identity,
		policy:      req.Policy,
		policyARNs:  req.PolicyARNs,
	}
	return b.issue(accessKey, r, &p)
}

// issue seals p under the first key.
func (b *Builtin) issue(accessKey string, r role, p *payload) (Credentials, error) {
	plain, err := p.encode()
	if err != nil {
		return Credentials{}, &Error{Code: CodePackedPolicyTooLarge, Message: msgTooLarge, cause: err}
	}
	raw, ok := b.keys[0].seal(accessKey, p.version(), plain)
	if !ok {
		return Credentials{}, &Error{Code: CodePackedPolicyTooLarge, Message: msgTooLarge}
	}
	return Credentials{
		AccessKeyID:     accessKey,
		SecretAccessKey: b.keys[0].secretFor(accessKey, raw),
		SessionToken:    base64.StdEncoding.EncodeToString(raw),
		Expiration:      time.Unix(p.expires, 0).UTC(),
		AssumedRoleARN:  r.assumedARN(p.sessionName),
		AssumedRoleID:   r.assumedID(p.sessionName),
	}, nil
}

func (b *Builtin) newAccessKey() (string, error) {
	var random [accessKeyRandom]byte
	if _, err := io.ReadFull(b.rand, random[:]); err != nil {
		return "", fmt.Errorf("draw access key id: %w", err)
	}
	return accessKeyPrefix + base32.StdEncoding.EncodeToString(random[:]), nil
}
