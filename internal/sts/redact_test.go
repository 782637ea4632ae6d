package sts_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/sts"
)

// printed is v by every way that a log line may take.
func printed(t *testing.T, v any) string {
	t.Helper()
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		fmt.Fprintf(&out, verb+"\n", v)
		fmt.Fprintf(&out, verb+"\n", struct{ Inner any }{v})
		fmt.Fprintf(&out, verb+"\n", []any{v})
	}
	fmt.Fprintln(&out, v)
	j, err := json.Marshal(map[string]any{"v": v})
	if err != nil {
		t.Fatalf("marshal %T: %v", v, err)
	}
	out.Write(j)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
	return out.String()
}

func TestNothingPrintsASecret(t *testing.T) {
	now := start
	b := builtin(t, &now, key(1))
	c := assume(t, b, request())
	s, err := b.Open(c.AccessKeyID, c.SessionToken)
	if err != nil {
		t.Fatal(err)
	}
	_, refusal := b.Open(c.AccessKeyID, c.SessionToken[1:])
	cfg := sts.BuiltinConfig{Keys: [][]byte{key(1)}, AccountID: account}
	secrets := map[string]string{
		"secret":     c.SecretAccessKey,
		"token":      c.SessionToken,
		"token tail": c.SessionToken[1:40],
		"subject":    request().Identity.Subject,
		"key":        hex.EncodeToString(key(1)[:8]),
		"key bytes":  "1 1 1 1",
		"key base64": base64.StdEncoding.EncodeToString(key(1))[:16],
		"key go":     "0x1, 0x1, 0x1",
	}
	for _, v := range []any{c, &c, *s, s, cfg, &cfg, b, *b, refusal, errors.Unwrap(refusal)} {
		got := printed(t, v)
		for name, secret := range secrets {
			for _, form := range []string{secret, hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret)))} {
				if strings.Contains(got, form) {
					t.Errorf("%T prints the %s", v, name)
				}
			}
		}
	}
}

func TestPrintingShowsWhatHelps(t *testing.T) {
	now := start
	c := assume(t, builtin(t, &now, key(1)), request())
	got := fmt.Sprint(c)
	if !strings.Contains(got, c.AccessKeyID) || !strings.Contains(got, "2026-03-04T05:06:07Z") {
		t.Errorf("got %s, want access key and expiry in it", got)
	}
}
