package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
)

// proxied adds headers to a request that was signed already, as proxies do.
type proxied struct{ headers map[string]string }

func (p proxied) Do(r *http.Request) (*http.Response, error) {
	for name, value := range p.headers {
		r.Header.Set(name, value)
	}
	return http.DefaultClient.Do(r)
}

// What the SDK signed stays good when a proxy adds headers that mean nothing, and
// is refused when one is added that does.
func TestSignedBehindAProxy(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	for name, c := range map[string]struct {
		headers map[string]string
		refusal string // empty: it is good
	}{
		"as sent":    {},
		"CloudFront": {headers: map[string]string{"X-Amz-Cf-Id": "a1B2==", "X-Amz-User-Agent": "aws-amplify/6", "Via": "1.1 x.cloudfront.net (CloudFront)", "X-Amz-Meta-Note": "n"}},
		"a token":    {headers: map[string]string{"X-Amz-Security-Token": "t"}, refusal: "'x-amz-security-token' must be a 'SignedHeader' in the AWS Authorization."},
		"a hash": {headers: map[string]string{"X-Amz-Content-Sha256": strings.Repeat("0", 64)},
			refusal: "'x-amz-content-sha256' must be a 'SignedHeader' in the AWS Authorization."},
	} {
		client := cognitoidentity.New(cognitoidentity.Options{
			Region: "us-east-1", BaseEndpoint: aws.String(b.url), Retryer: aws.NopRetryer{}, Credentials: admin(), HTTPClient: proxied{c.headers},
		})
		_, err := client.ListIdentityPools(t.Context(), &cognitoidentity.ListIdentityPoolsInput{MaxResults: aws.Int32(1)})
		if c.refusal == "" && err != nil || c.refusal != "" && (err == nil || !strings.Contains(err.Error(), c.refusal)) {
			t.Errorf("%s: got %v, want %q", name, err, c.refusal)
		}
	}
}

// awscurl signs three headers and sends more.
func TestSignedAsAwscurlDoes(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	const body = `{"MaxResults":1}`
	target := map[string]string{"x-amz-target": "AWSCognitoIdentityService.ListIdentityPools"}
	for name, c := range map[string]struct {
		method, path, body string
		signed             map[string]string
	}{
		"wire": {post, "/", body, target},
		"REST": {get, "/v1/pools", "", map[string]string{}},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, b.url+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("Accept", "application/xml")
		r.Header.Set("X-Amz-Cf-Id", "added==")
		r.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
		signSome(r, c.body, c.signed, time.Now())
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != 200 {
			t.Errorf("%s: got %d %s, want 200", name, response.StatusCode, response.Header.Get("X-Amzn-Errormessage"))
		}
	}
}

// signSome signs Host, X-Amz-Date and the headers of signed, whose one name follows
// those in the alphabet, as the administrator of tests.
func signSome(r *http.Request, body string, signed map[string]string, at time.Time) {
	date := at.UTC().Format("20060102T150405Z")
	scope := date[:8] + "/us-east-1/cognito-identity/aws4_request"
	hash := func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) }
	names, lines := "host;x-amz-date", "host:"+r.URL.Host+"\nx-amz-date:"+date+"\n"
	r.Header.Set("X-Amz-Date", date)
	for name, value := range signed {
		names, lines = names+";"+name, lines+name+":"+value+"\n"
		r.Header.Set(name, value)
	}
	canonical := r.Method + "\n" + r.URL.Path + "\n\n" + lines + "\n" + names + "\n" + hash(body)
	key := []byte("AWS4" + adminSecret)
	for _, part := range append(strings.Split(scope, "/"), "AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hash(canonical)) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+adminKey+"/"+scope+", SignedHeaders="+names+", Signature="+hex.EncodeToString(key))
}
