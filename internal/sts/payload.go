package sts

import (
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"slices"
)

var errPayload = errors.New("session payload does not decode")

// payload is what a session token carries. What follows from it (account,
// assumed role, secret) is computed again on opening.
type payload struct {
	issued, expires int64 // seconds since the epoch
	roleARN         string
	sessionName     string
	identity        WebIdentity
	policy          string
	policyARNs      []string
}

// All layouts begin with the two times. In the first follow role, session name,
// provider, audience, subject and the methods, each behind its length; in the
// second the number of managed policies stands before them, and inline policy
// and managed policies between subject and methods; in the third the number of
// tags stands behind that of the policies, and the tags, each key before its
// value, in the order of keys, between policies and methods.
const (
	timeBytes   = 16
	fixedFields = 5
	maxFields   = fixedFields + 1 + maxPolicyARNs + 2*maxTags + maxAMR
)

// version is the layout for p: the earliest that will do.
func (p *payload) version() byte {
	switch {
	case len(p.identity.Tags) > 0:
		return versionTags
	case p.policy != "" || len(p.policyARNs) > 0:
		return versionPolicies
	}
	return versionPlain
}

// encode writes p in the layout of its version. One payload has one encoding.
func (p *payload) encode() ([]byte, error) {
	if len(p.policyARNs) > maxPolicyARNs || len(p.identity.Tags) > maxTags {
		return nil, errPayload
	}
	b := make([]byte, 0, 512+len(p.policy))
	b = binary.BigEndian.AppendUint64(b, uint64(p.issued))
	b = binary.BigEndian.AppendUint64(b, uint64(p.expires))
	fields := []string{p.roleARN, p.sessionName, p.identity.Provider, p.identity.Audience, p.identity.Subject}
	version := p.version()
	if version >= versionPolicies {
		b = append(b, byte(len(p.policyARNs)))
		fields = append(append(fields, p.policy), p.policyARNs...)
	}
	if version >= versionTags {
		b = append(b, byte(len(p.identity.Tags)))
		for _, key := range slices.Sorted(maps.Keys(p.identity.Tags)) {
			fields = append(fields, key, p.identity.Tags[key])
		}
	}
	for _, f := range append(fields, p.identity.AMR...) {
		if len(f) > math.MaxUint16 {
			return nil, errPayload
		}
		b = binary.BigEndian.AppendUint16(b, uint16(len(f)))
		b = append(b, f...)
	}
	return b, nil
}

// decodePayload is the inverse of encode and takes nothing else.
func decodePayload(version byte, b []byte) (payload, error) {
	if len(b) <= timeBytes+1 {
		return payload{}, errPayload
	}
	p := payload{
		issued:  int64(binary.BigEndian.Uint64(b)),
		expires: int64(binary.BigEndian.Uint64(b[8:])),
	}
	b = b[timeBytes:]
	policies, tags := 0, 0 // fields of each
	if version >= versionPolicies {
		policies, b = 1+int(b[0]), b[1:]
	}
	if version >= versionTags {
		tags, b = 2*int(b[0]), b[1:]
	}
	fields, err := decodeFields(b)
	if err != nil || policies > 1+maxPolicyARNs || tags > 2*maxTags || len(fields) < fixedFields+policies+tags {
		return payload{}, errPayload
	}
	if err := p.take(fields, policies, tags); err != nil {
		return payload{}, err
	}
	if p.version() != version || len(p.identity.AMR) > maxAMR {
		return payload{}, errPayload
	}
	return p, nil
}

// take fills p from fields, of which after the fixed ones that many are of
// policies, and then of tags.
func (p *payload) take(fields []string, policies, tags int) error {
	p.roleARN, p.sessionName = fields[0], fields[1]
	p.identity = WebIdentity{Provider: fields[2], Audience: fields[3], Subject: fields[4]}
	fields = fields[fixedFields:]
	if policies > 0 {
		p.policy = fields[0]
	}
	if policies > 1 {
		p.policyARNs = fields[1:policies:policies]
	}
	fields = fields[policies:]
	for n := 0; n < tags; n += 2 {
		if n == 0 {
			p.identity.Tags = make(map[string]string, tags/2)
		} else if fields[n] <= fields[n-2] {
			return errPayload
		}
		p.identity.Tags[fields[n]] = fields[n+1]
	}
	if amr := fields[tags:]; len(amr) > 0 {
		p.identity.AMR = amr
	}
	return nil
}

func decodeFields(b []byte) ([]string, error) {
	var fields []string
	for len(b) > 0 {
		if len(b) < 2 {
			return nil, errPayload
		}
		n := int(binary.BigEndian.Uint16(b))
		if b = b[2:]; len(b) < n || len(fields) >= maxFields {
			return nil, errPayload
		}
		fields = append(fields, string(b[:n]))
		b = b[n:]
	}
	return fields, nil
}
