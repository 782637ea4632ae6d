package config_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestHosts(t *testing.T) {
	for text, want := range map[string]string{
		"hosts: ": "[]", "hosts: [broker]": "[broker]",
		"hosts: [Broker.Internal, my_host, 10.0.0.1]": "[Broker.Internal my_host 10.0.0.1]",
	} {
		if got := fmt.Sprint(mustLoad(t, "mode: development\n"+text).Hosts); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	const name = "is not the name of a host; expected the name of a host without scheme, port and dot at its end, such " +
		"as broker"
	for text, want := range map[string]string{
		"[a, 'b:8080']":    "hosts[1]: " + name,
		"['http://a']":     "hosts[0]: " + name,
		"['*']":            "hosts[0]: " + name,
		"['*.example']":    "hosts[0]: " + name,
		"['[::1]']":        "hosts[0]: " + name,
		"[a.]":             "hosts[0]: " + name,
		"[.a]":             "hosts[0]: " + name,
		"[a..b]":           "hosts[0]: " + name,
		"['']":             "hosts[0]: " + name,
		"[bücher.example]": "hosts[0]: " + name,
		"[a, b, A]":        "hosts[2]: stands there twice; expected each once",
		"a":                "hosts: is a string; expected a list",
		numbered("h%d"):    "hosts: is too long; expected at most 100 names",
	} {
		_, err := load(t, "mode: development\nhosts: "+text)
		if got := message(err); got != want {
			t.Errorf("%.40s:\n got %s\nwant %s", text, got, want)
		}
	}
}

// numbered is a list of 101 elements.
func numbered(form string) string {
	var list []string
	for i := range 101 {
		list = append(list, fmt.Sprintf("'"+form+"'", i))
	}
	return "[" + strings.Join(list, ", ") + "]"
}

func TestOrigins(t *testing.T) {
	for _, good := range []string{
		"https://app.example", "http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:3000", "https://[2001:db8::1]",
		"capacitor://localhost", "chrome-extension://abcdefgh", "https://xn--bcher-kva.example", "https://app.example:80",
	} {
		c := mustLoad(t, "mode: development\ncors: {origins: ['"+good+"'], caller_origins: ['"+good+"']}")
		if fmt.Sprint(c.CORS) != "{["+good+"] ["+good+"]}" {
			t.Errorf("%s: got %v", good, c.CORS)
		}
	}
	const origin = "; expected an origin as browsers write it, such as https://app.example or http://localhost:3000"
	for _, bad := range []string{
		"", "null", "app.example", "//app.example", "https://", "https://app.example/", "https://app.example/a",
		"https://app.example?a", "https://app.example#a",
		"https://u@app.example", "https://App.example", "HTTPS://app.example", "https://app.example:443",
		"http://app.example:80", "https://app.example:",
		"https://app.example:0", "https://app.example:65536", "https://*.example", "https://app.example https://b.example",
		"*, https://a", "https://" + strings.Repeat("a", 520),
	} {
		for _, key := range []string{"origins", "caller_origins"} {
			_, err := load(t, "mode: development\ncors: {"+key+": ['"+bad+"']}")
			if got, want := message(err), "cors."+key+"[0]: is not an origin"+origin; got != want {
				t.Errorf("%.40q:\n got %s\nwant %s", bad, got, want)
			}
		}
	}
	for text, want := range map[string]string{
		"caller_origins: ['*']":                      "cors.caller_origins[0]: would let any page act for a caller" + origin,
		"origins: ['https://a.example', '*']":        "cors.origins[1]: makes the others meaningless; expected \"*\" alone, or origins",
		"origins: ['https://a', 'https://a']":        "cors.origins[1]: stands there twice; expected each once",
		"caller_origins: ['https://a', 'https://a']": "cors.caller_origins[1]: stands there twice; expected each once",
		"origins: " + numbered("https://h%d"):        "cors.origins: is too long; expected at most 100 origins",
	} {
		_, err := load(t, "mode: development\ncors: {"+text+"}")
		if got := message(err); got != want {
			t.Errorf("%.40s:\n got %s\nwant %s", text, got, want)
		}
	}
	for text, want := range map[string]string{"": "{[*] []}", "cors: {origins: []}": "{[] []}",
		"cors: {caller_origins: ['https://a']}": "{[*] [https://a]}"} {
		if got := fmt.Sprint(mustLoad(t, "mode: development\n"+text).CORS); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}
