package contract

import (
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
)

func poolARN(s *scene, pool string) string {
	return "arn:aws:cognito-identity:" + s.Region + ":" + s.Account + ":identitypool/" + pool
}

func tag(s *scene, arn string, tags map[string]string) string {
	s.Helper()
	_, refusal := ask(s, s.API.TagResource, &cognitoidentity.TagResourceInput{ResourceArn: &arn, Tags: tags})
	return refusal
}

func untag(s *scene, arn string, keys ...string) string {
	s.Helper()
	_, refusal := ask(s, s.API.UntagResource, &cognitoidentity.UntagResourceInput{ResourceArn: &arn, TagKeys: keys})
	return refusal
}

// tags brings a pool's tags.
func (s *scene) tags(arn string) string {
	s.Helper()
	out, refusal := ask(s, s.API.ListTagsForResource, &cognitoidentity.ListTagsForResourceInput{ResourceArn: &arn})
	if refusal != "" {
		return refusal
	}
	return fmt.Sprint(out.Tags)
}

// resourceTags tests docs/cognito.md#pools.
func resourceTags(s *scene) {
	pool := s.pool(func(in *createInput) { in.IdentityPoolTags = map[string]string{"a": "1"} })
	arn := poolARN(s, pool)
	s.equal("what the pool was made with", s.tags(arn), "map[a:1]")
	s.equal("another and a new value", tag(s, arn, map[string]string{"a": "2", "B": ""}), "")
	s.equal("both", s.tags(arn), "map[B: a:2]")
	p, refusal := s.describe(pool)
	s.must("DescribeIdentityPool", refusal)
	s.equal("the pool shows them", fmt.Sprint(p.IdentityPoolTags), "map[B: a:2]")
	s.equal("one that is there, one that is not", untag(s, arn, "a", "b"), "")
	s.equal("what is left", s.tags(arn), "map[B:]")
	many := numbered(49, "key%d", "v")
	s.equal("fifty", tag(s, arn, many), "")
	s.refused("one more", tag(s, arn, map[string]string{"c": "1"}), invalid)
	s.equal("instead of another", tag(s, arn, map[string]string{"key0": "1"}), "")
	many["key0"], many["B"] = "1", ""
	s.equal("all of them", s.tags(arn), fmt.Sprint(many))
	s.refused("a key of AWS's", tag(s, arn, map[string]string{"aws:x": "1"}), invalid)
	s.refused("a character that tags do not take", tag(s, arn, map[string]string{"a#": "1"}), invalid)
	for what, call := range map[string]func(arn string) string{
		"TagResource":         func(arn string) string { return tag(s, arn, map[string]string{"a": "1"}) },
		"UntagResource":       func(arn string) string { return untag(s, arn, "a") },
		"ListTagsForResource": s.tags,
	} {
		s.equal(what+" of an unknown pool", call(poolARN(s, s.unknown())), noPool(s.unknown()))
		s.refused(what+" of no pool's ARN", call("arn:aws:iam::"+s.Account+":role/auth"), invalid)
		s.refused(what+" of another account", call("arn:aws:cognito-identity:"+s.Region+":999999999999:identitypool/"+pool),
			notFound)
		s.refused(what+" without an ARN", call("x"), validation)
	}
}

// updatedTags is how an update of a pool treats its tags, which have operations of
// their own: left out they stay. The first steps are those of Terraform's provider
// when a configuration goes from {key1, key2} to {key2}.
func updatedTags(s *scene) {
	pool := s.pool(func(in *createInput) { in.IdentityPoolTags = map[string]string{"key1": "value1"} })
	arn := poolARN(s, pool)
	update := func(tags map[string]string) string {
		return updated(s, whole(s, pool, func(in *updateInput) { in.IdentityPoolTags = tags }))
	}
	s.equal("one more", tag(s, arn, map[string]string{"key1": "value1updated", "key2": "value2"}), "")
	s.equal("an update without tags", update(nil), "")
	s.equal("all are left", s.tags(arn), "map[key1:value1updated key2:value2]")
	s.equal("untagged", untag(s, arn, "key1"), "")
	s.equal("one is left", s.tags(arn), "map[key2:value2]")
	s.equal("an update with others", update(map[string]string{"key3": "value3"}), "")
	s.equal("the others alone", s.tags(arn), "map[key3:value3]")
	s.refused("an update with one that is none", update(map[string]string{"aws:x": "1"}), invalid)
	s.equal("a refusal changes nothing", s.tags(arn), "map[key3:value3]")
	s.equal("an update with no tags", update(map[string]string{}), "")
	s.equal("none", s.tags(arn), "map[]")
}

// spellMap spells a provider's map as it is set, or shown.
func spellMap(pool, provider *string, tags map[string]string, defaults *bool) string {
	if tags == nil {
		tags = map[string]string{}
	}
	return fmt.Sprint(aws.ToString(pool), " ", aws.ToString(provider), " ", tags, " ", aws.ToBool(defaults))
}

// principalTagMaps tests docs/cognito.md#pools for maps of claims.
func principalTagMaps(s *scene) {
	const userPool = "cognito-idp.us-east-1.amazonaws.com/us-east-1_Abc"
	pool := s.pool(func(in *createInput) {
		full := full(s)
		in.CognitoIdentityProviders, in.SupportedLoginProviders, in.SamlProviderARNs = full.CognitoIdentityProviders,
			full.SupportedLoginProviders, full.SamlProviderARNs
	})
	set := func(pool, provider string, tags map[string]string, defaults *bool) string {
		out, refusal := ask(s, s.API.SetPrincipalTagAttributeMap, &cognitoidentity.SetPrincipalTagAttributeMapInput{
			IdentityPoolId: &pool, IdentityProviderName: &provider, PrincipalTags: maps.Clone(tags), UseDefaults: defaults,
		})
		if refusal != "" {
			return refusal
		}
		return spellMap(out.IdentityPoolId, out.IdentityProviderName, out.PrincipalTags, out.UseDefaults)
	}
	get := func(pool, provider string) string {
		out, refusal := ask(s, s.API.GetPrincipalTagAttributeMap, &cognitoidentity.GetPrincipalTagAttributeMapInput{
			IdentityPoolId: &pool, IdentityProviderName: &provider,
		})
		if refusal != "" {
			return refusal
		}
		return spellMap(out.IdentityPoolId, out.IdentityProviderName, out.PrincipalTags, out.UseDefaults)
	}
	for _, provider := range []string{userPool, "graph.facebook.com", full(s).SamlProviderARNs[0], s.providerARN(0)} {
		at := pool + " " + provider + " "
		s.equal("never set", get(pool, provider), at+"map[] false")
		s.equal("set", set(pool, provider, map[string]string{"dept": "custom:dept"}, nil), at+"map[dept:custom:dept] false")
		s.equal("is there", get(pool, provider), at+"map[dept:custom:dept] false")
		s.equal("replaced", set(pool, provider, nil, aws.Bool(true)), at+"map[] true")
		s.equal("is there", get(pool, provider), at+"map[] true")
	}
	s.refused("a provider that the pool does not have", set(pool, "idp.example", map[string]string{"a": "b"}, nil),
		invalid)
	s.refused("an app client", set(pool, userPool+":one", map[string]string{"a": "b"}, nil), invalid)
	s.refused("a key of AWS's", set(pool, userPool, map[string]string{"aws:a": "b"}, nil), invalid)
	s.refused("keys that differ in case alone", set(pool, userPool, map[string]string{"Team": "a", "team": "b"}, nil),
		invalid)
	s.refused("a key that is no tag", set(pool, userPool, map[string]string{"a#": "b"}, nil), invalid)
	s.equal("to set in an unknown pool", set(s.unknown(), userPool, nil, nil), noPool(s.unknown()))
	s.equal("to get from an unknown pool", get(s.unknown(), userPool), noPool(s.unknown()))
	s.equal("an update of the pool keeps them", kept(s, pool, func() string {
		return get(pool, userPool)
	}), pool+" "+userPool+" map[] true")
}

// kept updates a pool without a change of its providers.
func kept(s *scene, pool string, get func() string) string {
	s.Helper()
	s.must("UpdateIdentityPool", updated(s, whole(s, pool, func(*updateInput) {})))
	return get()
}
