package httpapi

import (
	"net/http"
	"testing"

	"github.com/cognito-broker/broker/internal/cognito"
)

// A member of a wrong type or value is refused, never taken for left out.
func TestMembersAreNotTakenForLeftOut(t *testing.T) {
	s := newTestServer(t)
	who := http.Header{"Authorization": {"Bearer key-developer"}}
	const pool = "/v1/pools/" + testPool
	for _, c := range []struct {
		path, body, code string
	}{
		{"/developer/token", `{"userIdentifier":"u","tokenDuration":900}`, "TooManyRequestsException"}, // reaches the backend
		{"/developer/token", `{"userIdentifier":"u","tokenDuration":null}`, "TooManyRequestsException"},
		{"/developer/token", `{"userIdentifier":"u","tokenDuration":9e2}`, cognito.CodeSerialization},
		{"/developer/token", `{"userIdentifier":"u","tokenDuration":900.5}`, cognito.CodeSerialization},
		{"/developer/token", `{"userIdentifier":"u","tokenDuration":"900"}`, cognito.CodeSerialization},
		{"/developer/token", `{"userIdentifier":"u","tokenDuration":0}`, cognito.CodeValidation},
		{"/developer/token", `{"userIdentifier":"u","tokenDuration":86401}`, cognito.CodeValidation},
		{"/developer/token", `{"userIdentifier":"u","principalTags":[]}`, cognito.CodeSerialization},
		{"/developer/token", `{"userIdentifier":"u","principalTags":{"a":1}}`, cognito.CodeSerialization},
		{"/developer/token", `{"userIdentifier":"u","logins":"x"}`, cognito.CodeSerialization},
		{"/developer/token", `{"userIdentifier":"u","logins":{"a":null}}`, cognito.CodeValidation},
		{"/developer/token", `{"userIdentifier":"u","identityId":7}`, cognito.CodeSerialization},
		{"/developer/token", `{"userIdentifier":""}`, cognito.CodeValidation},
		{"/developer/token", `{"userIdentifier":7}`, cognito.CodeValidation},
		{"/developer/token", `{}`, cognito.CodeValidation},
		{"/credentials", `{"logins":[]}`, cognito.CodeSerialization},
		{"/credentials", `{"identityId":""}`, cognito.CodeValidation},
		{"/credentials", `{"flow":"Classic"}`, "InvalidParameterException"},
		{"/credentials", `{"flow":true}`, "InvalidParameterException"},
		{"/credentials", `{"flow":"classic"}`, cognito.CodeValidation},
		{"/credentials", `{"roleArn":"arn:aws:iam::000000000000:role/a"}`, "InvalidParameterException"},
		{"/credentials", `{"flow":"classic","roleArn":"arn:aws:iam::000000000000:role/a","durationSeconds":9e2}`, cognito.CodeValidation},
		{"/credentials", `{"flow":"classic","roleArn":"arn:aws:iam::000000000000:role/a","durationSeconds":"900"}`, cognito.CodeValidation},
		{"/credentials", `{"flow":"classic","roleArn":"arn:aws:iam::000000000000:role/a","roleSessionName":"a b"}`, cognito.CodeValidation},
		{"/credentials", `{"flow":"classic","roleArn":"arn:aws:iam::000000000000:role/a","roleSessionName":"ab\n"}`, cognito.CodeValidation},
		{"/credentials", `{"flow":"classic","roleArn":"arn:aws:iam::000000000000:role/a","customRoleArn":"arn:aws:iam::000000000000:role/a"}`, "InvalidParameterException"},
		{"/credentials", `{"minRemaining":"13h"}`, "InvalidParameterException"},
		{"/identities", `{"logins":{"a":7}}`, cognito.CodeSerialization},
		{"/logins/link", `{"identityId":"` + testPool + `"}`, "InvalidParameterException"},
		{"/logins/unlink", `{"identityId":"` + testPool + `","logins":{}}`, cognito.CodeValidation},
	} {
		if _, p := s.send(t, http.MethodPost, pool+c.path, c.body, who); p.Code != c.code {
			t.Errorf("%s %s: got %s %q, want %s", c.path, c.body, p.Code, p.Detail, c.code)
		}
	}
}
