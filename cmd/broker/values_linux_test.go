package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Bodies of many small values take little more memory than they have bytes: they are refused
// before they are decoded, or soon in that, by any way in. Decoded whole, those of one round
// take some 1,000 MiB.
func TestSmallValuesTakeNoMemory(t *testing.T) {
	t.Parallel()
	const requests, most = 48, 300 // MiB
	b := startBroker(t, nil, "")
	if _, err := b.getID(t.Context(), demoPool, nil); err != nil {
		t.Fatal(err)
	}
	body := `{"a":[` + strings.TrimSuffix(strings.Repeat(`{"a":1},`, 49_000), ",") + `]}`
	wire := func(operation string) string {
		return "POST / HTTP/1.1\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AWSCognitoIdentityService." + operation + "\r\n"
	}
	rest := func(method, path string) string {
		return method + " /v1/pools/" + demoPool + path + " HTTP/1.1\r\nContent-Type: application/json\r\n"
	}
	before := b.memory(t, "VmRSS")
	for name, start := range map[string]string{
		"GetId": wire("GetId"), "SetIdentityPoolRoles": wire("SetIdentityPoolRoles"),
		"REST, an app": rest("POST", "/identities"), "REST, nobody as a caller": rest("PUT", "/roles"),
	} {
		text := fmt.Sprintf("%sHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s", start, len(body), body)
		conns := b.open(t, other, requests, text[:len(text)-1])
		b.awaitMetric(t, "broker_body_memory_bytes", atLeast(float64(requests*len(body))))
		for _, c := range conns {
			io.WriteString(c, text[len(text)-1:])
		}
		for _, c := range conns {
			r, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || r.StatusCode < 400 || r.StatusCode == 500 || r.StatusCode > 503 {
				t.Fatalf("%s: got %v, %v, want a refusal", name, r, err)
			}
			if (r.Header.Get("Retry-After") != "") != (r.StatusCode == 503) {
				t.Errorf("%s: got %d with Retry-After %q", name, r.StatusCode, r.Header.Get("Retry-After"))
			}
			c.Close()
		}
		took := b.memory(t, "VmHWM") - before
		t.Logf("%s: %d requests took %d MiB, beside %d MiB before", name, requests, took, before)
		if took >= most {
			t.Errorf("%s: %d bodies of %d bytes took %d MiB, want less than %d", name, requests, len(body), took, most)
		}
	}
	if _, err := b.getID(t.Context(), demoPool, nil); err != nil {
		t.Errorf("another client: %v", err)
	}
	b.awaitMetric(t, "broker_body_memory_bytes", func(v float64) bool { return v == 0 })
}
