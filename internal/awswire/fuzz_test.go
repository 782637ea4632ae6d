package awswire_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/sts"
)

// Whatever comes, an answer in the envelope goes out, the API sees only what was
// sent, and a body that is accepted means what the standard decoder reads.
func FuzzServeJSON(f *testing.F) {
	for _, seed := range []struct{ target, contentType, body string }{
		{"AWSCognitoIdentityService.GetId", "application/x-amz-json-1.1", `{"IdentityPoolId":"us-east-1:0","Logins":{"a":"b"}}`},
		{"AWSCognitoIdentityService.GetCredentialsForIdentity", "application/x-amz-json-1.1", `{"IdentityId":"us-east-1:0","CustomRoleArn":null}`},
		{"AWSCognitoIdentityService.GetId", "application/x-amz-json-1.1;charset=utf-8", `{"a":1,"a":2}`},
		{"AWSCognitoIdentityService.GetId", "application/json", "{\"\\ud800\":[[[[]]]],\"\xff\":-1e5}"},
		{"AWSCognitoIdentityService.GetOpenIdToken", "application/x-amz-json-1.1", ""},
		{"", "", "{} {}"},
	} {
		f.Add(seed.target, seed.contentType, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, target, contentType string, body []byte) {
		api := &fake{out: &cognitoidentity.GetCredentialsForIdentityOutput{
			Credentials: &types.Credentials{Expiration: aws.Time(time.Unix(1, 0))},
		}}
		got := newServer(api).Serve(t.Context(), &awswire.Request{
			Method: "POST", Path: "/", Body: body,
			Headers: []awswire.Header{{Name: "X-Amz-Target", Value: target}, {Name: "Content-Type", Value: contentType}},
		})
		checkEnvelope(t, got)
		if called := api.id != nil || api.creds != nil; called != (got.Status == 200) {
			t.Fatalf("got status %d, the API was called: %v", got.Status, called)
		}
		tree, err := awswire.DecodeObject(body, awswire.ValuesOfCallers)
		if err != nil {
			if got.Status == 200 {
				t.Fatalf("got an answer to a refused body: %v", err)
			}
			return
		}
		again, err := json.Marshal(tree)
		if err != nil {
			t.Fatalf("encode tree: %v", err)
		}
		second, err := awswire.DecodeObject(again, awswire.ValuesOfCallers)
		if err != nil || !reflect.DeepEqual(tree, second) {
			t.Fatalf("got another tree from %s, %v", again, err)
		}
		if len(body) > 0 {
			var standard map[string]any
			d := json.NewDecoder(bytes.NewReader(body))
			d.UseNumber()
			if err := d.Decode(&standard); err != nil || !reflect.DeepEqual(standard, tree) {
				t.Fatalf("got another tree than the standard decoder, %v", err)
			}
		}
	})
}

func checkEnvelope(t *testing.T, r *awswire.Response) {
	t.Helper()
	for _, h := range r.Headers {
		if strings.IndexFunc(h.Name+h.Value, func(c rune) bool { return c < ' ' || c > '~' }) >= 0 {
			t.Fatalf("got a header that is not safe: %q", h)
		}
	}
	if r.ContentType != "application/x-amz-json-1.1" || header(r, "x-amzn-RequestId") != requestID {
		t.Fatalf("got type %q, headers %v", r.ContentType, r.Headers)
	}
	if (r.Code == "") != (r.Status == 200) || (r.Err == nil) != (r.Status == 200) {
		t.Fatalf("got status %d with code %q and %v", r.Status, r.Code, r.Err)
	}
	var body map[string]any
	if err := json.Unmarshal(r.Body, &body); err != nil {
		t.Fatalf("got %q: %v", r.Body, err)
	}
	if r.Code == "" {
		return
	}
	name := "message"
	if r.Code == cognito.CodeAccessDenied {
		name = "Message"
	}
	message, ok := body[name].(string)
	if len(body) != 2 || body["__type"] != r.Code || !ok || !bytes.HasPrefix(r.Body, []byte(`{"__type":"`)) {
		t.Fatalf("got %s, want the envelope of %s (%q)", r.Body, r.Code, message)
	}
	if header(r, "x-amzn-ErrorType") != r.Code+":" || len(header(r, "x-amzn-ErrorMessage")) > 512 {
		t.Fatalf("got headers %v", r.Headers)
	}
}

// Whatever comes in a form or a query string, an XML answer goes out, and nobody
// is let in.
func FuzzQuery(f *testing.F) {
	now := time.Unix(1800000000, 0)
	for _, seed := range []string{
		formBody, "", "Action=AssumeRole&Version=2011-06-15", "Action=%00%ff", "a=b&a=b", "&&==;",
		formBody + "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIA/20270115/us-east-1/sts/aws4_request&X-Amz-Date=20270115T080000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=" + strings.Repeat("0", 64),
	} {
		f.Add(seed, "AWS4-HMAC-SHA256 Credential=ASIAA/20270115/us-east-1/sts/aws4_request, SignedHeaders=host;x-amz-date, Signature="+strings.Repeat("0", 64), true)
		f.Add(seed, "", false)
	}
	// Every token is a session here; only a signature is missing.
	sealed, credentials := issue(f, now)
	open := sessionsFunc(func(string, string) (*sts.Session, error) {
		return sealed.Open(credentials.AccessKeyID, credentials.SessionToken)
	})
	f.Fuzz(func(t *testing.T, parameters, authorization string, post bool) {
		r := form(parameters)
		if !post {
			r.Method, r.Body, r.RawQuery = "GET", nil, "Version=2011-06-15&Action=GetCallerIdentity&"+parameters
		}
		if authorization != "" {
			r.Headers = append(r.Headers, awswire.Header{Name: "Authorization", Value: authorization},
				awswire.Header{Name: "X-Amz-Date", Value: "20270115T080000Z"})
		}
		got := stsServer(open, now).Serve(t.Context(), r)
		if got.Status < 400 || got.Code == "" || got.Err == nil || got.ContentType != "text/xml" {
			t.Fatalf("got %d %q %s: %v", got.Status, got.Code, got.ContentType, got.Err)
		}
		if got.Operation != "unknown" && got.Operation != "GetCallerIdentity" {
			t.Fatalf("got operation %q", got.Operation)
		}
		var answer struct {
			XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
			Code    string   `xml:"Error>Code"`
			ID      string   `xml:"RequestId"`
		}
		if err := xml.Unmarshal(got.Body, &answer); err != nil || answer.Code != got.Code || answer.ID != requestID {
			t.Fatalf("got %s: %v", got.Body, err)
		}
	})
}
