package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.yaml.in/yaml/v4"

	"github.com/cognito-broker/broker/internal/config"
)

// A type that embeds secrets where fmt cannot call their methods.
type hidden struct {
	secret config.Secret
	key    config.Key
}

func TestSecretNeverPrints(t *testing.T) {
	const text = "hunter2hunter2hunter2"
	key, ok := config.ParseKey(base64Key(3))
	if !ok {
		t.Fatal("ParseKey refused a key")
	}
	// "68 68" and the like: the bytes as %x and %d print them.
	leaks := []string{text, "68756e746572", "104 117 110", base64Key(3), "DDDD", "68 68 68", "44444444"}
	secret := config.NewSecret(text)
	values := []any{secret, &secret, key, &key, []config.Secret{secret}, []config.Key{key},
		map[string]any{"k": key, "s": secret},
		struct{ S config.Secret }{secret}, hidden{secret, key}, &hidden{secret, key}, config.STS{Keys: []config.Key{key}},
		fmt.Errorf("wrapped %v", secret)}
	var out bytes.Buffer
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "% x", "%T", "%10.3s"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		if data, err := json.Marshal(v); err == nil {
			out.Write(data)
		}
		if data, err := yaml.Marshal(v); err == nil {
			out.Write(data)
		}
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
		logger := zap.New(zapcore.NewCore(encoder, zapcore.AddSync(&out), zap.DebugLevel))
		logger.Info("x", zap.Any("v", v))
		logger.Sugar().Infow("x", "v", v)
	}
	for _, leak := range leaks {
		if i := strings.Index(out.String(), leak); i >= 0 {
			t.Errorf("output holds %q in %q", leak, out.String()[max(0, i-80):i+20])
		}
	}
	if got := secret.GoString() + secret.String() + key.GoString() + key.String(); got != strings.Repeat("[redacted]", 4) {
		t.Errorf("String and GoString: got %q, want [redacted] each", got)
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Error("output does not say [redacted]")
	}
}

func TestSecret(t *testing.T) {
	var none config.Secret
	some := config.NewSecret("a")
	if !none.Empty() || none.Reveal() != "" || some.Empty() || some.Reveal() != "a" {
		t.Errorf("got empty %v/%v, texts of length %d/%d", none.Empty(), some.Empty(), len(none.Reveal()), len(some.Reveal()))
	}
	if !some.Equal(config.NewSecret("a")) || some.Equal(config.NewSecret("b")) || some.Equal(none) ||
		!none.Equal(config.NewSecret("")) {
		t.Error("Equal does not compare the texts")
	}
}

func TestParseKey(t *testing.T) {
	good := base64Key(0)
	for _, tt := range []struct {
		name, text string
		ok         bool
	}{
		{"good", good, true},
		{"empty", "", false},
		{"no padding", strings.TrimSuffix(good, "="), false},
		{"line feed", good + "\n", false},
		{"line feed inside", good[:20] + "\n" + good[21:], false},
		{"bits left over", good[:42] + "F=", false},
		{"short", "QUFB", false},
		{"33 bytes", "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB", false},
		{"url alphabet", strings.Repeat("_", 43) + "=", false},
	} {
		key, ok := config.ParseKey(tt.text)
		if ok != tt.ok || ok && len(key.Bytes()) != config.KeyBytes || key.Empty() == ok {
			t.Errorf("%s: got ok %v, %d bytes; want ok %v", tt.name, ok, len(key.Bytes()), tt.ok)
		}
	}
	key, _ := config.ParseKey(good)
	key.Bytes()[0] = 'x'
	if key.Bytes()[0] != 'A' {
		t.Error("Bytes gives the key itself away, want a copy")
	}
}
