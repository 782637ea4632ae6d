package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

const (
	get, post, put, remove = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete

	tagsOfProvider = "/v1/pools/POOL/principal-tags/arn%3Aaws%3Aiam%3A%3A000000000000%3Aoidc-provider%2Fidp.example%2Fa"
)

// adminRoutes are all routes for administrators, with a request each.
var adminRoutes = []restRoute{
	{method: get, path: "/v1/pools", bad: "?maxResults=many", poolless: true},
	{method: post, path: "/v1/pools", body: `{"identityPoolName":"n","allowUnauthenticatedIdentities":true}`, bad: `{"identityPoolName":"n"}`, poolless: true},
	{method: get, path: "/v1/pools/POOL", bad: "?maxResults=1"},
	{method: put, path: "/v1/pools/POOL", body: `{"identityPoolName":"n","allowUnauthenticatedIdentities":true}`,
		bad: `{"identityPoolId":"` + noPool + `","identityPoolName":"n","allowUnauthenticatedIdentities":true}`},
	{method: remove, path: "/v1/pools/POOL", bad: "?force=true"},
	{method: get, path: "/v1/pools/POOL/roles", bad: "?x"},
	{method: put, path: "/v1/pools/POOL/roles", body: `{"roles":{}}`, bad: `{"roles":{},"roleMappings":{"p":{"type":"Token","Rules":[]}}}`},
	{method: get, path: "/v1/pools/POOL/tags", bad: "?tags=a"},
	{method: post, path: "/v1/pools/POOL/tags", body: `{"tags":{"a":"b"}}`, bad: `{"tags":["a"]}`},
	{method: remove, path: "/v1/pools/POOL/tags?keys=a", bad: "?key=a"},
	{method: get, path: tagsOfProvider, bad: "?useDefaults=perhaps"},
	{method: put, path: tagsOfProvider, body: `{"useDefaults":true}`, bad: `{"useDefaults":"true"}`},
	{method: get, path: "/v1/pools/POOL/identities", bad: "?hideDisabled=true&hideDisabled=true"},
	{method: post, path: "/v1/pools/POOL/identities/delete", body: `{"identityIds":["` + noIdentity + `"]}`, bad: `{"identityIds":[]}`},
	{method: get, path: "/v1/pools/POOL/identities/" + noIdentity, bad: "?logins=a&nonsense="},
	{method: remove, path: "/v1/pools/POOL/identities/" + noIdentity, bad: "?maxResults=1"},
	{method: post, path: "/v1/pools/POOL/identities/" + noIdentity + "/purge", bad: "?all=true"},
	{method: post, path: "/v1/pools/POOL/logins/invalidate", body: `{"provider":"nobody.example","subject":"a","notBefore":"2026-01-01T00:00:00Z"}`,
		bad: `{"provider":"p","subject":"s","notBefore":1}`},
}

func TestRESTAdminRefuses(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	for _, r := range adminRoutes {
		t.Run(r.method+" "+r.path, func(t *testing.T) { checkRefusals(t, b, r, backendAPIKey, stewardAPIKey) })
	}
}

// restAdmin calls routes as a caller of any pool.
type restAdmin struct {
	t *testing.T
	*instance
}

func (r restAdmin) call(method, path, body string, status int) answer {
	r.t.Helper()
	a := restRoute{}.with(r.t, r.instance, method, path, body, adminAPIKey)
	if a.status != status || a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Request-Id") == "" {
		r.t.Fatalf("%s %s: got %d %s, want %d", method, path, a.status, a.body, status)
	}
	if status == 204 && len(a.body) > 0 {
		r.t.Errorf("%s %s: got a body with 204", method, path)
	}
	return a
}

// shows compares what a GET answers.
func (r restAdmin) shows(path, want string) {
	r.t.Helper()
	a := r.call(get, path, "", 200)
	var tree map[string]any
	if err := json.Unmarshal([]byte(want), &tree); err != nil {
		r.t.Fatal(err)
	}
	if !reflect.DeepEqual(a.tree, tree) {
		r.t.Errorf("GET %s: got %s, want %s", path, a.body, want)
	}
}

func TestRESTPools(t *testing.T) {
	t.Parallel()
	r := restAdmin{t, startBroker(t, nil, "")}
	const settings = `"identityPoolName":"made by REST","allowUnauthenticatedIdentities":false,"allowClassicFlow":true,` +
		`"developerProviderName":"login.made","identityPoolTags":{"OneTag":"v"},"openIdConnectProviderArns":["arn:aws:iam::000000000000:oidc-provider/idp.example"],` +
		`"samlProviderArns":["arn:aws:iam::000000000000:saml-provider/s"],"supportedLoginProviders":{"graph.facebook.com":"123"},` +
		`"cognitoIdentityProviders":[{"providerName":"cognito-idp.us-east-1.amazonaws.com/us-east-1_abc","clientId":"client","serverSideTokenCheck":true}]`
	made := r.call(post, "/v1/pools", "{"+settings+"}", 201)
	id, _ := made.tree["identityPoolId"].(string)
	path := made.header.Get("Location")
	if id == "" || path != "/v1/pools/"+id {
		t.Fatalf("created: got %s at %q, want an id and its path", made.body, path)
	}
	whole := `{"identityPoolId":"` + id + `",` + settings + `}`
	r.shows(path, whole)
	r.shows(strings.Replace(path, ":", "%3A", 1), whole)
	if a := r.call(put, path, whole, 200); string(a.body) != string(made.body) {
		t.Errorf("what was shown, sent back: got %s, want %s", a.body, made.body)
	}
	const replaced = `"identityPoolName":"other","allowUnauthenticatedIdentities":true,"developerProviderName":"login.made"`
	r.call(put, path, "{"+replaced+"}", 200)
	if a := r.call(get, path, "", 200); a.tree["identityPoolName"] != "other" || a.tree["samlProviderArns"] != nil {
		t.Errorf("replaced: got %s, want nothing of the old one", a.body)
	}
	for _, tags := range []struct{ sent, want string }{{`,"identityPoolTags":null`, "v"}, {"", "v"}, {`,"identityPoolTags":{}`, ""}} {
		a := r.call(put, path, "{"+replaced+tags.sent+"}", 200)
		shown, _ := a.tree["identityPoolTags"].(map[string]any)
		if got, _ := shown["OneTag"].(string); got != tags.want {
			t.Errorf("replaced with %q: got %s, want the tag %q", tags.sent, a.body, tags.want)
		}
	}
	for _, paged := range []string{"?maxResults=3", ""} {
		a := r.call(get, "/v1/pools"+paged, "", 200)
		all, _ := a.tree["identityPools"].([]any)
		next, _ := a.tree["nextToken"].(string)
		want := map[string]int{"?maxResults=3": 3, "": 4}[paged]
		if len(all) != want || (next != "") != (want == 3) {
			t.Errorf("%q: got %s, want %d pools", paged, a.body, want)
		}
		if next != "" {
			a = r.call(get, "/v1/pools?maxResults=3&nextToken="+url.QueryEscape(next), "", 200)
			if all, _ := a.tree["identityPools"].([]any); len(all) != 1 {
				t.Errorf("the second page: got %s, want one pool", a.body)
			}
		}
	}
	if a := (restRoute{}).with(t, r.instance, http.MethodHead, path, "", adminAPIKey); a.status != 200 || len(a.body) != 0 {
		t.Errorf("HEAD: got %d and %d bytes, want 200 and none", a.status, len(a.body))
	}
	r.call(remove, path, "", 204)
	r.call(get, path, "", 404)
	r.call(remove, path, "", 404)
}

func TestRESTOfAPool(t *testing.T) {
	t.Parallel()
	r := restAdmin{t, startBroker(t, nil, "")}
	const path = "/v1/pools/" + demoPool
	provider := "arn:aws:iam::000000000000:oidc-provider/" + r.provider()
	roles := `{"identityPoolId":"` + demoPool + `","roles":{"authenticated":"` + authRole + `"},"roleMappings":{"` + provider + `":` +
		`{"type":"Rules","ambiguousRoleResolution":"Deny","rulesConfiguration":{"rules":[` +
		`{"claim":"RoleARN","matchType":"Equals","value":"IdentityId","roleArn":"` + unauthRole + `"}]}}}}`
	r.call(put, path+"/roles", roles, 204)
	r.shows(path+"/roles", roles)
	none := `{"identityPoolId":"` + demoPool + `","roles":{}}`
	r.call(put, path+"/roles", none, 204)
	r.shows(path+"/roles", none)

	r.call(post, path+"/tags", `{"tags":{"TagKeys":"1","b":"2"}}`, 204)
	r.shows(path+"/tags", `{"tags":{"TagKeys":"1","b":"2"}}`)
	r.call(remove, path+"/tags?keys=b&keys=none", "", 204)
	r.shows(path+"/tags", `{"tags":{"TagKeys":"1"}}`)
	r.call(remove, path+"/tags", "", 400)

	tags := path + "/principal-tags/" + url.PathEscape(provider)
	mapped := `{"identityPoolId":"` + demoPool + `","identityProviderName":"` + provider + `","useDefaults":false,"principalTags":{"UseDefaults":"sub"}}`
	if a := r.call(put, tags, `{"useDefaults":false,"principalTags":{"UseDefaults":"sub"}}`, 200); a.tree["identityProviderName"] != provider {
		t.Errorf("principal tags: got %s, want those of %s", a.body, provider)
	}
	r.shows(tags, mapped)
	r.call(put, tags, mapped, 200)
	r.call(put, tags, strings.Replace(mapped, provider, "another", 1), 400)
}

func TestRESTIdentities(t *testing.T) {
	t.Parallel()
	r := restAdmin{t, startBroker(t, nil, "")}
	const path = "/v1/pools/" + demoPool + "/identities"
	var ids []string
	for range 3 {
		id, err := r.getID(t.Context(), demoPool, nil)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	alice := r.rest(t, demoPool, "identities", map[string]any{"logins": r.login(t, "alice")}).tree["identityId"].(string)
	elsewhere, err := r.getID(t.Context(), bareRoles, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := r.call(get, path+"/"+url.PathEscape(alice), "", 200)
	if logins, _ := a.tree["logins"].([]any); a.tree["identityId"] != alice || len(logins) != 1 || logins[0] != r.provider() ||
		!strings.HasSuffix(a.tree["creationDate"].(string), "Z") {
		t.Errorf("alice: got %s, want her id, her provider and RFC 3339", a.body)
	}
	first := r.call(get, path+"?maxResults=3&hideDisabled=true", "", 200)
	next, _ := first.tree["nextToken"].(string)
	second := r.call(get, path+"?maxResults=3&hideDisabled=true&nextToken="+url.QueryEscape(next), "", 200)
	if n, m := len(first.tree["identities"].([]any)), len(second.tree["identities"].([]any)); n != 3 || m != 1 {
		t.Errorf("pages: got %d and %d, want 3 and 1", n, m)
	}
	r.call(get, path+"?nextToken="+url.QueryEscape(next), "", 400) // of another query
	for _, method := range []string{get, remove} {
		r.call(method, path+"/"+elsewhere, "", 404)
		r.call(method, path+"/nonsense", "", 400)
	}
	r.call(post, path+"/"+elsewhere+"/purge", "", 404)
	r.call(remove, path+"/"+ids[0], "", 204)
	r.call(get, path+"/"+ids[0], "", 404)
	r.call(remove, path+"/"+ids[0], "", 404)
	a = r.call(post, path+"/delete", `{"identityIds":["`+ids[1]+`","`+elsewhere+`"]}`, 200)
	if want := `{"unprocessedIdentityIds":[{"errorCode":"AccessDenied","identityId":"` + elsewhere + `"}]}`; string(a.body) != want {
		t.Errorf("delete: got %s, want %s", a.body, want)
	}
	if a = r.call(post, path+"/delete", `{"identityIds":["`+ids[1]+`"]}`, 200); string(a.body) != `{"unprocessedIdentityIds":[]}` {
		t.Errorf("delete again: got %s, want none unprocessed", a.body)
	}
	r.call(get, "/v1/pools/"+bareRoles+"/identities/"+elsewhere, "", 200)

	// A caller of one pool meets no identity of another, by whichever path.
	steward := func(method, path, body string) int {
		return restRoute{}.with(t, r.instance, method, path, body, stewardAPIKey).status
	}
	for _, id := range []string{elsewhere, noIdentity} {
		if got := []int{
			steward(get, path+"/"+id, ""), steward(remove, path+"/"+id, ""), steward(post, path+"/"+id+"/purge", ""),
			steward(post, path+"/delete", `{"identityIds":["`+ids[2]+`","`+id+`"]}`),
			steward(get, "/v1/pools/"+bareRoles+"/identities/"+id, ""),
		}; !reflect.DeepEqual(got, []int{404, 404, 404, 403, 403}) {
			t.Errorf("of another pool, or none: got %v", got)
		}
	}
	if got := []int{
		steward(get, path+"/"+ids[2], ""), steward(post, path+"/"+ids[2]+"/purge", "{}"),
		steward(post, path+"/delete", `{"identityIds":["`+ids[2]+`"]}`), steward(remove, path+"/"+alice, ""),
	}; !reflect.DeepEqual(got, []int{200, 204, 200, 204}) {
		t.Errorf("of his pool: got %v, want success", got)
	}
}

func TestRESTPurgeEndsTheCache(t *testing.T) {
	t.Parallel()
	r := restAdmin{t, startBroker(t, nil, "")}
	id, err := r.getID(t.Context(), demoPool, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"miss", "hit", "purge", "miss", "hit"} {
		if want == "purge" {
			r.call(post, "/v1/pools/"+demoPool+"/identities/"+id+"/purge", "", 204)
			continue
		}
		if got := r.rest(t, demoPool, "credentials", map[string]any{"identityId": id}).header.Get("X-Cache"); got != want {
			t.Errorf("got X-Cache %q, want %q", got, want)
		}
	}
}

// Before a backend that does not tell pools, a caller of one pool gets nothing of
// an identity until the broker has learnt whose it is.
func TestRESTUnknownPlaces(t *testing.T) {
	t.Parallel()
	behind := startBroker(t, nil, "")
	front := startUpstream(t, behind, behind.url, "")
	id, err := behind.getID(t.Context(), demoPool, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := "/v1/pools/" + demoPool + "/identities"
	as := func(apiKey, method, path, body string) int {
		return restRoute{}.with(t, front, method, path, body, apiKey).status
	}
	if got := []int{
		as(stewardAPIKey, get, path+"/"+id, ""), as(stewardAPIKey, remove, path+"/"+id, ""), as(stewardAPIKey, post, path+"/"+id+"/purge", ""),
		as(stewardAPIKey, post, path+"/delete", `{"identityIds":["`+id+`"]}`),
	}; !reflect.DeepEqual(got, []int{404, 404, 404, 403}) {
		t.Errorf("not known yet: got %v", got)
	}
	if got := as(adminAPIKey, get, path+"/"+id, ""); got != 200 {
		t.Errorf("a caller of any pool: got %d, want 200", got)
	}
	if got := as(stewardAPIKey, get, path, ""); got != 200 { // tells whose it is
		t.Fatalf("list: got %d, want 200", got)
	}
	if got := []int{as(stewardAPIKey, get, path+"/"+id, ""), as(adminAPIKey, get, "/v1/pools/"+bareRoles+"/identities/"+id, "")}; !reflect.DeepEqual(got, []int{200, 404}) {
		t.Errorf("known: got %v, want it under its pool only", got)
	}
}
