package upstream_test

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/upstream"
)

// unsigned are the operations that Cognito takes from anybody.
var unsigned = map[string]bool{
	"GetId": true, "GetOpenIdToken": true, "GetCredentialsForIdentity": true, "UnlinkIdentity": true,
}

// Every operation goes out under its own name; the four of the apps never carry
// the broker's signature, the others always do.
func TestSigning(t *testing.T) {
	for _, operation := range operations() {
		s := serve(t, nil)
		if _, ok := answers[operation]; !ok {
			t.Errorf("%s has no answer: give it one", operation)
			continue
		}
		if _, err := standard(t.Context(), backend(t, s.URL), operation); err != nil {
			t.Errorf("%s: %v", operation, err)
			continue
		}
		seen := s.requests()
		if len(seen) != 1 || seen[0].operation != operation {
			t.Errorf("%s: the server saw %v", operation, seen)
			continue
		}
		signature := seen[0].authorization
		signed := strings.HasPrefix(signature, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") &&
			strings.Contains(signature, "/us-east-1/cognito-identity/aws4_request")
		if unsigned[operation] && signature != "" || !unsigned[operation] && !signed {
			t.Errorf("%s: Authorization %q", operation, signature)
		}
	}
}

// Without credentials signed operations end before they are sent: the SDK would
// send them unsigned.
func TestWithoutCredentials(t *testing.T) {
	for name, none := range map[string]aws.CredentialsProvider{"nil": nil, "anonymous": aws.AnonymousCredentials{}} {
		for _, operation := range operations() {
			s := serve(t, nil)
			b := backend(t, s.URL, func(c *upstream.Config) { c.Credentials = none })
			_, err := standard(t.Context(), b, operation)
			if unsigned[operation] {
				if err != nil {
					t.Errorf("%s, %s: %v", name, operation, err)
				}
				continue
			}
			public := cognito.Public(err)
			if err == nil || public.ErrorCode() != cognito.CodeAccessDenied || cognito.Passing(err) ||
				public.ErrorMessage() != "The broker has no AWS credentials for this operation." || len(s.requests()) != 0 {
				t.Errorf("%s, %s: %v after %d requests", name, operation, err, len(s.requests()))
			}
		}
	}
}

// Members that readers rely on are there, or the answer was none.
func TestIncompleteAnswers(t *testing.T) {
	half := map[string]string{
		"GetCredentialsForIdentity": `{"IdentityId":"` + id + `","Credentials":{"AccessKeyId":"A","SecretKey":"S","SessionToken":"T"}}`,
		"GetOpenIdToken":            `{"IdentityId":"` + id + `"}`,
		"GetId":                     `{"IdentityId":""}`,
	}
	for _, operation := range operations() {
		if answers[operation] == "" {
			continue // has no output
		}
		if mayBeEmpty[operation] {
			continue
		}
		for _, body := range []string{``, `{}`, `null`, half[operation]} {
			s := serve(t, func(w http.ResponseWriter, _ request) { say(w, 200, body) })
			out, err := standard(t.Context(), backend(t, s.URL), operation)
			if err == nil || out != nil || !cognito.Passing(err) || cognito.Public(err).ErrorCode() != cognito.CodeInternal {
				t.Errorf("%s answered %q: %v, %v", operation, body, out, err)
			}
		}
	}
}

// mayBeEmpty are operations whose one list or map may be left out for being empty.
var mayBeEmpty = map[string]bool{"DeleteIdentities": true, "ListTagsForResource": true}

// hostile are regions that would choose another host, or none.
var hostile = []string{
	"evil.example/x:1", "us-east-1.evil.com:1", "us-east-1@evil.com:1", "us-east-1#:1", "us-east-1/:1", "-us-east-1:1",
	"us-east-1-:1", "us--east-1:1", "US-EAST-1:1", "us-east-1 :1", "us-east-123:1", "us-east:1", "localhost:1", "local:1", ":1", "", "us-east-1",
	"127.0.0.1:80", "us-east-1\x00:1", "uſ-east-1:1", "us-east-１:1", "us-" + strings.Repeat("a", 60) + "-1:1",
}

// No id chooses a host: what begins with no region's name is not found, unasked.
func TestHostileRegions(t *testing.T) {
	for _, operation := range operations() {
		for _, id := range hostile {
			hosts := &recorder{}
			b := backend(t, "", func(c *upstream.Config) { c.HTTPClient = hosts })
			in, named := input(b, operation, id, id)
			if !named {
				continue
			}
			out, err := invoke(t.Context(), b, operation, in)
			refused := err != nil && cognito.Public(err).ErrorCode() == "ResourceNotFoundException"
			switch {
			case operation == "DeleteIdentities": // each id on its own
				refused = err == nil && len(out.(*cognitoidentity.DeleteIdentitiesOutput).UnprocessedIdentityIds) == 1
			case in.Elem().FieldByName("ResourceArn").IsValid():
				refused = refused || err != nil && cognito.Public(err).ErrorCode() == "InvalidParameterException"
			}
			if !refused || len(hosts.seen) != 0 {
				t.Errorf("%s of %q: %v, asked %v", operation, id, err, hosts.seen)
			}
		}
	}
}

// recorder is a client that goes nowhere.
type recorder struct{ seen []string }

func (r *recorder) Do(q *http.Request) (*http.Response, error) {
	r.seen = append(r.seen, q.URL.Scheme+"://"+q.URL.Host+q.URL.Path)
	return nil, http.ErrServerClosed
}

// The id's region chooses AWS's own host; a configured endpoint replaces all.
func TestHosts(t *testing.T) {
	for _, test := range []struct{ region, endpoint, want string }{
		{"us-east-1", "", "https://cognito-identity.us-east-1.amazonaws.com/"},
		{"eu-central-1", "", "https://cognito-identity.eu-central-1.amazonaws.com/"},
		{"us-gov-west-1", "", "https://cognito-identity.us-gov-west-1.amazonaws.com/"},
		{"cn-north-1", "", "https://cognito-identity.cn-north-1.amazonaws.com.cn/"},
		{"eusc-de-east-1", "", "https://cognito-identity.eusc-de-east-1.amazonaws.eu/"},
		{"ap-northeast-1", "http://127.0.0.1:1/", "http://127.0.0.1:1/"},
	} {
		hosts := &recorder{}
		b := backend(t, test.endpoint, func(c *upstream.Config) { c.HTTPClient, c.MaxAttempts = hosts, 1 })
		for _, operation := range operations() {
			if in, named := input(b, operation, test.region+":1", test.region+":2"); named {
				invoke(t.Context(), b, operation, in)
			}
		}
		if len(hosts.seen) == 0 {
			t.Errorf("%s: nothing was asked", test.region)
		}
		for _, host := range hosts.seen {
			if host != test.want {
				t.Errorf("%s, endpoint %q: asked %s, want %s", test.region, test.endpoint, host, test.want)
			}
		}
	}
}

// Operations that name no pool go to the configured region.
func TestHomeRegion(t *testing.T) {
	hosts := &recorder{}
	b := backend(t, "", func(c *upstream.Config) { c.HTTPClient, c.MaxAttempts, c.Region = hosts, 1, "eu-west-1" })
	for _, operation := range operations() {
		if in, named := input(b, operation, pool, id); !named {
			invoke(t.Context(), b, operation, in)
		}
	}
	for _, host := range hosts.seen {
		if host != "https://cognito-identity.eu-west-1.amazonaws.com/" {
			t.Errorf("asked %s", host)
		}
	}
	if len(hosts.seen) != 2 {
		t.Errorf("%d requests, want CreateIdentityPool and ListIdentityPools", len(hosts.seen))
	}
}

// Where some pools are served, another is not found without asking, nor is an
// identity of another region, or of another pool as far as that is known.
// Signed operations, which act with the broker's rights, reach known identities
// only.
func TestPoolsServed(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r request) {
		if r.n == 1 {
			say(w, 200, tokenOf(other, survivor))
			return
		}
		say(w, 200, answers[r.operation])
	})
	b := backend(t, s.URL, func(c *upstream.Config) { c.Pools = []string{pool} })
	ctx := t.Context()
	in := &cognitoidentity.GetOpenIdTokenInput{IdentityId: aws.String(survivor)}
	if out, err := b.GetOpenIdToken(ctx, in); err == nil || out != nil {
		t.Error("a token of a pool that is not served was handed out")
	}
	before := len(s.requests())
	for _, operation := range operations() {
		for _, ids := range [][2]string{{other, survivor}, {"us-west-2:1", "us-west-2:2"}} {
			in, named := input(b, operation, ids[0], ids[1])
			if !named {
				continue
			}
			out, err := invoke(ctx, b, operation, in)
			if operation == "DeleteIdentities" { // each id on its own
				u := out.(*cognitoidentity.DeleteIdentitiesOutput).UnprocessedIdentityIds
				if err != nil || len(u) != 1 || u[0].ErrorCode != types.ErrorCodeAccessDenied {
					t.Errorf("%s of %v: %v, %v", operation, ids, u, err)
				}
				continue
			}
			if err == nil || cognito.Public(err).ErrorCode() != "ResourceNotFoundException" {
				t.Errorf("%s of %v: %v", operation, ids, err)
			}
		}
	}
	describe := func() error {
		_, err := b.DescribeIdentity(ctx, &cognitoidentity.DescribeIdentityInput{IdentityId: aws.String(id)})
		return err
	}
	if err := describe(); err == nil || cognito.Public(err).ErrorCode() != "ResourceNotFoundException" {
		t.Errorf("DescribeIdentity of an unknown identity: %v", err)
	}
	if asked := len(s.requests()) - before; asked != 0 {
		t.Errorf("%d requests for what is not served", asked)
	}
	if _, err := standard(ctx, b, "GetCredentialsForIdentity"); err != nil {
		t.Errorf("an unknown identity, unsigned: %v", err)
	}
	if _, err := standard(ctx, b, "GetId"); err != nil {
		t.Fatal(err)
	}
	if err := describe(); err != nil {
		t.Errorf("DescribeIdentity of an identity of the pool: %v", err)
	}
	list, err := b.ListIdentityPools(ctx, &cognitoidentity.ListIdentityPoolsInput{MaxResults: aws.Int32(9)})
	if err != nil || len(list.IdentityPools) != 1 || *list.IdentityPools[0].IdentityPoolId != pool {
		t.Errorf("ListIdentityPools: %v, %v", list, err)
	}
}

// New refuses what could not work, or would print a secret.
func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]upstream.Config{
		"no region": {}, "a host as region": {Region: "evil.com"},
		"a pool without region": {Region: "us-east-1", Pools: []string{"demo"}},
		"a negative limit":      {Region: "us-east-1", MaxAttempts: -1},
		"no URL":                {Region: "us-east-1", Endpoint: "127.0.0.1:80"},
		"another scheme":        {Region: "us-east-1", Endpoint: "file:///etc"},
		"a user":                {Region: "us-east-1", Endpoint: "https://u:hidden-word@h/"},
	} {
		b, err := upstream.New(c)
		if err == nil || b != nil || strings.Contains(err.Error(), "hidden-word") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The default chain is lazy: loading it asks nobody, and what it finds signs.
func TestLoadCredentials(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDFROMENV")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
	provider, err := upstream.LoadCredentials(context.Background(), "us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, nil)
	b := backend(t, s.URL, func(c *upstream.Config) { c.Credentials = provider })
	if _, err := standard(t.Context(), b, "DescribeIdentityPool"); err != nil {
		t.Fatal(err)
	}
	if got := s.requests()[0].authorization; !strings.Contains(got, "Credential=AKIDFROMENV/") {
		t.Errorf("signed by %q", got)
	}
}

// Outputs of all operations are known to the check of completeness.
func TestOperationsWithoutOutput(t *testing.T) {
	for _, operation := range operations() {
		out := reflect.TypeFor[cognito.API]()
		method, _ := out.MethodByName(operation)
		members := method.Type.Out(0).Elem().NumField() - 2 // ResultMetadata, noSmithyDocumentSerde
		if (members == 0) != (answers[operation] == "") {
			t.Errorf("%s: %d members, answer %q", operation, members, answers[operation])
		}
	}
}
