package flows

import (
	"encoding/json"
	"maps"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/strictjson"
)

// The flows, as metrics and keys name them.
const (
	flowEnhanced  = "enhanced"
	flowClassic   = "classic"
	flowDeveloper = "developer"
	flowID        = "id" // GetId
)

// request is a call for credentials as a value: all that it names and comes with,
// so that it can be made again later, and without its client. It holds his tokens,
// and prints as a placeholder.
type request struct {
	Flow     string
	Pool     string
	Identity string            // that the call names; empty: the exchange tells it
	Logins   map[string]string // tokens by provider, of public providers
	Role     string            // classic: the session's; enhanced: CustomRoleArn
	Session  string            // classic; empty: DefaultSessionName
	Duration time.Duration     // classic: of the session; developer: of the token
	Provider string            // developer: of the backend's own users
	User     string            // developer
	Tags     map[string]string // developer
	// Found is the identity that an earlier exchange told of a developer's call
	// which names none. A renewal names it, so that the backend makes none and links
	// none, should this one no longer be the user's.
	Found string
}

const redacted = "[request]"

// String, GoString and MarshalJSON keep tokens out of logs and test output.
func (request) String() string               { return redacted }
func (request) GoString() string             { return redacted }
func (request) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// fields name the call in its key, beside its logins. Each flow has its own fixed
// number of fields, so no two calls share a key by accident.
func (r *request) fields() []string {
	fields := []string{r.Flow, r.Pool, r.Identity}
	switch r.Flow {
	case flowEnhanced:
		return append(fields, r.Role)
	case flowClassic:
		return append(fields, r.Role, r.Session, strconv.FormatInt(int64(r.Duration), 10))
	}
	tags, _ := json.Marshal(r.Tags) // sorted by key; strings always encode
	return append(fields, r.Provider, r.User, string(tags))
}

// input is that of the first operation that the call is made of: the one that may change
// something.
func (r *request) input() any {
	switch r.Flow {
	case flowEnhanced:
		return r.enhancedInput()
	case flowDeveloper:
		return r.developerInput()
	case flowID:
		return &ci.GetIdInput{IdentityPoolId: aws.String(r.Pool), Logins: r.Logins}
	}
	return &ci.GetOpenIdTokenInput{IdentityId: aws.String(r.Identity), Logins: r.Logins}
}

func (r *request) enhancedInput() *ci.GetCredentialsForIdentityInput {
	in := &ci.GetCredentialsForIdentityInput{IdentityId: aws.String(r.Identity), Logins: r.Logins}
	if r.Role != "" {
		in.CustomRoleArn = aws.String(r.Role)
	}
	return in
}

func (r *request) developerInput() *ci.GetOpenIdTokenForDeveloperIdentityInput {
	all := map[string]string{r.Provider: r.User}
	maps.Copy(all, r.Logins)
	in := &ci.GetOpenIdTokenForDeveloperIdentityInput{
		IdentityPoolId: aws.String(r.Pool), Logins: all, PrincipalTags: maps.Clone(r.Tags),
	}
	if r.Identity != "" {
		in.IdentityId = aws.String(r.Identity)
	} else if r.Found != "" {
		in.IdentityId = aws.String(r.Found)
	}
	if r.Duration != 0 {
		in.TokenDuration = aws.Int64(int64(r.Duration / time.Second))
	}
	return in
}

// forRenewal is the call that renews what one brought for an identity.
func (r request) forRenewal(identity string) request {
	if r.Flow == flowDeveloper {
		r.Found = identity
	}
	return r
}

// requestVersion begins what encode encodes.
const requestVersion = 3

// provedRequest is a call with the logins that were proved of it, or vouched for.
type provedRequest struct {
	request request
	logins  []login
	// settings is the generation that they were proved under.
	settings string
}

// encodedRequest is a proved call as it is written down.
type encodedRequest struct {
	Call     plainRequest
	Logins   [][4]string // provider, subject, client, pool
	Settings []byte
}

type plainRequest request // which encodes

// encode writes the call down for readProved. What it encodes is secret.
func (p provedRequest) encode() []byte {
	s := encodedRequest{Call: plainRequest(p.request), Settings: []byte(p.settings)}
	for _, l := range p.logins {
		s.Logins = append(s.Logins, [4]string{l.provider, l.subject, l.client, l.pool})
	}
	text, _ := json.Marshal(s)
	return append([]byte{requestVersion}, text...)
}

// decodeProved reads what encode encoded, of this version only: a call that is not
// understood whole is not made.
func decodeProved(b []byte) (p provedRequest, ok bool) {
	if len(b) == 0 || b[0] != requestVersion {
		return provedRequest{}, false
	}
	var s encodedRequest
	if strictjson.Decode(b[1:], &s, strictjson.Limits{Bytes: len(b), Depth: 8, Values: len(b)}) != nil {
		return provedRequest{}, false
	}
	p.request, p.settings = request(s.Call), string(s.Settings)
	for _, l := range s.Logins {
		p.logins = append(p.logins, login{provider: l[0], subject: l[1], client: l[2], pool: l[3]})
	}
	return p, true
}
