package awswire

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cognito-broker/broker/internal/sts"
)

// Parameters of AssumeRoleWithWebIdentity.
const (
	paramRoleARN     = "RoleArn"
	paramSessionName = "RoleSessionName"
	paramToken       = "WebIdentityToken"
	paramProviderID  = "ProviderId"
	paramPolicy      = "Policy"
	paramPolicyARNs  = "PolicyArns"
	paramDuration    = "DurationSeconds"
)

const (
	maxPolicyARNs     = 10
	minPolicyARN      = 20
	maxPolicyARN      = 2048
	maxDurationDigits = 9
)

// assume serves AssumeRoleWithWebIdentity. It does not look at the token, which s.sts
// verifies.
func (s *Server) assume(ctx context.Context, form map[string]string) (*assumedRole, error) {
	request, err := assumeRequest(form)
	if err != nil {
		return nil, err
	}
	out, err := s.sts.AssumeRoleWithWebIdentity(ctx, request)
	switch {
	case err != nil:
		return nil, err
	case out == nil:
		return nil, errors.New("AssumeRoleWithWebIdentity: neither output nor error")
	}
	c := &out.Credentials
	return &assumedRole{
		Subject: out.Subject, Audience: out.Audience, Provider: out.Provider,
		ARN: c.AssumedRoleARN, RoleID: c.AssumedRoleID,
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken,
		Expiration: c.Expiration.UTC().Format(time.RFC3339),
		PackedSize: out.PackedPolicySize,
	}, nil
}

// assumeRequest reads the parameters. Unknown ones are ignored, as STS does. It
// refuses with ValidationError what a Request cannot tell from something else:
// a parameter that is missing, or stands there empty and would read as left
// out. All other constraints are those of sts.API.
func assumeRequest(form map[string]string) (sts.Request, error) {
	var broken []string
	for _, p := range []struct{ name, member string }{
		{paramRoleARN, "roleArn"}, {paramSessionName, "roleSessionName"}, {paramToken, "webIdentityToken"},
	} {
		if _, given := form[p.name]; !given {
			broken = append(broken, "Value null at '"+p.member+"' failed to satisfy constraint: Member must not be null")
		}
	}
	if value, given := form[paramProviderID]; given && value == "" {
		broken = append(broken, constraint("providerId", "Member must have length greater than or equal to 4"))
	}
	arns, problem := policyARNs(form)
	broken = append(broken, problem...)
	if value, given := form[paramPolicy]; given && value == "" {
		broken = append(broken, constraint("policy", "Member must have length greater than or equal to 1"))
	}
	duration, problem := parseDuration(form)
	broken = append(broken, problem...)
	if len(broken) > 0 {
		return sts.Request{}, validationError(broken)
	}
	return sts.Request{
		RoleARN: form[paramRoleARN], SessionName: form[paramSessionName], Token: form[paramToken],
		ProviderID: form[paramProviderID], Duration: duration, Policy: form[paramPolicy], PolicyARNs: arns,
	}, nil
}

// policyARNs reads PolicyArns.member.N.arn, N from 1 without gaps. Session
// policies take rights away: one whose name is not quite right is refused, never
// ignored. SDKs write an empty list as an empty parameter.
func policyARNs(form map[string]string) (arns, broken []string) {
	named := 0
	for name, value := range form {
		if strings.HasPrefix(name, paramPolicyARNs) && (name != paramPolicyARNs || value != "") {
			named++
		}
	}
	if named > maxPolicyARNs {
		return nil, []string{constraint("policyArns", "Member must have length less than or equal to 10")}
	}
	for i := range named {
		arn, given := form[paramPolicyARNs+".member."+strconv.Itoa(i+1)+".arn"]
		member := fmt.Sprintf("policyArns.%d.member.arn", i+1)
		switch {
		case !given:
			return nil, []string{
				constraint("policyArns", "Member must be PolicyArns.member.N.arn, numbered from 1 without gaps"),
			}
		case len(arn) < minPolicyARN:
			broken = append(broken, constraint(member, "Member must have length greater than or equal to 20"))
		case len(arn) > maxPolicyARN:
			broken = append(broken, constraint(member, "Member must have length less than or equal to 2048"))
		}
		arns = append(arns, arn)
	}
	return arns, broken
}

// parseDuration reads DurationSeconds; zero if it is left out. Its bounds are checked
// here, because a zero of the caller's is not left out.
func parseDuration(form map[string]string) (d time.Duration, broken []string) {
	value, given := form[paramDuration]
	if !given {
		return 0, nil
	}
	digits := strings.TrimPrefix(value, "-")
	if digits == "" || len(digits) > maxDurationDigits || strings.Trim(digits, "0123456789") != "" {
		return 0, []string{constraint("durationSeconds", "Member must be a decimal integer")}
	}
	n, _ := strconv.Atoi(value) // cannot fail: few digits
	d = time.Duration(n) * time.Second
	at := "Value '" + strconv.Itoa(n) + "' at 'durationSeconds' failed to satisfy constraint: Member must have value "
	switch {
	case d < sts.MinDuration:
		return 0, []string{at + "greater than or equal to 900"}
	case d > sts.MaxDuration:
		return 0, []string{at + "less than or equal to 43200"}
	}
	return d, nil
}

// constraint words a broken constraint without the value.
func constraint(member, text string) string {
	return "Value at '" + member + "' failed to satisfy constraint: " + text
}

func validationError(broken []string) error {
	message := "1 validation error detected: "
	if n := len(broken); n > 1 {
		message = strconv.Itoa(n) + " validation errors detected: "
	}
	return &sts.Error{Code: sts.CodeValidation, Message: message + strings.Join(broken, "; ")}
}
