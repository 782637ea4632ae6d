package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// grant is what the routes that hand out credentials answer.
type grant struct {
	IdentityID  string `json:"identityId"`
	Credentials keys   `json:"credentials"`
	cache       string // the X-Cache header
}

type keys struct {
	AccessKeyID     string    `json:"accessKeyId"`
	SecretAccessKey string    `json:"secretAccessKey"`
	SessionToken    string    `json:"sessionToken"`
	Expiration      time.Time `json:"expiration"`
}

// problem is every refusal of REST (application/problem+json).
type problem struct {
	Status int
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (p *problem) Error() string { return fmt.Sprintf("%d %s: %s", p.Status, p.Code, p.Detail) }

// post sends a call to a route of the pool and reads its answer into out, which
// may be nil. Refusals are [*problem]s. An empty key makes it an app's call.
func (w *walk) post(ctx context.Context, route, apiKey string, in map[string]any, out any) (http.Header, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/v1/pools/"+w.pool+"/"+route, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if apiKey != "" {
		r.Header.Set("Authorization", "Bearer "+apiKey)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	content := json.NewDecoder(io.LimitReader(answer.Body, 1<<20))
	if answer.StatusCode >= http.StatusBadRequest {
		refusal := &problem{Status: answer.StatusCode}
		if err := content.Decode(refusal); err != nil {
			return nil, fmt.Errorf("%s, and no problem document: %w", answer.Status, err)
		}
		return nil, refusal
	}
	if out == nil {
		return answer.Header, nil
	}
	if err := content.Decode(out); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return answer.Header, nil
}

// exchange asks for credentials; the route is "credentials" or one that ends so.
func (w *walk) exchange(ctx context.Context, route, apiKey string, in map[string]any) (*grant, error) {
	g := &grant{}
	header, err := w.post(ctx, route, apiKey, in, g)
	if err != nil {
		return nil, err
	}
	g.cache = header.Get("X-Cache")
	return g, nil
}
