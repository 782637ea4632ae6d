package awswire_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
)

// failures keeps what it is told, and says how long to wait.
type failures struct {
	wait time.Duration
	told []string
}

func (f *failures) note(address string, what callers.Failure) time.Duration {
	f.told = append(f.told, address+" "+string(what))
	return f.wait
}

// Each wrong key or signature is told of once, by what it is; who brings a right
// one, none, or one of another time, is not. Beyond the limit the failures, and they
// alone, are answered in the protocol's words for "too often".
func TestFailuresAreToldOf(t *testing.T) {
	sealed, c := issue(t, signedAt)
	_, old := issue(t, signedAt.Add(-2*time.Hour))
	presigned := func(service string, s signing) *awswire.Request {
		s.service, s.presigned = service, true
		return s.sign(t, &awswire.Request{Method: "GET", Path: "/", RawQuery: formBody, Headers: []awswire.Header{{Name: "Host", Value: "broker.example"}}})
	}
	session := signing{name: c.AccessKeyID, secret: c.SecretAccessKey, token: c.SessionToken}
	with := func(s signing, change func(*signing)) signing { change(&s); return s }
	cut := func(r *awswire.Request) *awswire.Request {
		for i, h := range r.Headers {
			if h.Name == "Authorization" {
				r.Headers[i].Value = h.Value[:len(h.Value)-1]
			}
		}
		return r
	}
	const nothing = ""
	tests := []struct {
		name string
		r    *awswire.Request
		want callers.Failure
	}{
		{"right", signing{}.sign(t, described()), nothing},
		{"right, without the right", signing{name: "idle"}.sign(t, described()), nothing},
		{"no signature", described(), nothing},
		{"an operation for everybody", with(signing{}, func(s *signing) { s.secret, s.name = "SECRET", accessKey("boss") }).sign(t, call("GetId", `{"IdentityPoolId":"`+pool+`"}`)), nothing},
		{"of another time", signing{at: signedAt.Add(-time.Hour)}.sign(t, described()), nothing},
		{"another's secret", signing{name: accessKey("boss"), secret: "SECRET-idle"}.sign(t, described()), callers.WrongSignature},
		{"malformed", cut(signing{}.sign(t, described())), callers.WrongSignature},
		{"for another service", signing{service: "sts"}.sign(t, described()), callers.WrongSignature},
		{"access key of nobody", signing{name: "nobody"}.sign(t, described()), callers.WrongAccessKey},
		{"a session's token with another access key", with(session, func(s *signing) { s.name = "ASIANOBODY" }).sign(t, described()), callers.WrongAccessKey},
		{"session", session.sign(t, described()), nothing},
		{"session with another secret", with(session, func(s *signing) { s.secret = "SECRET" }).sign(t, described()), callers.WrongSignature},
		{"session that is over", signing{name: old.AccessKeyID, secret: old.SecretAccessKey, token: old.SessionToken}.sign(t, described()), nothing},
		{"STS: session", presigned("sts", session), nothing},
		{"STS: session with another secret", presigned("sts", with(session, func(s *signing) { s.secret = "SECRET" })), callers.WrongSignature},
		{"STS: access key of nobody", presigned("sts", signing{name: "nobody"}), callers.WrongAccessKey},
		{"STS: session that is over", presigned("sts", signing{name: old.AccessKeyID, secret: old.SecretAccessKey, token: old.SessionToken}), nothing},
		{"STS: caller", presigned("sts", signing{name: "idle"}), nothing},
	}
	for _, tt := range tests {
		tt.r.Address = "192.0.2.1"
		want := ""
		if tt.want != nothing {
			want = "192.0.2.1 " + string(tt.want)
		}
		within, beyond := &failures{}, &failures{wait: 1500 * time.Millisecond}
		config := awswire.Config{Callers: knownCallers(t), Sessions: sealed, AccountID: account}
		config.Failed = within.note
		first := guarded(&fake{}, config).Serve(t.Context(), clone(tt.r))
		if got := strings.Join(within.told, ", "); got != want {
			t.Errorf("%s: told of %q, want %q", tt.name, got, want)
		}
		if first.Code == "TooManyRequestsException" || first.Code == "Throttling" || header(first, "Retry-After") != "" {
			t.Errorf("%s, within the limit: got %s", tt.name, first.Body)
		}
		config.Failed = beyond.note
		second := guarded(&fake{}, config).Serve(t.Context(), clone(tt.r))
		switch {
		case tt.want == nothing:
			if second.Status != first.Status || string(second.Body) != string(first.Body) || header(second, "Retry-After") != "" {
				t.Errorf("%s, beyond the limit: got %d %s, want the same as within", tt.name, second.Status, second.Body)
			}
			continue
		case strings.HasPrefix(tt.name, "STS"):
			if second.Status != 400 || second.Code != "Throttling" || header(second, "Retry-After") != "2" {
				t.Errorf("%s, beyond the limit: got %d %s", tt.name, second.Status, second.Body)
			}
			continue
		}
		if second.Status != 400 || second.Code != "TooManyRequestsException" || header(second, "Retry-After") != "2" {
			t.Errorf("%s, beyond the limit: got %d %s", tt.name, second.Status, second.Body)
		}
		who, err := guarded(&fake{}, config).Authenticate(clone(tt.r))
		if who != nil || err == nil || cognito.Public(err).ErrorCode() != "TooManyRequestsException" {
			t.Errorf("%s, Authenticate beyond the limit: got %v, %v", tt.name, who, err)
		}
	}
}
