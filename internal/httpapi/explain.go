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

// explainInput are the members of a grant in the enhanced flow.
type explainInput struct {
	Logins        map[string]string `json:"logins"`
	IdentityID    string            `json:"identityId"`
	CustomRoleARN string            `json:"customRoleArn"`
}

func (*explainInput) constraints(pool string, given map[string]any) []constraint {
	return enhancedConstraints(pool, given)
}

// explains refuses where nobody can explain.
func (h *handlers) explains(call) error {
	if h.Explainer == nil {
		return edgeError(codeNotImplemented,
			"The broker stands in front of Cognito, which decides and does not explain.")
	}
	return nil
}

// explain tells why a call to /credentials with the same body gets what it gets. A pool
// that does not exist is a fault of the path, not a denial.
func (h *handlers) explain(r call, in *explainInput) (*cognito.Explanation, error) {
	if err := h.describePool(r); err != nil {
		return nil, err
	}
	return h.Explainer.Explain(r.ctx, cognito.Question{
		Pool: r.pool, Logins: in.Logins, Identity: in.IdentityID, Role: in.CustomRoleARN,
	})
}
