package codec_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
)

func newSeal(t testing.TB, keys ...[]byte) *codec.Seal {
	t.Helper()
	s, err := codec.NewSeal(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}

// What was sealed opens under its name with any list that has its key, and in no
// other way.
func TestSealProperty(t *testing.T) {
	all := [][]byte{newKey(), newKey(), newKey()}
	rapid.Check(t, func(r *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(r, "plain")
		name := rapid.String().Draw(r, "name")
		by := rapid.IntRange(0, 2).Draw(r, "sealed by")
		blob := newSeal(t, all[by]).Seal([]byte("before"), plain, name)
		if !bytes.HasPrefix(blob, []byte("before")) {
			r.Fatal("Seal: got another beginning, want what it was appended to")
		}
		blob = blob[len("before"):]
		if len(plain) > 8 && bytes.Contains(blob, plain) {
			r.Fatal("Seal: got the plain text in the blob")
		}
		keys := rapid.SliceOfNDistinct(rapid.IntRange(0, 2), 1, 3, rapid.ID).Draw(r, "keys")
		var list [][]byte
		want := false
		for _, k := range keys {
			list, want = append(list, all[k]), want || k == by
		}
		open := newSeal(t, list...)
		got, err := open.Open(blob, name)
		if (err == nil) != want || want && !bytes.Equal(got, plain) {
			r.Fatalf("Open with keys %v of a blob by %d: got %v, want success %v", keys, by, err, want)
		}
		if _, err := open.Open(blob, name+"x"); !errors.Is(err, codec.ErrSealed) {
			r.Fatalf("Open under another name: got %v, want %v", err, codec.ErrSealed)
		}
		damaged := bytes.Clone(blob)
		damaged[rapid.IntRange(0, len(blob)-1).Draw(r, "at")] ^= byte(rapid.IntRange(1, 255).Draw(r, "damage"))
		if _, err := open.Open(damaged, name); !errors.Is(err, codec.ErrSealed) {
			r.Fatalf("Open of a damaged blob: got %v, want %v", err, codec.ErrSealed)
		}
		if _, err := open.Open(blob[:rapid.IntRange(0, len(blob)-1).Draw(r, "cut")], name); !errors.Is(err, codec.ErrSealed) {
			r.Fatalf("Open of a part: got %v, want %v", err, codec.ErrSealed)
		}
	})
}

func TestSealKeys(t *testing.T) {
	for name, keys := range map[string][][]byte{"none": nil, "short": {make([]byte, 31)}, "long": {newKey(), make([]byte, 33)}} {
		if _, err := codec.NewSeal(keys...); err == nil {
			t.Errorf("%s: got a seal, want an error", name)
		}
	}
}
