package embedded

import (
	"context"
	"maps"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/smithy-go/middleware"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

// TagResource adds tags to a pool, or changes their values (docs/cognito.md#pools).
func (e *poolOperations) TagResource(
	ctx context.Context, in *cognitoidentity.TagResourceInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.TagResourceOutput, error) {
	if err := e.begin("TagResource", in); err != nil {
		return nil, err
	}
	if err := e.changeTags(ctx, *in.ResourceArn, addTags(in)); err != nil {
		return nil, err
	}
	return &cognitoidentity.TagResourceOutput{}, nil
}

// UntagResource takes tags from a pool; those that it does not have are passed
// over.
func (e *poolOperations) UntagResource(
	ctx context.Context, in *cognitoidentity.UntagResourceInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.UntagResourceOutput, error) {
	if err := e.begin("UntagResource", in); err != nil {
		return nil, err
	}
	if err := e.changeTags(ctx, *in.ResourceArn, takeTags(in)); err != nil {
		return nil, err
	}
	return &cognitoidentity.UntagResourceOutput{}, nil
}

// ListTagsForResource shows a pool's tags.
func (e *poolOperations) ListTagsForResource(
	_ context.Context, in *cognitoidentity.ListTagsForResourceInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.ListTagsForResourceOutput, error) {
	if err := e.begin("ListTagsForResource", in); err != nil {
		return nil, err
	}
	id, err := e.tagged(*in.ResourceArn)
	if err != nil {
		return nil, err
	}
	p, ok := e.pool(id)
	if !ok {
		return nil, cognito.PoolNotFound(id)
	}
	tags := maps.Clone(p.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	return &cognitoidentity.ListTagsForResourceOutput{Tags: tags}, nil
}

func (e *poolOperations) changeTags(ctx context.Context, arn string, change alteration) error {
	id, err := e.tagged(arn)
	if err != nil {
		return err
	}
	_, err = e.changePool(ctx, id, new(middleware.Metadata), change)
	return err
}

func addTags(in *cognitoidentity.TagResourceInput) alteration {
	return retag(func(tags map[string]string) { maps.Copy(tags, in.Tags) })
}

func takeTags(in *cognitoidentity.UntagResourceInput) alteration {
	return retag(func(tags map[string]string) {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
	})
}

func retag(change func(tags map[string]string)) alteration {
	return func(p *rules.Pool) error {
		p.Tags = maps.Clone(p.Tags) // readers share the old one
		if p.Tags == nil {
			p.Tags = map[string]string{}
		}
		change(p.Tags)
		return rules.CheckTags(p.Tags)
	}
}

// tagged is the pool that an ARN names. Another account's pool is not found, as
// another region's is.
func (e *poolOperations) tagged(arn string) (pool string, err error) {
	pool, ok := cognito.PoolOfARN(arn)
	if !ok {
		return "", cognito.InvalidParameter("ResourceArn is no ARN of an identity pool.")
	}
	if arn != e.poolARN(pool) {
		return "", cognito.PoolNotFound(pool)
	}
	return pool, nil
}
