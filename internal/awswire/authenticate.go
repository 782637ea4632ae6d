package awswire

import (
	"errors"

	"github.com/cognito-broker/broker/internal/awswire/sigv4"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/sts"
)

const signingName = "cognito-identity"

// Messages of refusals to authenticate.
const (
	msgNoAuthentication = "Missing Authentication Token"
	msgUnknownClient    = "The security token included in the request is invalid."
	msgSessionOnly      = "Credentials of a session are good for GetCallerIdentity only."
	msgNotPresigned     = "The signature must be in the 'Authorization' header."
)

// Authenticate says which caller signed a request for this service within the
// last five minutes. The region that it was signed for may be any: a broker
// serves pools of several regions, and a signature is bound to its Host all the
// same. A presigned request is refused: it would be good for up to a week, to
// whoever sees its address, and no SDK presigns calls of this service.
//
// It fails with MissingAuthenticationTokenException without a signature,
// IncompleteSignatureException for a malformed one, UnrecognizedClientException
// for an access key that is no caller's, InvalidSignatureException for a
// signature that is not the caller's or of another time or service, and
// AccessDeniedException for the genuine signature of a session of the built-in
// STS. Whoever sends wrong ones too often gets TooManyRequestsException in their
// place (see TooOften); a right one is never refused for that. Any other error is a
// passing fault.
func (s *Server) Authenticate(r *Request) (*callers.Caller, error) {
	who, failure, err := s.authenticate(r)
	if err != nil {
		if often := s.often(r, failure); often != nil {
			return nil, TooOften(often)
		}
		return nil, err
	}
	return who, nil
}

// authenticate returns, with an error, the kind of failure that it counts as; empty: none.
func (s *Server) authenticate(r *Request) (*callers.Caller, callers.Failure, error) {
	signed, err := parseSignature(r)
	if err != nil {
		return nil, signatureFailure(err), signatureRefusal(err)
	}
	if signed.Presigned() {
		return nil, "", refusal(codeIncompleteSigning, msgNotPresigned)
	}
	c := s.claimant(signed.Credential())
	err = signed.Verify(c.secret(), signingName, s.now())
	switch {
	case c.caller != nil && err == nil:
		return c.caller, "", nil
	case c.caller != nil:
		return nil, c.failure(err), signatureRefusal(err)
	case c.session != nil && err == nil:
		return nil, "", refusal(cognito.CodeAccessDenied, msgSessionOnly)
	case c.err != nil && !isSTS(c.err):
		return nil, "", c.err
	}
	return nil, c.failure(err), cognito.WithCause(refusal(codeUnknownClient, msgUnknownClient), errors.Join(c.err, err))
}

// claimant is whom an unverified signature names: a caller, a session or, with the error of
// looking up a session, nobody.
type claimant struct {
	caller  *callers.Caller
	key     string // the caller's secret access key
	session *sts.Session
	err     error
}

// claimant looks up a credential. A session token makes it a session's whatever
// its access key.
func (s *Server) claimant(c sigv4.Credential) claimant {
	if c.SessionToken == "" {
		if caller, secret, ok := s.callers.ByAccessKey(c.AccessKeyID); ok {
			return claimant{caller: caller, key: secret}
		}
	}
	session, err := s.open(c.AccessKeyID, c.SessionToken)
	return claimant{session: session, err: err}
}

// secret is the key that the claimant has to have signed with. An unknown claimant gets a
// key of its own, so that verifying takes as long as for a known one; it is refused whether
// or not its signature matches that key.
func (c claimant) secret() string {
	switch {
	case c.caller != nil:
		return c.key
	case c.session != nil:
		return c.session.SecretAccessKey()
	}
	return "0000000000000000000000000000000000000000"
}

func parseSignature(r *Request) (*sigv4.Signed, error) {
	return sigv4.Parse(&sigv4.Request{
		Method: r.Method, Path: r.Path, RawQuery: r.RawQuery, Headers: r.Headers, Body: r.Body,
	})
}

// signatureRefusal words a signature's fault in the codes of the JSON protocol.
func signatureRefusal(err error) error {
	fault, ok := errors.AsType[*sigv4.Error](err)
	if !ok {
		return err
	}
	switch fault.Kind {
	case sigv4.Missing:
		return refusal(codeNoAuthentication, msgNoAuthentication)
	case sigv4.Incomplete:
		return refusal(codeIncompleteSigning, fault.Message)
	}
	return refusal(codeInvalidSignature, fault.Message)
}

func isSTS(err error) bool {
	_, ok := errors.AsType[*sts.Error](err)
	return ok
}
