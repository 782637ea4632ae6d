package awswire

import (
	"errors"

	"github.com/cognito-broker/broker/internal/awswire/sigv4"
	"github.com/cognito-broker/broker/internal/sts"
)

// session returns the session that signed a request. The session token names it
// and the signature proves it: a token travels in clear, its secret does not.
// It refuses with *sts.Error.
func (s *Server) session(r *Request) (*sts.Session, error) {
	signed, err := sigv4.Parse(&sigv4.Request{
		Method: r.Method, Path: r.Path, RawQuery: r.RawQuery, Headers: r.Headers, Body: r.Body,
	})
	if err != nil {
		return nil, signatureError(err)
	}
	credential := signed.Credential()
	session, err := s.open(credential.AccessKeyID, credential.SessionToken)
	if err != nil {
		return nil, err
	}
	if err := signed.Verify(session.SecretAccessKey(), "sts", s.now()); err != nil {
		return nil, signatureError(err)
	}
	return session, nil
}

func (s *Server) open(accessKeyID, sessionToken string) (*sts.Session, error) {
	if s.sessions != nil {
		session, err := s.sessions.Open(accessKeyID, sessionToken)
		if err != nil || session != nil {
			return session, err
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
