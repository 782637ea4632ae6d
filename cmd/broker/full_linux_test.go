package main

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// limitFiles lets a running broker write its files up to a size, and no further:
// the file system is full, as far as it can see.
func limitFiles(t *testing.T, i *instance, size uint64) {
	t.Helper()
	var own syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &own); err != nil {
		t.Fatal(err)
	}
	limit := syscall.Rlimit{Cur: min(size, own.Max), Max: own.Max} // only root may raise that
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(i.process.Process.Pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
}

// write is a request that changes the store.
type write struct{ method, path, body string }

// While the store takes no writes, those who need none are served, the others are
// told that it will pass, nothing is half done, and /readyz says so. Nobody has to
// restart anything when there is space again.
func TestStoreThatIsFull(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	const pool = "/v1/pools/" + demoPool
	asJSON := func(logins map[string]string) string {
		return `{"` + b.provider() + `":"` + logins[b.provider()] + `"}`
	}
	call := func(w write) answer {
		return restRoute{}.with(t, b, w.method, w.path, w.body, adminAPIKey)
	}
	must := func(w write, member string) string {
		t.Helper()
		a := call(w)
		said, _ := a.tree[member].(string)
		if said == "" {
			t.Fatalf("%s: got %d %s", w.path, a.status, a.body)
		}
		return said
	}
	login := asJSON(b.login(t, "alice"))
	alice := must(write{post, pool + "/identities", `{"logins":` + login + `}`}, "identityId")
	guest := must(write{post, pool + "/identities", `{}`}, "identityId")
	must(write{post, pool + "/developer/token", `{"userIdentifier":"first"}`}, "token")
	must(write{post, pool + "/developer/token", `{"userIdentifier":"second"}`}, "token")
	roles := `{"roles":{"authenticated":"` + authRole + `","unauthenticated":"` + unauthRole + `"}}`
	writes := []write{
		{post, pool + "/identities", `{}`},
		{post, pool + "/credentials", `{}`},
		{post, pool + "/credentials", `{"logins":` + asJSON(b.login(t, "bob")) + `}`},
		{post, pool + "/credentials", `{"identityId":"` + guest + `","logins":` + asJSON(b.login(t, "carol")) + `}`},
		{post, pool + "/developer/token", `{"userIdentifier":"third"}`},
		{post, pool + "/developer/merge", `{"sourceUserIdentifier":"first","destinationUserIdentifier":"second"}`},
		{post, pool + "/logins/unlink", `{"identityId":"` + alice + `","logins":` + login + `,"loginsToRemove":["` + b.provider() + `"]}`},
		{put, pool + "/roles", strings.Replace(roles, "demo-auth", "other", 1)},
		{post, pool + "/tags", `{"tags":{"a":"1"}}`},
		{post, "/v1/pools", `{"identityPoolName":"new","allowUnauthenticatedIdentities":false}`},
		{post, "/v1/signing-keys/rotate", ""},
	}
	before := b.export(t)
	shown := string(call(write{get, pool + "/roles", ""}).body)

	limitFiles(t, b, 0)
	for range 2 { // a failed write breaks nothing for the next
		for _, w := range writes {
			a := call(w)
			later := a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != ""
			if a.tree["code"] != "InternalErrorException" || !later && w.path != "/v1/signing-keys/rotate" {
				t.Errorf("full: %s %s: got %d %s, want a passing error", w.method, w.path, a.status, a.body)
			}
		}
		if a := b.wire(t, "GetId", `{"IdentityPoolId":"`+demoPool+`"}`); a.status != 500 || !strings.Contains(string(a.body), "InternalErrorException") {
			t.Errorf("full: got %d %s, want InternalErrorException", a.status, a.body)
		}
	}
	for who, w := range map[string]write{
		"alice": {post, pool + "/credentials", `{"logins":` + login + `}`},
		"guest": {post, pool + "/credentials", `{"identityId":"` + guest + `"}`},
		"token": {post, pool + "/token", `{"identityId":"` + alice + `","logins":` + login + `}`},
		"first": {post, pool + "/developer/credentials", `{"userIdentifier":"first"}`},
		"admin": {get, pool + "/identities/" + alice, ""},
	} {
		if a := call(w); a.status != http.StatusOK {
			t.Errorf("full: %s: got %d %s, want an answer", who, a.status, a.body)
		}
	}
	const full = `{"reasons":[{"part":"store","reason":"the identity store takes no writes"}],"status":"degraded"}`
	if a := b.send(t, get, "/readyz", ""); a.status != http.StatusOK || string(a.body) != full {
		t.Errorf("full: got %d %s, want %s", a.status, a.body, full)
	}
	if after := b.export(t); after != before {
		t.Errorf("full: got a store that was changed:\n%s\nwant\n%s", after, before)
	}
	if got := string(call(write{get, pool + "/roles", ""}).body); got != shown {
		t.Errorf("full: got roles %s, want %s", got, shown)
	}

	limitFiles(t, b, ^uint64(0))
	for _, w := range writes {
		if a := call(w); a.status/100 != 2 {
			t.Errorf("space again: %s %s: got %d %s, want it done", w.method, w.path, a.status, a.body)
		}
	}
	if a := b.send(t, get, "/readyz", ""); string(a.body) != `{"reasons":[],"status":"ok"}` {
		t.Errorf("space again: got %s, want ok", a.body)
	}
	_, after, _ := strings.Cut(b.export(t), `{"identity"`)
	b.restart(t) // by force; it brings the pools in line with the configuration
	if _, kept, _ := strings.Cut(b.export(t), `{"identity"`); kept != after {
		t.Errorf("after a restart: got %s, want what was acknowledged, %s", kept, after)
	}
}
