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
}

// encode writes times, then each field behind its length. One payload has one
// encoding.
func (p *payload) encode() ([]byte, error) {
	b := make([]byte, 0, 512)
	b = binary.BigEndian.AppendUint64(b, uint64(p.issued))
	b = binary.BigEndian.AppendUint64(b, uint64(p.expires))
	fields := append([]string{
		p.roleARN, p.sessionName, p.identity.Provider, p.identity.Audience, p.identity.Subject,
	}, p.identity.AMR...)
	for _, f := range fields {
		if len(f) > math.MaxUint16 {
			return nil, errPayload
		}
		b = binary.BigEndian.AppendUint16(b, uint16(len(f)))
		b = append(b, f...)
	}
	return b, nil
}

// decodePayload is the inverse of encode and takes nothing else.
func decodePayload(b []byte) (payload, error) {
	if len(b) < 16 {
		return payload{}, errPayload
	}
	p := payload{
		issued:  int64(binary.BigEndian.Uint64(b)),
		expires: int64(binary.BigEndian.Uint64(b[8:])),
	}
	fields, err := decodeFields(b[16:])
	if err != nil || len(fields) < 5 {
		return payload{}, errPayload
	}
	p.roleARN, p.sessionName = fields[0], fields[1]
	p.identity = WebIdentity{Provider: fields[2], Audience: fields[3], Subject: fields[4]}
	if amr := fields[5:]; len(amr) > 0 {
		p.identity.AMR = amr
	}
	return p, nil
}

func decodeFields(b []byte) ([]string, error) {
	var fields []string
	for len(b) > 0 {
		if len(b) < 2 {
			return nil, errPayload
		}
		n := int(binary.BigEndian.Uint16(b))
		if b = b[2:]; len(b) < n || len(fields) >= 5+maxAMR {
			return nil, errPayload
		}
		fields = append(fields, string(b[:n]))
		b = b[n:]
	}
	return fields, nil
}
