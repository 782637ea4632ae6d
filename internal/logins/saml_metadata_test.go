package logins_test

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/saml"
)

// metadataFile is metadata that may be replaced, and how often it was read.
type metadataFile struct {
	mu    sync.Mutex
	text  []byte
	err   error
	reads int
}

func (f *metadataFile) read(context.Context) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	return f.text, f.err
}

func (f *metadataFile) put(text []byte, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text, f.err = text, err
}

func (f *metadataFile) provider() logins.Provider {
	return logins.Provider{Name: corporate, Kind: loginkey.SAML, SAML: &saml.Config{Metadata: f.text}, Metadata: f.read}
}

var signingKey = regexp.MustCompile(`(?s)<md:KeyDescriptor.*?</md:KeyDescriptor>`)

// metadataWith is the metadata with some of its signing keys alone, by their places.
func metadataWith(t *testing.T, places ...int) []byte {
	t.Helper()
	n := -1
	text := signingKey.ReplaceAllFunc(signed(t, "metadata.xml"), func(key []byte) []byte {
		if n++; slices.Contains(places, n) {
			return key
		}
		return nil
	})
	if n < 1 {
		t.Fatalf("got %d signing keys in the metadata, want several", n+1)
	}
	return text
}

// rolling is a prover at a provider whose metadata is replaced, and the keys that it told of.
func rolling(t *testing.T, c *clock, f *metadataFile, told *[][2]int) *logins.Prover {
	t.Helper()
	p, err := logins.New(logins.Config{
		Providers: []logins.Provider{f.provider()},
		Now:       c.now, OnKeys: func(_ string, added, gone int) { *told = append(*told, [2]int{added, gone}) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A certificate that is new is taken from the next Response on that it signs, after 30 seconds at
// most; one that is gone proves nothing any more, not what it has proved before either.
func TestSAMLMetadataRollsOver(t *testing.T) {
	t.Parallel()
	c := samlClock(0)
	f := &metadataFile{text: metadataWith(t, 0)}
	var told [][2]int
	p := rolling(t, c, f, &told)
	prove := func(response string) (*logins.Proof, error) {
		return p.Prove(t.Context(), corporate, samlResponse(t, response))
	}
	first, err := prove("good")
	if err != nil {
		t.Fatal(err)
	}
	f.text = metadataWith(t, 0, 1)
	for range 3 {
		if _, err := prove("good-second-key"); err == nil || f.reads > 0 {
			t.Fatalf("within 30 seconds: got %v after %d reads", err, f.reads)
		}
	}
	c.advance(31 * time.Second)
	second, err := prove("good-second-key")
	if err != nil || f.reads != 1 {
		t.Fatalf("the new certificate: got %v after %d reads, want it taken after one", err, f.reads)
	}
	if first.Holds(c.now()) || !second.Holds(c.now()) {
		t.Error("a proof by metadata that was replaced holds, or one by the present does not")
	}
	if _, err := prove("good"); err != nil {
		t.Errorf("the old certificate, which is still there: got %v", err)
	}
	f.text = metadataWith(t, 1)
	c.advance(31 * time.Second)
	if _, err := prove("bad-stranger"); err == nil {
		t.Error("got a stranger's Response taken")
	}
	if _, err := prove("good"); err == nil {
		t.Error("a certificate that is gone still proves")
	}
	if _, err := prove("good-second-key"); err != nil {
		t.Errorf("the certificate that is left: got %v", err)
	}
	if want := [][2]int{{1, 0}, {0, 1}}; !slices.Equal(told, want) {
		t.Errorf("told of keys (added, gone): got %v, want %v", told, want)
	}
	for range 20 {
		_, _ = prove("bad-stranger")
	}
	if f.reads != 2 {
		t.Errorf("forged Responses made it read %d times, want 2", f.reads)
	}
}

// Metadata that cannot be read, is no good, or is another provider's leaves what was read before.
func TestSAMLMetadataThatIsNoGoodStays(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*metadataFile{
		"unreadable":   {err: errors.New("cannot be read (permission denied)")},
		"half written": {text: signed(t, "metadata.xml")[:500]},
		"none":         {text: []byte("<x/>")},
		"another provider": {text: bytes.Replace(signed(t, "metadata.xml"), []byte("https://idp.example/saml"),
			[]byte("https://idp.example/other"), 1)},
	} {
		c := samlClock(0)
		now := &metadataFile{text: signed(t, "metadata.xml")}
		var told [][2]int
		p := rolling(t, c, now, &told)
		now.text, now.err = f.text, f.err
		c.advance(time.Minute)
		_, _ = p.Prove(t.Context(), corporate, samlResponse(t, "bad-stranger"))
		_, err := p.Prove(t.Context(), corporate, samlResponse(t, "good"))
		if err != nil || now.reads != 1 || len(told) != 0 {
			t.Errorf("%s: got %v after %d reads, want the former metadata", name, err, now.reads)
		}
		_, err = p.Ask(t.Context(), corporate)
		if err == nil || !strings.Contains(err.Error(), "what was read before stays") {
			t.Errorf("%s: asked: got %v, want what is wrong", name, err)
		}
	}
}

// The metadata is read each minute, also where nobody signs in; that it is no good is told once,
// and that it is good again.
func TestSAMLMetadataIsReadEachMinute(t *testing.T) {
	t.Parallel()
	f := &metadataFile{text: metadataWith(t, 0)}
	var told []error
	var keys [][2]int
	p, err := logins.New(logins.Config{
		Providers: []logins.Provider{f.provider()},
		OnFetch:   func(_ string, err error) { told = append(told, err) },
		OnKeys:    func(_ string, added, gone int) { keys = append(keys, [2]int{added, gone}) },
	})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		wait := func() { time.Sleep(5 * time.Minute); synctest.Wait() }
		wait()
		f.put(nil, errors.New("cannot be read"))
		wait()
		f.put(metadataWith(t, 1), nil)
		wait()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if len(told) != 3 || told[0] != nil || told[1] == nil || told[2] != nil {
		t.Errorf("told: got %v, want good, no good, good", told)
	}
	if want := [][2]int{{1, 1}}; !slices.Equal(keys, want) {
		t.Errorf("told of keys (added, gone): got %v, want %v", keys, want)
	}
	if f.reads < 14 || f.reads > 16 {
		t.Errorf("read %d times in 15 minutes, want each minute", f.reads)
	}
}

// Metadata that ends within two weeks is told of.
func TestSAMLMetadataExpiresSoon(t *testing.T) {
	t.Parallel()
	for days, want := range map[int]bool{13: true, 15: false} {
		ends := samlIssued.AddDate(0, 0, days).Format(time.RFC3339)
		p := samlProver(t, samlClock(0), func(config *saml.Config) {
			config.Metadata = []byte(strings.Replace(string(config.Metadata), "<md:EntityDescriptor",
				`<md:EntityDescriptor validUntil="`+ends+`"`, 1))
		})
		found, err := p.Ask(t.Context(), corporate)
		if err != nil || strings.Contains(found, "; it expires soon, at "+ends) != want {
			t.Errorf("in %d days: got %q, %v", days, found, err)
		}
	}
}
