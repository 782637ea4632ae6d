package awswire

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"pgregory.net/rapid"
)

// AppendCredentials writes what Serve would.
func TestAppendCredentialsProperty(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var texts [4]string
		for i := range texts {
			texts[i] = rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]*`)).Draw(r, "text")
		}
		expires := time.UnixMilli(rapid.Int64Range(-1<<40, 1<<42).Draw(r, "expires"))
		want, err := encode(&cognitoidentity.GetCredentialsForIdentityOutput{IdentityId: &texts[0], Credentials: &types.Credentials{
			AccessKeyId: &texts[1], SecretKey: &texts[2], SessionToken: &texts[3], Expiration: &expires,
		}})
		if err != nil {
			r.Fatal(err)
		}
		got := AppendCredentials(nil, []byte(texts[0]), []byte(texts[1]), []byte(texts[2]), []byte(texts[3]), expires)
		if string(got) != string(want) {
			r.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}
