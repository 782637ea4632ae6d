package sigv4_test

import (
	"fmt"
	"time"

	"github.com/cognito-broker/broker/internal/awswire/sigv4"
)

// Parse says whose signature a request claims to bear; only Verify says whether it does.
func ExampleSigned_Verify() {
	request := &sigv4.Request{
		Method: "POST", Path: "/",
		Headers: []sigv4.Header{
			{Name: "Host", Value: "broker.example"},
			{Name: "X-Amz-Date", Value: "20260304T050607Z"},
			{Name: "X-Amz-Target", Value: "AWSCognitoIdentityService.ListIdentityPools"},
			{Name: "Authorization", Value: "AWS4-HMAC-SHA256 " +
				"Credential=AKIDEXAMPLE/20260304/us-east-1/cognito-identity/aws4_request, " +
				"SignedHeaders=host;x-amz-date;x-amz-target, " +
				"Signature=b739677ff23d99a89c7306a53b518dae942f59c9d9b4868cea64d9a83da18564"},
		},
		Body: []byte(`{"MaxResults":10}`),
	}
	signed, err := sigv4.Parse(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("claims to be of", signed.Credential().AccessKeyID)

	now := time.Date(2026, 3, 4, 5, 8, 0, 0, time.UTC)
	fmt.Println(signed.Verify("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "cognito-identity", now))
	fmt.Println(signed.Verify("another secret", "cognito-identity", now) != nil)
	fmt.Println(signed.Verify("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "cognito-identity", now.Add(time.Hour)))
	// Output:
	// claims to be of AKIDEXAMPLE
	// <nil>
	// true
	// Signature expired: 20260304T050607Z is now earlier than 20260304T060300Z (20260304T060800Z - 5 min.)
}
