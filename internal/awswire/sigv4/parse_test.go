package sigv4_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/awswire/sigv4"
)

const (
	goodScope = accessKey + "/20260304/" + region + "/" + service + "/aws4_request"
	goodDate  = "20260304T050607Z"
	emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	anyHash   = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// plain is a request without query and body, signed by hand: what follows signs
// as no SDK does.
func plain(headers ...sigv4.Header) sigv4.Request {
	return sigv4.Request{Method: "GET", Path: "/", Headers: append([]sigv4.Header{{Name: "Host", Value: "h"}}, headers...)}
}

// byHand signs plain requests by the letter of the algorithm, for any list of
// signed headers, sorted or not.
func byHand(r sigv4.Request, names ...string) sigv4.Request {
	canonical := r.Method + "\n/\n\n"
	for _, name := range names {
		canonical += name + ":" + header(r, name) + "\n"
	}
	hash := func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) }
	canonical += "\n" + strings.Join(names, ";") + "\n" + hash("")
	toSign := "AWS4-HMAC-SHA256\n" + goodDate + "\n" + strings.TrimPrefix(goodScope, accessKey+"/") + "\n" + hash(canonical)
	key := []byte("AWS4" + secret)
	for _, part := range []string{"20260304", region, service, "aws4_request", toSign} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return with(r, "Authorization", authorization(goodScope, strings.Join(names, ";"), hex.EncodeToString(key)))
}

func authorization(scope, names, signature string) string {
	return fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s, SignedHeaders=%s, Signature=%s", scope, names, signature)
}

func TestSignedHeaders(t *testing.T) {
	date := sigv4.Header{Name: "X-Amz-Date", Value: goodDate}
	other := sigv4.Header{Name: "Other", Value: "o"}
	for _, tt := range []struct {
		name    string
		request sigv4.Request
		want    sigv4.Kind
	}{
		{"as it should be", byHand(plain(date, other), "host", "other", "x-amz-date"), 0},
		{"content type unsigned", byHand(plain(date, sigv4.Header{Name: "Content-Type", Value: "a/b"}), "host", "x-amz-date"), 0},
		{"x-amzn is not x-amz", byHand(plain(date, sigv4.Header{Name: "X-Amzn-A", Value: "b"}), "host", "x-amz-date"), 0},
		{"as awscurl signs", byHand(plain(date, sigv4.Header{Name: "X-Amz-Target", Value: "a"}, sigv4.Header{Name: "X-Amz-User-Agent", Value: "u"},
			sigv4.Header{Name: "Accept", Value: "*/*"}), "host", "x-amz-date", "x-amz-target"), 0},
		{"what a proxy adds", byHand(plain(date, sigv4.Header{Name: "X-Amz-Cf-Id", Value: "a=="}, sigv4.Header{Name: "X-Amz-Meta-A", Value: "a"}), "host", "x-amz-date"), 0},
		{"what two proxies add", byHand(plain(date, sigv4.Header{Name: "X-Amz-Cf-Id", Value: "a=="}, sigv4.Header{Name: "x-amz-cf-id", Value: "b=="}), "host", "x-amz-date"), 0},
		{"a signed header twice", byHand(plain(date, other, other), "host", "other", "x-amz-date"), sigv4.Incomplete},
		{"a signed header twice, and an unsigned one", byHand(plain(date, other, other, sigv4.Header{Name: "Via", Value: "a"}, sigv4.Header{Name: "Via", Value: "b"}),
			"host", "other", "x-amz-date"), sigv4.Incomplete},
		{"another signed x-amz header twice", byHand(plain(date, sigv4.Header{Name: "X-Amz-A", Value: "a"}, sigv4.Header{Name: "X-Amz-A", Value: "a"}),
			"host", "x-amz-a", "x-amz-date"), sigv4.Incomplete},
		{"x-amz-date twice", byHand(plain(date, date), "host", "x-amz-date"), sigv4.Incomplete},
		{"x-amz-target twice", byHand(plain(date, sigv4.Header{Name: "X-Amz-Target", Value: "a"}, sigv4.Header{Name: "X-Amz-Target", Value: "a"}), "host", "x-amz-date", "x-amz-target"), sigv4.Incomplete},
		{"content type twice", byHand(plain(date, sigv4.Header{Name: "Content-Type", Value: "a"}, sigv4.Header{Name: "Content-Type", Value: "a"}), "host", "x-amz-date"), sigv4.Incomplete},
		{"x-amz-content-sha256 unsigned", byHand(plain(date, sigv4.Header{Name: "X-Amz-Content-Sha256", Value: emptyHash}), "host", "x-amz-date"), sigv4.Mismatch},
		{"not sorted", byHand(plain(date, other), "other", "host", "x-amz-date"), sigv4.Incomplete},
		{"twice", byHand(plain(date), "host", "host", "x-amz-date"), sigv4.Incomplete},
		{"upper case", byHand(plain(date), "Host", "x-amz-date"), sigv4.Incomplete},
		{"an empty name", byHand(plain(date), "", "host", "x-amz-date"), sigv4.Incomplete},
		{"a malformed name", byHand(plain(date), "ho st", "host", "x-amz-date"), sigv4.Incomplete},
		{"host unsigned", byHand(plain(date), "x-amz-date"), sigv4.Mismatch},
		{"x-amz-date unsigned", byHand(plain(date), "host"), sigv4.Mismatch},
		{"x-amz-target unsigned", byHand(plain(date, sigv4.Header{Name: "X-Amz-Target", Value: "a"}), "host", "x-amz-date"), sigv4.Mismatch},
		{"x-amz-security-token unsigned", byHand(plain(date, sigv4.Header{Name: "X-Amz-Security-Token", Value: "a"}), "host", "x-amz-date"), sigv4.Mismatch},
		{"listed but absent", byHand(plain(date), "host", "other", "x-amz-date"), sigv4.Incomplete},
		{"authorization signed", with(byHand(plain(date), "host", "x-amz-date"), "Authorization",
			authorization(goodScope, "authorization;host;x-amz-date", anyHash)), sigv4.Incomplete},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := verify(tt.request, signedAt); kind(err) != tt.want {
				t.Errorf("got %v (%v), want %v", kind(err), err, tt.want)
			}
		})
	}
}

func TestDates(t *testing.T) {
	for _, tt := range []struct {
		name, header, value string
		want                sigv4.Kind
	}{
		{"x-amz-date", "X-Amz-Date", goodDate, 0},
		{"date in basic format", "Date", goodDate, 0},
		{"http date", "Date", "Wed, 04 Mar 2026 05:06:07 GMT", 0},
		{"http date with another weekday", "Date", "Thu, 04 Mar 2026 05:06:07 GMT", sigv4.Incomplete},
		{"http date in another zone", "Date", "Wed, 04 Mar 2026 06:06:07 CET", sigv4.Incomplete},
		{"http date where none belongs", "X-Amz-Date", "Wed, 04 Mar 2026 05:06:07 GMT", sigv4.Incomplete},
		{"extended format", "X-Amz-Date", "2026-03-04T05:06:07Z", sigv4.Incomplete},
		{"fraction", "X-Amz-Date", "20260304T050607.000Z", sigv4.Incomplete},
		{"offset", "X-Amz-Date", "20260304T050607+0000", sigv4.Incomplete},
		{"no such day", "X-Amz-Date", "20260230T050607Z", sigv4.Incomplete},
		{"empty", "X-Amz-Date", "", sigv4.Incomplete},
		{"none", "Other", goodDate, sigv4.Incomplete},
		{"day after the scope's", "X-Amz-Date", "20260305T050607Z", sigv4.Scope},
		{"day before the scope's", "X-Amz-Date", "20260303T050607Z", sigv4.Scope},
		{"another second", "X-Amz-Date", "20260304T050608Z", sigv4.Mismatch},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := byHand(plain(sigv4.Header{Name: tt.header, Value: tt.value}), "host", strings.ToLower(tt.header))
			if strings.EqualFold(tt.header, "Date") {
				r = byHand(plain(sigv4.Header{Name: tt.header, Value: tt.value}), "date", "host")
			}
			if err := verify(r, signedAt); kind(err) != tt.want {
				t.Errorf("got %v (%v), want %v", kind(err), err, tt.want)
			}
		})
	}
}

// X-Amz-Date goes before Date, which proxies write anew.
func TestAmzDateGoesBeforeDate(t *testing.T) {
	r := byHand(plain(sigv4.Header{Name: "X-Amz-Date", Value: goodDate}), "host", "x-amz-date")
	if err := verify(with(r, "Date", "Thu, 01 Jan 1970 00:00:00 GMT"), signedAt); err != nil {
		t.Errorf("got %v, want none", err)
	}
}

func TestAuthorizationGrammar(t *testing.T) {
	good := authorization(goodScope, "host;x-amz-date", anyHash)
	scoped := func(s string) string { return authorization(s, "host;x-amz-date", anyHash) }
	for _, tt := range []struct {
		name, value string
		want        sigv4.Kind // Mismatch: well-formed, so the signature decides
	}{
		{"good", good, sigv4.Mismatch},
		{"no spaces", strings.ReplaceAll(good, ", ", ","), sigv4.Mismatch},
		{"other order", "AWS4-HMAC-SHA256 Signature=" + anyHash + ", SignedHeaders=host;x-amz-date, Credential=" + goodScope, sigv4.Mismatch},
		{"other algorithm", strings.Replace(good, "SHA256", "SHA512", 1), sigv4.Incomplete},
		{"the algorithm's beginning", "AWS4-", sigv4.Incomplete},
		{"asymmetric algorithm", strings.Replace(good, "HMAC-SHA256", "ECDSA-P256-SHA256", 1), sigv4.Incomplete},
		{"algorithm alone", "AWS4-HMAC-SHA256", sigv4.Incomplete},
		{"nothing behind the algorithm", "AWS4-HMAC-SHA256 ", sigv4.Incomplete},
		{"no credential", strings.Replace(good, "Credential="+goodScope+", ", "", 1), sigv4.Incomplete},
		{"empty credential", scoped(""), sigv4.Incomplete},
		{"no signed headers", strings.Replace(good, "SignedHeaders=host;x-amz-date, ", "", 1), sigv4.Incomplete},
		{"no signature", strings.Replace(good, ", Signature="+anyHash, "", 1), sigv4.Incomplete},
		{"credential twice", good + ", Credential=" + goodScope, sigv4.Incomplete},
		{"unknown parameter", good + ", A=b", sigv4.Incomplete},
		{"trailing comma", good + ",", sigv4.Incomplete},
		{"parameter in lower case", strings.Replace(good, "Signature", "signature", 1), sigv4.Incomplete},
		{"quoted", strings.Replace(good, anyHash, `"`+anyHash+`"`, 1), sigv4.Incomplete},
		{"signature in upper case", strings.Replace(good, anyHash, strings.ToUpper(anyHash), 1), sigv4.Incomplete},
		{"signature short", strings.TrimSuffix(good, "f"), sigv4.Incomplete},
		{"signature long", good + "0", sigv4.Incomplete},
		{"signature no hex", strings.TrimSuffix(good, "f") + "g", sigv4.Incomplete},
		{"scope of four parts", scoped(accessKey + "/20260304/" + region + "/aws4_request"), sigv4.Incomplete},
		{"scope of six parts", scoped(goodScope + "/x"), sigv4.Incomplete},
		{"trailing slash", scoped(goodScope + "/"), sigv4.Incomplete},
		{"slash in the access key", scoped("A/" + goodScope), sigv4.Incomplete},
		{"no access key", scoped(strings.TrimPrefix(goodScope, accessKey)), sigv4.Incomplete},
		{"access key alphabet", scoped("A-" + goodScope), sigv4.Incomplete},
		{"shortest access key", scoped("A" + strings.TrimPrefix(goodScope, accessKey)), sigv4.Mismatch},
		{"access key of all characters", scoped("azAZ09_" + strings.TrimPrefix(goodScope, accessKey)), sigv4.Mismatch},
		{"longest access key", scoped(strings.Repeat("A", 128) + strings.TrimPrefix(goodScope, accessKey)), sigv4.Mismatch},
		{"access key too long", scoped(strings.Repeat("A", 129) + strings.TrimPrefix(goodScope, accessKey)), sigv4.Incomplete},
		{"other terminator", scoped(strings.Replace(goodScope, "aws4", "aws5", 1)), sigv4.Scope},
		{"other day", scoped(strings.Replace(goodScope, "0304", "0305", 1)), sigv4.Scope},
		{"day with time", scoped(strings.Replace(goodScope, "20260304", goodDate, 1)), sigv4.Scope},
		{"no region", scoped(strings.Replace(goodScope, region, "", 1)), sigv4.Scope},
		{"region of all characters", scoped(strings.Replace(goodScope, region, "az09-", 1)), sigv4.Mismatch},
		{"region of one character", scoped(strings.Replace(goodScope, region, "r", 1)), sigv4.Mismatch},
		{"region in upper case", scoped(strings.Replace(goodScope, region, "EU-CENTRAL-1", 1)), sigv4.Scope},
		{"longest region", scoped(strings.Replace(goodScope, region, strings.Repeat("r", 64), 1)), sigv4.Mismatch},
		{"region too long", scoped(strings.Replace(goodScope, region, strings.Repeat("r", 65), 1)), sigv4.Scope},
		{"no service", scoped(strings.Replace(goodScope, "/sts/", "//", 1)), sigv4.Scope},
		{"other service", scoped(strings.Replace(goodScope, "/sts/", "/iam/", 1)), sigv4.Scope},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := plain(sigv4.Header{Name: "X-Amz-Date", Value: goodDate}, sigv4.Header{Name: "Authorization", Value: tt.value})
			s, err := sigv4.Parse(&r)
			if err == nil {
				err = s.Verify(secret, service, signedAt)
			}
			if kind(err) != tt.want {
				t.Errorf("got %v (%v), want %v", kind(err), err, tt.want)
			}
		})
	}
}

// Of what a credential and a hash consist; the characters are those beside the ranges.
func TestAlphabetsOfASignature(t *testing.T) {
	parse := func(scope, hash string) error {
		return verify(plain(
			sigv4.Header{Name: "X-Amz-Date", Value: goodDate},
			sigv4.Header{Name: "Authorization", Value: authorization(scope, "host;x-amz-date", hash)},
		), signedAt)
	}
	for _, c := range "/:@[`{^~.g" {
		hash := string(c) + anyHash[1:]
		if err := parse(goodScope, hash); kind(err) != sigv4.Incomplete {
			t.Errorf("signature %s: got %v (%v), want %v", hash, kind(err), err, sigv4.Incomplete)
		}
		s := getCallerIdentity()
		s.headers["X-Amz-Content-Sha256"] = hash
		if err := verify(s.signed(t), signedAt); kind(err) != sigv4.Incomplete {
			t.Errorf("content hash %s: got %v (%v), want %v", hash, kind(err), err, sigv4.Incomplete)
		}
		if c == '/' || c == 'g' {
			continue // takes the scope apart; is good there
		}
		if err := parse("A"+string(c)+goodScope, anyHash); kind(err) != sigv4.Incomplete {
			t.Errorf("%q in an access key: got %v (%v), want %v", c, kind(err), err, sigv4.Incomplete)
		}
		if err := parse(strings.Replace(goodScope, region, region+string(c), 1), anyHash); kind(err) != sigv4.Scope {
			t.Errorf("%q in a region: got %v (%v), want %v", c, kind(err), err, sigv4.Scope)
		}
	}
}

// The signature covers what a listed value says, never what is hashed in its
// stead.
func TestContentHash(t *testing.T) {
	good := getCallerIdentity()
	for _, tt := range []struct {
		name, value string
		want        sigv4.Kind
	}{
		{"the body's", good.bodyHash(), 0},
		{"another body's", anyHash, sigv4.Mismatch},
		{"unsigned", "UNSIGNED-PAYLOAD", sigv4.Incomplete},
		{"streaming", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", sigv4.Incomplete},
		{"streaming with trailer", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", sigv4.Incomplete},
		{"upper case", strings.ToUpper(good.bodyHash()), sigv4.Incomplete},
		{"empty", "", sigv4.Incomplete},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := getCallerIdentity()
			s.headers["X-Amz-Content-Sha256"] = tt.value
			for form, r := range map[string]sigv4.Request{"header": s.signed(t), "presigned": s.presigned(t)} {
				if err := verify(r, signedAt); kind(err) != tt.want {
					t.Errorf("%s: got %v (%v), want %v", form, kind(err), err, tt.want)
				}
			}
			s = getCallerIdentity()
			s.query = map[string][]string{"x-amz-content-sha256": {tt.value}}
			if err := verify(s.presigned(t), signedAt); kind(err) != tt.want {
				t.Errorf("in the query: got %v (%v), want %v", kind(err), err, tt.want)
			}
		})
	}
}

// Each header that means something has to be signed where it stands, and is named;
// the same request without it is good.
func TestMeaningfulHeadersAreSigned(t *testing.T) {
	good := byHand(plain(sigv4.Header{Name: "Date", Value: goodDate}), "date", "host")
	if err := verify(good, signedAt); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"X-Amz-Date": goodDate, "X-Amz-Content-Sha256": emptyHash, "X-Amz-Security-Token": "t", "X-Amz-Target": "AWSCognitoIdentityService.GetId",
	} {
		want := "'" + strings.ToLower(name) + "' must be a 'SignedHeader' in the AWS Authorization."
		if err := verify(with(good, name, value), signedAt); kind(err) != sigv4.Mismatch || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
	for _, name := range []string{"X-Amz-Cf-Id", "X-Amz-User-Agent", "X-Amz-Date2", "X-Amz-", "X-Amz-Api-Version", "Amz-Sdk-Request"} {
		if err := verify(with(good, name, "added"), signedAt); err != nil {
			t.Errorf("%s: got %v, want none", name, err)
		}
	}
}
