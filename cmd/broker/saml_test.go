package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/config"
)

// What is wrong with a SAML provider's files and lists is told with its key, and quotes none of it.
func TestSAMLConfigurationIsToldByKey(t *testing.T) {
	t.Parallel()
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	metadata, err := filepath.Abs("../../internal/saml/testdata/samlp/metadata.xml")
	if err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "none")
	for _, c := range []struct {
		key string
		of  config.LoginProvider
	}{
		{"", config.LoginProvider{MetadataFile: metadata, Recipients: []string{"https://app.example/acs"}}},
		{"metadata_file", config.LoginProvider{MetadataFile: missing}},
		{"metadata_file", config.LoginProvider{MetadataFile: file("<x/>")}},
		{"decryption_keys_file", config.LoginProvider{MetadataFile: metadata, DecryptionKeysFile: missing}},
		{"decryption_keys_file", config.LoginProvider{MetadataFile: metadata, DecryptionKeysFile: file("quoted")}},
		{"recipients", config.LoginProvider{MetadataFile: metadata, Recipients: []string{"quoted"}}},
		{"audiences", config.LoginProvider{MetadataFile: metadata, Audiences: []string{""}}},
	} {
		_, err := samlConfig(&c.of, "login_providers[0]")
		switch {
		case c.key == "" && err != nil:
			t.Errorf("a good one: got %v", err)
		case c.key == "":
		case err == nil || !strings.HasPrefix(err.Error(), "login_providers[0]."+c.key+": ") || !strings.Contains(err.Error(), "; expected ") || strings.Contains(err.Error(), "quoted"):
			t.Errorf("%+v: got %v, want it told by %s", c.of, err, c.key)
		}
	}
}
