package userpool

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/cognito-broker/broker/internal/strictjson"
)

// maxAnswer bounds an answer, in bytes: a user has 50 attributes of 2,048 characters at most.
const maxAnswer = 1 << 20

var answerLimits = strictjson.Limits{Bytes: maxAnswer, Depth: 16, Values: 5000}

var (
	errUndecided = errors.New("the answer does not say who the user is, or whether he is enabled")
	errNoJSON    = errors.New("the answer is not JSON")
)

// down is why a user pool answers nobody for now, whoever is asked for.
type down struct{ error }

// ask makes an AdminGetUser. gone is why the user gets nothing; empty: he is there. Only what
// the service itself says of the user is an answer.
func (c *Checker) ask(ctx context.Context, username, subject string) (gone string, err error) {
	status, kind, body, err := c.send(ctx, username)
	switch {
	case err != nil:
		return "", down{err}
	case status >= 500 || status == http.StatusTooManyRequests || kind == "TooManyRequestsException":
		return "", down{fmt.Errorf("status %d %s", status, kind)}
	case status == http.StatusOK:
		return decided(body, subject)
	case status == http.StatusBadRequest && kind == "UserNotFoundException":
		return "the user pool has no such user", nil
	case kind == "":
		return "", fmt.Errorf("status %d", status)
	}
	return "", fmt.Errorf("status %d, %s", status, kind)
}

// decided reads an answer. What does not say whose it is, or whether he is enabled, says nothing.
func decided(body []byte, subject string) (gone string, err error) {
	user, err := strictjson.Object(body, answerLimits)
	if err != nil {
		return "", errNoJSON
	}
	switch enabled, told := user["Enabled"].(bool); {
	case !told:
		return "", errUndecided
	case !enabled:
		return "the user is disabled in the user pool", nil
	}
	switch sub := attribute(user["UserAttributes"], "sub"); sub {
	case "":
		return "", errUndecided
	case subject:
		return "", nil
	}
	return "the user pool has another user of that name", nil
}

// attribute is the value of a user's attribute; empty where it has none.
func attribute(list any, name string) string {
	attributes, _ := list.([]any)
	for _, one := range attributes {
		pair, _ := one.(map[string]any)
		if pair["Name"] == name {
			value, _ := pair["Value"].(string)
			return value
		}
	}
	return ""
}

// send signs and sends the question. kind is the name of an error of the service, if it is one.
func (c *Checker) send(ctx context.Context, username string) (status int, kind string, body []byte, err error) {
	text, err := json.Marshal(map[string]string{"UserPoolId": c.Pool, "Username": username})
	if err != nil {
		return 0, "", nil, err
	}
	address := strings.TrimSuffix(c.Endpoint, "/") + "/"
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(text))
	if err != nil {
		return 0, "", nil, errors.New("the endpoint is no URL")
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.AdminGetUser")
	credentials, err := c.Credentials.Retrieve(ctx)
	if err != nil {
		return 0, "", nil, fmt.Errorf("get the broker's AWS credentials: %w", err)
	}
	digest := sha256.Sum256(text)
	err = v4.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(digest[:]), "cognito-idp", c.Region, c.Now())
	if err != nil {
		return 0, "", nil, fmt.Errorf("sign: %w", err)
	}
	answer, err := c.Client.Do(r)
	if err != nil {
		return 0, "", nil, plain(err)
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, "", nil, plain(err)
	case len(body) > maxAnswer:
		return 0, "", nil, errors.New("the answer is larger than 1 MiB")
	}
	return answer.StatusCode, kindOf(body), body, nil
}

// plain is an error of a request without its URL.
func plain(err error) error {
	if of, ok := errors.AsType[*url.Error](err); ok {
		return of.Err
	}
	return err
}

// kindOf is the name of an error of the service, which some send with a namespace. Anything
// else has none.
func kindOf(body []byte) string {
	fault, err := strictjson.Object(body, answerLimits)
	if err != nil {
		return ""
	}
	name, _ := fault["__type"].(string)
	kind := name[strings.LastIndexByte(name, '#')+1:]
	if len(kind) > 64 || strings.Trim(kind, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	return kind
}
