package sts

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A payload has one encoding, and nothing but an encoding decodes. From outside
// the package the seal keeps such bytes away, hence a test within.
func FuzzDecodePayload(f *testing.F) {
	plain := payload{issued: 1, expires: 2, roleARN: "r", sessionName: "s", identity: WebIdentity{"p", "a", "u", []string{"x", ""}, nil}}
	limited := plain
	limited.policy, limited.policyARNs = "{}", []string{"b", ""}
	managed := plain
	managed.policyARNs = []string{"b"}
	tagged := limited
	tagged.identity.Tags = map[string]string{"a": "", "b": "1"}
	for _, p := range []payload{plain, limited, managed, tagged} {
		good, err := p.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p.version(), good)
		f.Add(p.version()^3, good)
		f.Add(p.version()^1, good)
		f.Add(p.version(), good[:len(good)-1])
		f.Add(p.version(), append(bytes.Clone(good), 0))
		f.Add(p.version(), append(bytes.Clone(good), bytes.Repeat([]byte{0}, 2*(maxAMR-1))...))
		f.Add(p.version(), good[:timeBytes])
	}
	f.Add(byte(versionPolicies), append(make([]byte, timeBytes), 255))
	f.Add(byte(versionPolicies), append(make([]byte, timeBytes), make([]byte, 1+2*6)...)) // no policy at all
	f.Fuzz(func(t *testing.T, version byte, b []byte) {
		if version < versionPlain || version > versionTags {
			return // no such token is decoded
		}
		p, err := decodePayload(version, b)
		if err != nil {
			return
		}
		if len(p.identity.AMR) > maxAMR || len(p.policyARNs) > maxPolicyARNs || len(p.identity.Tags) > maxTags {
			t.Fatalf("got %d methods, %d policies, want at most %d, %d", len(p.identity.AMR), len(p.policyARNs), maxAMR, maxPolicyARNs)
		}
		again, err := p.encode()
		if err != nil || !bytes.Equal(again, b) || p.version() != version {
			t.Fatalf("encoded again: got version %d, %x (%v), want %d, %x", p.version(), again, err, version, b)
		}
	})
}

// earlier writes the layout of the release before session policies.
func earlier(issued, expires int64, fields ...string) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(issued))
	b = binary.BigEndian.AppendUint64(b, uint64(expires))
	for _, f := range fields {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(f))), f...)
	}
	return b
}

const earlierARN = "arn:aws:iam::123456789012:role/r"

// earlierBytes is what that release wrote, byte by byte.
const earlierBytes = "0000000069a7b057" + "0000000069a7be67" + // 2026-03-04 04:08:55 and an hour
	"0020" + "61726e3a6177733a69616d3a3a3132333435363738393031323a726f6c652f72" +
	"0002" + "736e" + "0001" + "70" + "0001" + "61" + "0001" + "75" + "0002" + "6d31" + "0000"

func TestEarlierLayoutStillOpens(t *testing.T) {
	issued := time.Date(2026, 3, 4, 4, 8, 55, 0, time.UTC)
	plain := earlier(issued.Unix(), issued.Add(time.Hour).Unix(), earlierARN, "sn", "p", "a", "u", "m1", "")
	if got := hex.EncodeToString(plain); got != earlierBytes {
		t.Fatalf("earlier layout: got %s, want %s", got, earlierBytes)
	}
	b, err := NewBuiltin(BuiltinConfig{
		Keys: [][]byte{bytes.Repeat([]byte{7}, keyBytes)}, AccountID: "123456789012", Now: func() time.Time { return issued },
	})
	if err != nil {
		t.Fatal(err)
	}
	const accessKey = "ASIAABCDEFGHIJKLMNOP"
	raw, ok := b.keys[0].seal(accessKey, 1, plain)
	if !ok {
		t.Fatal("seal: got no token")
	}
	s, err := b.Open(accessKey, base64.StdEncoding.EncodeToString(raw))
	if err != nil {
		t.Fatalf("Open: got %v, want a session", err)
	}
	if s.RoleARN != earlierARN || s.SessionName != "sn" || s.Subject != "u" || s.Policy != "" || s.PolicyARNs != nil ||
		!cmp.Equal(s.AMR, []string{"m1", ""}) || !s.Issued.Equal(issued) {
		t.Errorf("got a session of %s for %s from %v", s.RoleARN, s.SessionName, s.Issued)
	}
	// The layouts are not to be taken for one another.
	raw, _ = b.keys[0].seal(accessKey, versionPolicies, plain)
	if _, err := b.Open(accessKey, base64.StdEncoding.EncodeToString(raw)); err == nil {
		t.Error("earlier layout under the later version: got a session, want none")
	}
}

// Brokers of the earlier release open what has no limits, and nothing else.
func TestVersionOfWhatIsIssued(t *testing.T) {
	b, err := NewBuiltin(BuiltinConfig{Keys: [][]byte{bytes.Repeat([]byte{7}, keyBytes)}, AccountID: "123456789012"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		policy string
		arns   []string
		tags   map[string]string
		want   byte
	}{
		{"", nil, nil, 1},
		{`{"Statement":{"Effect":"Deny","Action":"*"}}`, nil, nil, 2},
		{"", []string{"arn:aws:iam::aws:policy/P"}, nil, 2},
		{"", nil, map[string]string{"k": "v"}, 3},
	} {
		c, err := b.Assume(context.Background(), AssumeRequest{
			RoleARN: earlierARN, SessionName: "sn", Identity: WebIdentity{Provider: "p", Audience: "a", Subject: "u", Tags: tt.tags},
			Duration: time.Hour, Policy: tt.policy, PolicyARNs: tt.arns,
		})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := base64.StdEncoding.DecodeString(c.SessionToken)
		if err != nil || raw[0] != tt.want {
			t.Errorf("policy %q, %d managed: got version %d (%v), want %d", tt.policy, len(tt.arns), raw[0], err, tt.want)
		}
	}
}
