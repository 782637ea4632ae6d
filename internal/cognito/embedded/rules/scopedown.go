package rules

import "strings"

// The session policies that limit guests in the enhanced flow
// (docs/cognito.md#scope-down-of-guests), as of May 2026: an inline policy with the
// services that guests may use at all, and a policy that AWS manages. They add up, and
// intersect with the role. AWS changes both now and then; this file is the only place that
// knows them.
const (
	guestPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` +
		`"cloudwatch:*","logs:*","dynamodb:*","kinesis:*","mobileanalytics:*","s3:*","ses:*","sns:*","sqs:*","lambda:*",` +
		`"machinelearning:*","execute-api:*","iot:*","gamelift:*","cognito-identity:*","cognito-idp:*","lex:*","polly:*",` +
		`"comprehend:*","translate:*","transcribe:*","rekognition:*","mobiletargeting:*","firehose:*","appsync:*",` +
		`"personalize:*","cognito-sync:*","codewhisperer:*","sdb:*",` +
		`"sagemaker:InvokeEndpoint","textract:DetectDocumentText","textract:AnalyzeDocument"` +
		`],"Resource":"*"}]}`
	guestManagedPolicy = ":iam::aws:policy/AmazonCognitoUnAuthedIdentitiesSessionPolicy"
)

// GuestPolicies are the session policies of a guest's session of a role: an inline
// one and the ARNs of managed ones, in the role's partition, as STS demands.
func GuestPolicies(role string) (inline string, managedARNs []string) {
	partition := "aws"
	if parts := strings.SplitN(role, ":", 3); len(parts) == 3 && parts[0] == "arn" {
		partition = parts[1]
	}
	return guestPolicy, []string{"arn:" + partition + guestManagedPolicy}
}
