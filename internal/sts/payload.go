package sts

import (
	"encoding/binary"
	"errors"
	"math"
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

// Both layouts begin with the two times. In the first follow role, session name,
// provider, audience, subject and the methods, each behind its length; in the
// second the number of managed policies stands before them, and inline policy
// and managed policies between subject and methods.
const (
	timeBytes   = 16
	fixedFields = 5
	maxFields   = fixedFields + 1 + maxPolicyARNs + maxAMR
)

// version is the layout for p: the first wherever it will do.
func (p *payload) version() byte {
	if p.policy == "" && len(p.policyARNs) == 0 {
		return versionPlain
	}
	return versionPolicies
}

// encode writes p in the layout of its version. One payload has one encoding.
func (p *payload) encode() ([]byte, error) {
	b := make([]byte, 0, 512+len(p.policy))
	b = binary.BigEndian.AppendUint64(b, uint64(p.issued))
	b = binary.BigEndian.AppendUint64(b, uint64(p.expires))
	fields := []string{p.roleARN, p.sessionName, p.identity.Provider, p.identity.Audience, p.identity.Subject}
	if p.version() == versionPolicies {
		if len(p.policyARNs) > maxPolicyARNs {
			return nil, errPayload
		}
		b = append(b, byte(len(p.policyARNs)))
		fields = append(append(fields, p.policy), p.policyARNs...)
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
	if len(b) <= timeBytes {
		return payload{}, errPayload
	}
	p := payload{
		issued:  int64(binary.BigEndian.Uint64(b)),
		expires: int64(binary.BigEndian.Uint64(b[8:])),
	}
	b = b[timeBytes:]
	policies := 0 // fields of policies
	if version == versionPolicies {
		policies = 1 + int(b[0])
		b = b[1:]
	}
	fields, err := decodeFields(b)
	if err != nil || policies > 1+maxPolicyARNs || len(fields) < fixedFields+policies {
		return payload{}, errPayload
	}
	p.take(fields, policies)
	if p.version() != version || len(p.identity.AMR) > maxAMR {
		return payload{}, errPayload
	}
	return p, nil
}

// take fills p from fields, of which that many after the fixed ones are policies.
func (p *payload) take(fields []string, policies int) {
	p.roleARN, p.sessionName = fields[0], fields[1]
	p.identity = WebIdentity{Provider: fields[2], Audience: fields[3], Subject: fields[4]}
	fields = fields[fixedFields:]
	if policies > 0 {
		p.policy = fields[0]
	}
	if policies > 1 {
		p.policyARNs = fields[1:policies:policies]
	}
	if amr := fields[policies:]; len(amr) > 0 {
		p.identity.AMR = amr
	}
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
