package awswire

import (
	"strings"

	"github.com/cognito-broker/broker/internal/awswire/sigv4"
)

// Names and values that the protocols fix. Header names are spelled as the
// service spells them.
const (
	headerRequestID    = "x-amzn-RequestId"
	headerErrorType    = "x-amzn-ErrorType"
	headerErrorMessage = "x-amzn-ErrorMessage"
	headerTarget       = "X-Amz-Target"

	contentJSON = "application/x-amz-json-1.1"
	contentForm = "application/x-www-form-urlencoded"
	contentXML  = "text/xml"
)

// unknownOperation is the label of requests whose operation is not known.
const unknownOperation = "unknown"

// Header is one header line.
type Header = sigv4.Header

// Request is one HTTP request, read whole.
type Request struct {
	Method   string
	Path     string // as received, still escaped
	RawQuery string
	Headers  []Header // in the order received, repeated ones kept
	Body     []byte
	Address  string // the client's, for limits; empty where it is not known
}

// Header returns the first value of a header, whatever the case of its name,
// and how many there are.
func (r *Request) Header(name string) (value string, count int) {
	for _, h := range r.Headers {
		if strings.EqualFold(h.Name, name) {
			if count == 0 {
				value = h.Value
			}
			count++
		}
	}
	return value, count
}

// Response is one answer. Headers hold neither Content-Type nor what HTTP itself
// adds (Date, Content-Length); their names keep their spelling.
type Response struct {
	Status      int
	ContentType string // empty: none
	Headers     []Header
	Body        []byte

	// Operation is the name of a known operation, or "unknown": a bounded label.
	Operation string
	// Code is the error's name; empty for success.
	Code string
	// Err is what failed, nil for success. The message of a refusal may name an
	// identity: log cognito.Cause of it, or all of it where cognito.Passing.
	Err error
}
