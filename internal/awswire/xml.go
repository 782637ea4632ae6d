package awswire

import "encoding/xml"

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// queryResponse is a success: <Action>Response around <Action>Result.
type queryResponse struct {
	XMLName   xml.Name
	Namespace string `xml:"xmlns,attr"`
	Result    any    // names itself
	RequestID string `xml:"ResponseMetadata>RequestId"`
}

type callerIdentity struct {
	XMLName xml.Name `xml:"GetCallerIdentityResult"`
	ARN     string   `xml:"Arn"`
	UserID  string   `xml:"UserId"`
	Account string   `xml:"Account"`
}

type assumedRole struct {
	XMLName         xml.Name `xml:"AssumeRoleWithWebIdentityResult"`
	Subject         string   `xml:"SubjectFromWebIdentityToken"`
	Audience        string   `xml:"Audience"`
	ARN             string   `xml:"AssumedRoleUser>Arn"`
	RoleID          string   `xml:"AssumedRoleUser>AssumedRoleId"`
	AccessKeyID     string   `xml:"Credentials>AccessKeyId"`
	SecretAccessKey string   `xml:"Credentials>SecretAccessKey"`
	SessionToken    string   `xml:"Credentials>SessionToken"`
	Expiration      string   `xml:"Credentials>Expiration"`
	Provider        string   `xml:"Provider"`
	PackedSize      int      `xml:"PackedPolicySize,omitempty"`
}

type errorResponse struct {
	XMLName   xml.Name    `xml:"ErrorResponse"`
	Namespace string      `xml:"xmlns,attr"`
	Error     errorDetail `xml:"Error"`
	RequestID string      `xml:"RequestId"`
}

type errorDetail struct {
	Type    string `xml:"Type"` // Sender or Receiver: whose fault it is
	Code    string `xml:"Code"`
	Message string `xml:"Message"`
}

// xmlBody lays an answer out as STS does: two blanks a level, a line feed at the
// end.
func xmlBody(answer any) []byte {
	body, err := xml.MarshalIndent(answer, "", "  ")
	if err != nil { // structures of texts always encode
		return nil
	}
	return append(body, '\n')
}
