package httpapi

import (
	"context"

	"github.com/cognito-broker/broker/internal/cognito"
)

// Explainer goes through a call of the enhanced flow without making it: nothing is
// changed. It fails for passing reasons only; a refusal is an Explanation.
type Explainer interface {
	Explain(ctx context.Context, q cognito.Question) (*cognito.Explanation, error)
}

// explain tells why a call to /credentials with the same body gets what it gets.
func (s *Server) explain(r call) (any, error) {
	if s.Explainer == nil {
		return nil, edgeError(codeNotImplemented, "The broker stands in front of Cognito, which decides and does not explain.")
	}
	if err := only(r.tree, "logins", "identityId", "customRoleArn"); err != nil {
		return nil, err
	}
	if err := checkNames(r); err != nil {
		return nil, err
	}
	// A pool that does not exist is a fault of the path, not a denial.
	if _, err := s.invoke(r, "DescribeIdentityPool", map[string]any{"IdentityPoolId": r.pool}); err != nil {
		return nil, err
	}
	x, err := s.Explainer.Explain(r.ctx, cognito.Question{
		Pool: r.pool, Logins: texts(r.tree["logins"]),
		Identity: text(r.tree["identityId"]), Role: text(r.tree["customRoleArn"]),
	})
	if err != nil {
		return nil, err
	}
	return x, nil
}
