package httpapi

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/smithy-go"
)

// edgeError is a refusal that only the edge knows.
func edgeError(code, message string) error {
	return &smithy.GenericAPIError{Code: code, Message: message, Fault: smithy.FaultClient}
}

func identityOf(out any) string {
	if got, ok := out.(*cognitoidentity.GetIdOutput); ok {
		return aws.ToString(got.IdentityId)
	}
	return ""
}
