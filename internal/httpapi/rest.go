package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// call is a REST request on its way through a handler.
type call struct {
	ctx  context.Context
	pool string
	tree map[string]any // the body, decoded strictly
	ask  *flows.Ask
}

// handler answers with a value that becomes the body.
type handler func(call) (any, error)

// rest wraps a handler in what all REST routes share: the memo, content type,
// strict decoding, deadline, errors, headers, metrics, log.
func (s *Server) rest(op string, h handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		began := s.Now()
		class := s.classes.of(c)
		var key cache.MemoKey
		if op == opGrant && string(c.Request().Header.ContentType()) == fiber.MIMEApplicationJSON {
			key = s.Memo.Key(c.Request().URI().PathOriginal(), class, c.Request().Body())
			if body, life, ok := s.Memo.Get(key, began); ok {
				h := &c.Response().Header
				h.DisableNormalizing()
				h.SetContentType(fiber.MIMEApplicationJSON)
				h.AddBytesV(headerRequestID, appendRequestID(make([]byte, 0, 36)))
				h.Add(fiber.HeaderCacheControl, noStore)
				h.Add(fiber.HeaderAccessControlAllowOrigin, "*")
				h.Add(fiber.HeaderAccessControlExposeHeaders, restExpose)
				h.Add(headerCache, string(flows.Hit))
				c.Response().SetBodyRaw(body)
				s.hotGrant.Hit(s.Now().Sub(began), life)
				return nil
			}
		}
		requestID := NewRequestID()
		ask := &flows.Ask{ClientFloor: s.classes.floor(class)}
		ctx, cancel := context.WithTimeout(flows.WithAsk(context.Background(), ask), s.RequestTimeout)
		defer cancel()
		e := event{began: began, route: strings.Clone(c.Route().Path), op: op, status: fiber.StatusOK, requestID: requestID}
		body, err := s.answer(ctx, c, ask, h)
		if err != nil {
			e.status, e.code = refuse(c, requestID, err)
			e.err = err
			s.finish(e)
			return nil
		}
		restHeaders(c, requestID)
		c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
		if e.outcome = ask.Outcome; e.outcome != "" {
			c.Set(headerCache, string(e.outcome))
		}
		c.Response().SetBodyRaw(body)
		if key != (cache.MemoKey{}) && ask.Guard != nil {
			s.Memo.Put(key, s.Now(), ask.Guard, body)
		}
		s.finish(e)
		return nil
	}
}

func (s *Server) answer(ctx context.Context, c *fiber.Ctx, ask *flows.Ask, h handler) (body []byte, err error) {
	if media, _, err := mime.ParseMediaType(string(c.Request().Header.ContentType())); err != nil || media != fiber.MIMEApplicationJSON {
		return nil, edgeError(codeContentType, "The body must be application/json.")
	}
	pool, err := url.PathUnescape(strings.Clone(c.Params("pool")))
	if err != nil {
		return nil, cognito.Validation("The pool id in the path is not percent-encoded correctly.")
	}
	tree, err := awswire.DecodeObject(bytes.Clone(c.Request().Body()))
	if err != nil {
		return nil, err
	}
	value, err := h(call{ctx: ctx, pool: pool, tree: tree, ask: ask})
	if err != nil {
		return nil, err
	}
	if body, err = json.Marshal(value); err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return body, nil
}

type identityAnswer struct {
	IdentityID string `json:"identityId"`
}

// identity is GetId.
func (s *Server) identity(r call) (any, error) {
	if err := only(r.tree, "logins"); err != nil {
		return nil, err
	}
	out, err := awswire.Invoke(r.ctx, s.Flows, "GetId", members(map[string]any{
		"IdentityPoolId": r.pool, "Logins": r.tree["logins"],
	}))
	if err != nil {
		return nil, err
	}
	return identityAnswer{IdentityID: identityOf(out)}, nil
}

type grantAnswer struct {
	IdentityID   string            `json:"identityId"`
	Credentials  credentialsAnswer `json:"credentials"`
	RefreshAfter time.Time         `json:"refreshAfter"`
}

type credentialsAnswer struct {
	AccessKeyID     string    `json:"accessKeyId"`
	SecretAccessKey string    `json:"secretAccessKey"`
	SessionToken    string    `json:"sessionToken"`
	Expiration      time.Time `json:"expiration"`
}

// credentials is the whole enhanced flow.
func (s *Server) credentials(r call) (any, error) {
	request, err := s.grantRequest(r)
	if err != nil {
		return nil, err
	}
	g, err := s.Flows.Grant(r.ctx, request)
	if err != nil {
		return nil, err
	}
	return grantAnswer{
		IdentityID: g.IdentityID,
		Credentials: credentialsAnswer{
			AccessKeyID: *g.Credentials.AccessKeyId, SecretAccessKey: *g.Credentials.SecretKey,
			SessionToken: *g.Credentials.SessionToken, Expiration: g.Credentials.Expiration.UTC(),
		},
		RefreshAfter: g.RefreshAfter.UTC().Truncate(time.Second),
	}, nil
}

func (s *Server) grantRequest(r call) (flows.GrantRequest, error) {
	none := flows.GrantRequest{}
	if err := only(r.tree, "logins", "identityId", "customRoleArn", "minRemaining", "flow"); err != nil {
		return none, err
	}
	if flow := r.tree["flow"]; flow != nil && flow != "enhanced" {
		return none, cognito.InvalidParameter("flow must be \"enhanced\"; the classic flow is not served yet.")
	}
	floor, err := minRemaining(r.tree["minRemaining"])
	if err != nil {
		return none, err
	}
	r.ask.RequestFloor = floor
	if err := cognito.Validate("GetId", members(map[string]any{"IdentityPoolId": r.pool, "Logins": r.tree["logins"]})); err != nil {
		return none, err
	}
	id := r.tree["identityId"]
	probe := id
	if probe == nil {
		probe = r.pool // of the same shape: only the other members are in question
	}
	err = cognito.Validate("GetCredentialsForIdentity", members(map[string]any{
		"IdentityId": probe, "Logins": r.tree["logins"], "CustomRoleArn": r.tree["customRoleArn"],
	}))
	if err != nil {
		return none, err
	}
	request := flows.GrantRequest{Pool: r.pool}
	request.IdentityID, _ = id.(string)
	request.RoleARN, _ = r.tree["customRoleArn"].(string)
	if logins, ok := r.tree["logins"].(map[string]any); ok {
		request.Logins = make(map[string]string, len(logins))
		for provider, token := range logins {
			if text, ok := token.(string); ok {
				request.Logins[provider] = text
			}
		}
	}
	return request, nil
}

// minRemaining reads a floor: a whole number of seconds, or a duration such as
// "20m".
func minRemaining(v any) (time.Duration, error) {
	bad := cognito.InvalidParameter("minRemaining must be a whole number of seconds or a duration such as \"20m\", at most 12h.")
	var d time.Duration
	switch v := v.(type) {
	case nil:
		return 0, nil
	case json.Number:
		n, err := v.Int64()
		if err != nil || n > int64(maxFloor/time.Second) {
			return 0, bad
		}
		d = time.Duration(n) * time.Second
	case string:
		parsed, err := time.ParseDuration(v)
		if err != nil {
			return 0, bad
		}
		d = parsed
	default:
		return 0, bad
	}
	if d < 0 || d > maxFloor {
		return 0, bad
	}
	return d, nil
}

// maxFloor is the longest life that any session can have.
const maxFloor = 12 * time.Hour

// only refuses members that a route does not know: a typo must not pass as
// "left out".
func only(tree map[string]any, known ...string) error {
	for name := range tree {
		ok := false
		for _, k := range known {
			ok = ok || k == name
		}
		if !ok {
			return cognito.Serialization(fmt.Sprintf("Unknown member %q; known are %s.", bounded(name), strings.Join(known, ", ")))
		}
	}
	return nil
}

func bounded(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}

// members leaves out what the caller left out.
func members(tree map[string]any) map[string]any {
	for name, v := range tree {
		if v == nil {
			delete(tree, name)
		}
	}
	return tree
}
