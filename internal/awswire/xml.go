package awswire

import "encoding/xml"

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

type callerIdentityResponse struct {
	XMLName   xml.Name       `xml:"GetCallerIdentityResponse"`
	Namespace string         `xml:"xmlns,attr"`
	Result    callerIdentity `xml:"GetCallerIdentityResult"`
	RequestID string         `xml:"ResponseMetadata>RequestId"`
}

type callerIdentity struct {
	ARN     string `xml:"Arn"`
	UserID  string `xml:"UserId"`
	Account string `xml:"Account"`
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
