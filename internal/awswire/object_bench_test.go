package awswire_test

import (
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/awswire"
)

// What a miss costs to decode: a login's call with a token of 1,200 characters.
func BenchmarkDecodeObject(b *testing.B) {
	body := []byte(`{"IdentityId":"us-east-1:00000000-0000-4000-8000-000000000001","Logins":{"idp.example":"` + strings.Repeat("abcDEF123_-.", 100) + `"}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := awswire.DecodeObject(body, awswire.ValuesOfApps); err != nil {
			b.Fatal(err)
		}
	}
}
