package awswire

import "time"

// AppendCredentials appends the body of an answer of GetCredentialsForIdentity, the
// same to the byte as Serve's. It keeps nothing of its arguments.
func AppendCredentials(dst, identityID, accessKeyID, secretKey, sessionToken []byte, expires time.Time) []byte {
	dst = appendText(append(dst, `{"Credentials":{"AccessKeyId":`...), accessKeyID)
	dst = appendTime(append(dst, `,"Expiration":`...), expires)
	dst = appendText(append(dst, `,"SecretKey":`...), secretKey)
	dst = appendText(append(dst, `,"SessionToken":`...), sessionToken)
	dst = appendText(append(dst, `},"IdentityId":`...), identityID)
	return append(dst, '}')
}

// appendText is appendString of bytes.
func appendText(dst, text []byte) []byte {
	if !plain(text) {
		return appendString(dst, string(text))
	}
	dst = append(append(dst, '"'), text...)
	return append(dst, '"')
}
