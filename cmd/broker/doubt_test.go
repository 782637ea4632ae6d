package main

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/redistest"
)

// halting stands before the upstream broker and holds the answer to the change of roles,
// which it makes or not.
type halting struct {
	behind  http.Handler
	made    bool
	once    sync.Once
	reached chan struct{} // closed when the change is there, and made
}

func (h *halting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".SetIdentityPoolRoles") {
		h.behind.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	if h.made {
		h.behind.ServeHTTP(discard{http.Header{}}, r)
	}
	h.once.Do(func() { close(h.reached) })
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// discard is an answer that nobody gets.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// A broker is killed while a change of a pool's roles is under way. Users are served
// from the cache by the others, and one of these finds out whether the change was made.
func TestBrokerKilledWithinAChangeOfAPool(t *testing.T) {
	t.Parallel()
	for name, made := range map[string]bool{"made": true, "not made": false} {
		t.Run(name, func(t *testing.T) {
			engine := startBroker(t, nil, "")
			proxy := startProxy(t, engine.url)
			upstream := &halting{behind: proxy.behind, made: made, reached: make(chan struct{})}
			proxy.behind = upstream
			shared := redisYAML(redistest.Single(t).Addr(), base64Key(), base64Key()) + "limits: {request_timeout: 60s}\n"
			killed, other := startUpstream(t, engine, proxy.url, shared), startUpstream(t, engine, proxy.url, shared)
			killed.behind, other.behind = engine, engine
			user := other.login(t, "alice")
			ask := func() answer {
				a := other.rest(t, demoPool, "credentials", map[string]any{"logins": user})
				if a.status != http.StatusOK {
					t.Fatalf("got %d %s", a.status, a.body)
				}
				return a
			}
			first := grantedKey(ask())
			go killed.sdkAs(admin()).SetIdentityPoolRoles(t.Context(), &cognitoidentity.SetIdentityPoolRolesInput{
				IdentityPoolId: aws.String(demoPool), Roles: map[string]string{"authenticated": unauthRole, "unauthenticated": unauthRole},
			})
			<-upstream.reached
			killed.process.Process.Kill()
			<-killed.exited
			if a := ask(); !made && a.header.Get("X-Cache") != "hit" {
				t.Errorf("after the broker was killed: got a %s, want a hit", a.header.Get("X-Cache"))
			}
			deadline := time.NewTimer(time.Minute)
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			for made && grantedKey(ask()) == first {
				select {
				case <-tick.C:
				case <-deadline.C:
					t.Fatal("nobody found out that the change was made")
				}
			}
			if made {
				ask() // an exchange that a change overlapped is not kept
			}
			if a := ask(); a.header.Get("X-Cache") != "hit" || !made && grantedKey(a) != first {
				t.Errorf("in the end: got a %s, want a hit", a.header.Get("X-Cache"))
			}
		})
	}
}

// grantedKey is the access key of a grant.
func grantedKey(a answer) string {
	credentials, _ := a.tree["credentials"].(map[string]any)
	key, _ := credentials["accessKeyId"].(string)
	return key
}
