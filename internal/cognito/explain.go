package cognito

// Question is a call of the enhanced flow that somebody wants to understand.
type Question struct {
	Pool     string
	Logins   map[string]string // as a caller would send them; none: a guest
	Identity string            // empty: whichever GetId would find or make
	Role     string            // CustomRoleArn; empty: the pool's choice
}

// Explanation is what would come of a Question, step by step. It holds nothing of
// a token but the claims that the pool's rules name.
type Explanation struct {
	Granted bool   `json:"granted"`
	Code    string `json:"code,omitempty"` // of the refusal
	Message string `json:"message,omitempty"`
	Role    string `json:"role,omitempty"`
	Steps   []Step `json:"steps"`
}

// Step is one check, in the order of the call.
type Step struct {
	Check  string `json:"check"`
	Passed bool   `json:"passed"`
	Detail string `json:"detail"`
}
