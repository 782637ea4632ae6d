package issuer_test

import (
	"testing"
	"time"
)

func BenchmarkSign(b *testing.B) {
	i := start(b, config(&memory{}, nil))
	c := claims(time.Now())
	b.ReportAllocs()
	for b.Loop() {
		sign(b, i, c)
	}
}

func BenchmarkVerify(b *testing.B) {
	i := start(b, config(&memory{}, nil))
	c := claims(time.Now())
	token := sign(b, i, c)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := i.Verify(token); err != nil {
			b.Fatal(err)
		}
	}
}
