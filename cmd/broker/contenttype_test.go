package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// lines sends a request as it is written here, and returns the answer with its body.
func (i *instance) lines(t *testing.T, head, body string) (status int, header http.Header, text string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(i.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s\r\nHost: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		strings.ReplaceAll(head, "\n", "\r\n"), strings.TrimPrefix(i.url, "http://"), len(body), body)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(answer)
}

// Two content types are refused by the wire and REST, with or without a caller,
// whatever they say, and although the same bytes are answered from the memo.
func TestTwoContentTypes(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	id, err := b.getID(t.Context(), demoPool, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, wire := range []bool{true, false} {
		right, body := "application/json", `{"identityId":"`+id+`"}`
		head := "POST /v1/pools/" + demoPool + "/credentials HTTP/1.1"
		if wire {
			right, body = "application/x-amz-json-1.1", `{"IdentityId":"`+id+`"}`
			head = "POST / HTTP/1.1\nX-Amz-Target: AWSCognitoIdentityService.GetCredentialsForIdentity"
		}
		for range 2 { // into the memo, and out of it
			if status, _, text := b.lines(t, head+"\nContent-Type: "+right, body); status != 200 {
				t.Fatalf("once: got %d %s", status, text)
			}
		}
		for _, two := range []string{
			"Content-Type: " + right + "\nContent-Type: " + right,
			"Content-Type: text/plain\nContent-Type: " + right,
			"Content-Type: " + right + "\nContent-Type: text/plain",
			"content-type: text/plain\nX: y\nCONTENT-TYPE: " + right,
			"Content-Type:\nContent-Type: " + right,
		} {
			status, header, text := b.lines(t, head+"\n"+two, body)
			checkTwoTypes(t, wire, two, status, header, text)
		}
	}
	for name, c := range map[string]struct {
		wire       bool
		head, body string
	}{
		"STS":                 {true, "POST / HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\nContent-Type: application/x-www-form-urlencoded", "Action=GetCallerIdentity&Version=2011-06-15"},
		"wire for callers":    {true, "POST / HTTP/1.1\nX-Amz-Target: AWSCognitoIdentityService.ListIdentityPools\nContent-Type: a\nContent-Type: application/x-amz-json-1.1", `{"MaxResults":1}`},
		"REST, no body":       {false, "GET /v1/pools HTTP/1.1\nAuthorization: Bearer " + adminAPIKey + "\nContent-Type: a\nContent-Type: b", ""},
		"REST for developers": {false, "POST /v1/pools/" + demoPool + "/developer/token HTTP/1.1\nAuthorization: Bearer " + backendAPIKey + "\nContent-Type: a\nContent-Type: application/json", `{"userIdentifier":"u"}`},
	} {
		status, header, text := b.lines(t, c.head, c.body)
		checkTwoTypes(t, c.wire, name, status, header, text)
	}
}

func checkTwoTypes(t *testing.T, wire bool, what string, status int, header http.Header, text string) {
	t.Helper()
	var tree struct {
		Type string `json:"__type"`
		Code string `json:"code"`
	}
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		t.Errorf("%s: got %d %s", what, status, text)
	}
	switch {
	case wire && (status != 400 || tree.Type != "UnknownOperationException" || header.Get("X-Cache") != ""):
		t.Errorf("%s: got %d %s, want 400 UnknownOperationException", what, status, text)
	case !wire && (status != 415 || tree.Code != "UnsupportedMediaType" || header.Get("X-Cache") != ""):
		t.Errorf("%s: got %d %s, want 415 UnsupportedMediaType", what, status, text)
	}
}

// A header that was signed once is refused twice, also one that Fiber shows once.
func TestSignedHeaderTwice(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	r, err := http.NewRequestWithContext(t.Context(), get, b.url+"/v1/pools", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", "a=b")
	who, err := admin().Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if err := v4.NewSigner().SignHTTP(t.Context(), who, r, empty, "cognito-identity", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.Header.Get("Authorization"), "cookie;") {
		t.Fatalf("the cookie is not signed: %s", r.Header.Get("Authorization"))
	}
	for _, tt := range []struct {
		cookies []string
		want    int
	}{{[]string{"a=b"}, 200}, {[]string{"a=b", "a=b"}, 401}, {[]string{"a=c", "a=b"}, 401}} {
		again := r.Clone(t.Context())
		again.Header["Cookie"] = tt.cookies
		response, err := http.DefaultClient.Do(again)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != tt.want {
			t.Errorf("cookies %q: got %d, want %d", tt.cookies, response.StatusCode, tt.want)
		}
	}
}
