package rules

import (
	"iter"

	"github.com/cognito-broker/broker/internal/cognito"
)

// Refusals of the classic flow (docs/cognito.md#flows).
const (
	msgClassicOff      = "Basic (classic) flow is not enabled, please use enhanced flow."
	msgClassicMappings = "Basic (classic) flow is not supported with RoleMappings, please use enhanced flow."
	msgClassicSAML     = "Basic (classic) flow is not supported with SAML, please use enhanced flow."
)

// ClassicAllowed decides, before any look at the identity, whether a pool issues
// tokens to apps that come with logins of the providers. AllowClassic unset allows.
func ClassicAllowed(p *Pool, providers iter.Seq[string]) error {
	switch {
	case p.AllowClassic != nil && !*p.AllowClassic:
		return cognito.InvalidParameter(msgClassicOff)
	case len(p.Mappings) > 0:
		return cognito.InvalidParameter(msgClassicMappings)
	}
	for provider := range providers {
		if p.Way(provider) == BySAML {
			return cognito.InvalidParameter(msgClassicSAML)
		}
	}
	return nil
}
