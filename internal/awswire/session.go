package awswire

import (
	"errors"

	"github.com/cognito-broker/broker/internal/awswire/sigv4"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/sts"
)

// callerIdentity says who signed a request, in a header or by its address: a
// session, named by its token and proven by its secret (a token travels in
// clear, its secret does not), or a caller. It refuses with *sts.Error, and throttles
// who sends wrong signatures too often.
func (s *Server) callerIdentity(r *Request) (*callerIdentity, error) {
	c, failure, err := s.identified(r)
	switch often := s.often(r, failure); {
	case often != nil:
		return nil, errors.Join(&sts.Fault{Throttled: true}, often)
	case err != nil:
		return nil, err
	case c.caller != nil:
		return &callerIdentity{ARN: c.caller.ARN(), UserID: c.caller.Name(), Account: s.account}, nil
	}
	return &callerIdentity{ARN: c.session.AssumedRoleARN, UserID: c.session.AssumedRoleID, Account: c.session.Account}, nil
}

// identified verifies who signed a request for STS; with an error it tells what that
// counts as.
func (s *Server) identified(r *Request) (claimant, callers.Failure, error) {
	signed, err := parseSignature(r)
	if err != nil {
		return claimant{}, signatureFailure(err), signatureError(err)
	}
	c := s.claimant(signed.Credential())
	err = signed.Verify(c.secret(), "sts", s.now())
	switch {
	case c.err != nil:
		return c, c.failure(err), c.err
	case err != nil:
		return c, c.failure(err), signatureError(err)
	}
	return c, "", nil
}

// open returns a session, or else an error.
func (s *Server) open(accessKeyID, sessionToken string) (*sts.Session, error) {
	if s.sessions != nil {
		session, err := s.sessions.Open(accessKeyID, sessionToken)
		if err != nil {
			return nil, err
		}
		if session != nil {
			return session, nil
		}
	}
	return nil, &sts.Error{
		Code: sts.CodeInvalidClientTokenID, Message: "The security token included in the request is invalid",
	}
}

// signatureError words a signature's fault as STS does.
func signatureError(err error) error {
	fault, ok := errors.AsType[*sigv4.Error](err)
	if !ok {
		return err
	}
	code := codeNoMatch
	switch fault.Kind {
	case sigv4.Missing:
		code = codeMissingToken
	case sigv4.Incomplete:
		code = codeIncomplete
	}
	return &sts.Error{Code: code, Message: fault.Message}
}
