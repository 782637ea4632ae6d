package sts

import (
	"bytes"
	"testing"
)

// A payload has one encoding, and nothing but an encoding decodes. From outside
// the package the seal keeps such bytes away, hence a test within.
func FuzzDecodePayload(f *testing.F) {
	p := payload{issued: 1, expires: 2, roleARN: "r", sessionName: "s", identity: WebIdentity{"p", "a", "u", []string{"x", ""}}}
	good, err := p.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(append(bytes.Clone(good), 0))
	f.Add(append(bytes.Clone(good), bytes.Repeat([]byte{0}, 2*maxAMR)...))
	f.Add(good[:16])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decodePayload(b)
		if err != nil {
			return
		}
		if len(p.identity.AMR) > maxAMR {
			t.Fatalf("amr: got %d entries, want at most %d", len(p.identity.AMR), maxAMR)
		}
		again, err := p.encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("encoded again: got %x (%v), want %x", again, err, b)
		}
	})
}

func TestTruncatedPayloadDoesNotDecode(t *testing.T) {
	p := payload{roleARN: "role", sessionName: "session", identity: WebIdentity{Provider: "p", Audience: "a", Subject: "u"}}
	good, err := p.encode()
	if err != nil {
		t.Fatal(err)
	}
	for n := range good {
		if _, err := decodePayload(good[:n]); err == nil {
			t.Errorf("%d of %d bytes: got a payload, want an error", n, len(good))
		}
	}
}
