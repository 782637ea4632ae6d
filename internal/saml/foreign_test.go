package saml_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/saml"
)

// The configured recipient and audience of the Responses in testdata.
const (
	ourRecipient = "https://broker.example/saml"
	ourAudience  = "urn:broker"
)

// peer is what one foreign signer made: testdata/README.md.
type peer struct {
	name, folder string
	metadata     []byte
	keys         []byte
	cases        map[string]wanted
}

// wanted is what is to be made of a Response: a login, or a refusal by a check.
type wanted struct {
	Refused    saml.Check          `json:"refused"`
	NameID     string              `json:"nameID"`
	Format     *string             `json:"format"`
	Ends       *time.Time          `json:"ends"`
	Attributes map[string][]string `json:"attributes"`
}

// fresh is the folder of Responses that were made just now, for the run of e2e/saml.
func fresh() string { return os.Getenv("BROKER_SAML_PEERS") }

// peers are those of testdata, or the fresh ones.
func peers(t testing.TB) []*peer {
	t.Helper()
	root := fresh()
	if root == "" {
		root = "testdata"
	}
	files, err := filepath.Glob(filepath.Join(root, "*", "cases.json"))
	if err != nil || len(files) < 3 {
		t.Fatalf("got %d peers in %s (%v), want 3", len(files), root, err)
	}
	var all []*peer
	for _, file := range files {
		p := &peer{folder: filepath.Dir(file)}
		p.name = filepath.Base(p.folder)
		var list struct{ Cases map[string]wanted }
		if err := json.Unmarshal(read(t, file), &list); err != nil {
			t.Fatal(err)
		}
		p.cases = list.Cases
		p.metadata = read(t, filepath.Join(p.folder, "metadata.xml"))
		p.keys = read(t, filepath.Join(p.folder, "decryption.pem"))
		all = append(all, p)
	}
	return all
}

func peerNamed(t testing.TB, name string) *peer {
	t.Helper()
	for _, p := range peers(t) {
		if p.name == name {
			return p
		}
	}
	t.Fatalf("there is no peer %s", name)
	return nil
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (p *peer) response(t testing.TB, name string) []byte {
	t.Helper()
	return read(t, filepath.Join(p.folder, name+".xml"))
}

var issueInstant = regexp.MustCompile(`IssueInstant="([^"]+)"`)

// clockOf is the time at which a Response was made; now, for a fresh one.
func clockOf(t testing.TB, response []byte) time.Time {
	t.Helper()
	if fresh() != "" {
		return time.Now()
	}
	at, err := time.Parse(time.RFC3339, string(issueInstant.FindSubmatch(response)[1]))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func (p *peer) config(now time.Time) saml.Config {
	return saml.Config{
		Metadata: p.metadata, DecryptionKeys: p.keys, Now: func() time.Time { return now },
		Recipients: []string{ourRecipient}, Audiences: []string{ourAudience},
	}
}

// made are peers' providers by folder and clock: to read an RSA key takes long.
var made sync.Map

func (p *peer) provider(t testing.TB, now time.Time) *saml.Provider {
	t.Helper()
	name := p.folder + now.String()
	if kept, ok := made.Load(name); ok {
		return kept.(*saml.Provider)
	}
	from := provider(t, p.config(now))
	made.Store(name, from)
	return from
}

func provider(t testing.TB, c saml.Config) *saml.Provider {
	t.Helper()
	made, err := saml.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func encode(document []byte) string { return base64.StdEncoding.EncodeToString(document) }

// refusedBy is the check that refused, and empty where none did.
func refusedBy(t testing.TB, err error) saml.Check {
	t.Helper()
	if err == nil {
		return ""
	}
	refused, ok := errors.AsType[*saml.Refused](err)
	if !ok {
		t.Fatalf("got %v, want *saml.Refused", err)
	}
	return refused.Check
}

// Each Response that foreign signers made is read as what it is, or refused by the check that
// it does not pass, in words that hold nothing of it; twice, as SDKs send each login twice.
func TestForeignResponses(t *testing.T) {
	t.Parallel()
	for _, p := range peers(t) {
		for name, want := range p.cases {
			t.Run(p.name+"/"+name, func(t *testing.T) {
				response := p.response(t, name)
				from := p.provider(t, clockOf(t, response))
				for range 2 {
					got, err := from.Read(encode(response))
					if check := refusedBy(t, err); check != want.Refused {
						t.Fatalf("got %q (%v), want it refused by %q", check, err, want.Refused)
					}
					if want.Refused == "" {
						compare(t, got, want)
						continue
					}
					silent(t, err)
					if got != nil {
						t.Error("got a login with a refusal")
					}
				}
			})
		}
	}
}

func compare(t *testing.T, got *saml.Login, want wanted) {
	t.Helper()
	if got.NameID != want.NameID {
		t.Errorf("got the NameID %q, want %q", got.NameID, want.NameID)
	}
	if want.Format != nil && got.Format != *want.Format {
		t.Errorf("got the format %q, want %q", got.Format, *want.Format)
	}
	if want.Ends != nil && !got.Ends.Equal(*want.Ends) {
		t.Errorf("got the end %v, want %v", got.Ends, *want.Ends)
	}
	if want.Attributes != nil {
		if diff := cmp.Diff(want.Attributes, got.Attributes); diff != "" {
			t.Errorf("attributes, want to got:\n%s", diff)
		}
	}
	if got.Transient() != strings.HasSuffix(got.Format, ":transient") {
		t.Errorf("got transient: %t for %q", got.Transient(), got.Format)
	}
}

// Without keys to decrypt with, what is encrypted is refused, and nothing else.
func TestWithoutDecryptionKeys(t *testing.T) {
	t.Parallel()
	for _, p := range peers(t) {
		for name, want := range p.cases {
			response := p.response(t, name)
			c := p.config(clockOf(t, response))
			c.DecryptionKeys = nil
			if strings.Contains(string(response), "EncryptedData") && (want.Refused == "" || want.Refused == "signature") {
				want.Refused = saml.Encryption
			}
			_, err := provider(t, c).Read(encode(response))
			if check := refusedBy(t, err); check != want.Refused {
				t.Errorf("%s/%s: got %q (%v), want it refused by %q", p.name, name, check, err, want.Refused)
			}
		}
	}
}

// A provider's Response is nobody's at another provider.
func TestAnotherProvidersMetadata(t *testing.T) {
	t.Parallel()
	all := peers(t)
	for _, p := range all {
		for _, other := range all {
			response := p.response(t, "good")
			_, err := other.provider(t, clockOf(t, response)).Read(encode(response))
			if refused := err != nil; refused != (p != other) {
				t.Errorf("%s's Response at %s: got %v", p.name, other.name, err)
			}
		}
	}
}

// silent asks that a refusal holds nothing of the Response.
func silent(t *testing.T, refusal error) {
	t.Helper()
	for _, secret := range []string{"alice", "bob", "_assertion", "other.example", "idp.example", "status:"} {
		if strings.Contains(refusal.Error(), secret) {
			t.Errorf("the refusal %q holds %q of the Response", refusal, secret)
		}
	}
	if cause := errors.Unwrap(refusal); cause != nil {
		t.Errorf("the refusal wraps %v", cause)
	}
}

// Who signs by SHA-1 is told so, and not that the key is another: fetching the metadata again would
// not help.
func TestWeakSignaturesAreNamed(t *testing.T) {
	t.Parallel()
	found := 0
	for _, p := range peers(t) {
		for name := range p.cases {
			if !strings.Contains(name, "sha1") {
				continue
			}
			found++
			response := p.response(t, name)
			_, err := p.provider(t, clockOf(t, response)).Read(encode(response))
			if err == nil || !strings.Contains(err.Error(), "SHA-1") {
				t.Errorf("%s, %s: got %v, want the algorithm named", p.name, name, err)
			}
		}
	}
	if found < 3 && fresh() == "" {
		t.Errorf("got %d Responses by SHA-1, want some", found)
	}
}
