package contract

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
)

// createPools tests docs/cognito.md#pools and #answers: a pool shows what was set, and its
// tags.
func createPools(s *scene) {
	least, refusal := s.create(func(in *createInput) { in.AllowUnauthenticatedIdentities = false })
	s.must("the least", refusal)
	if id := aws.ToString(least.IdentityPoolId); !regexp.MustCompile(`^` + regexp.QuoteMeta(s.Region) +
		`:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(id) {
		s.Errorf("got %q, want an id of the service's form", id)
	}
	shows(s, "the least", least, &shown{IdentityPoolId: least.IdentityPoolId, IdentityPoolName: aws.String("contract")})
	twin, refusal := s.create(func(*createInput) {})
	s.must("a name that is taken", refusal)
	if *twin.IdentityPoolId == *least.IdentityPoolId {
		s.Error("a name that is taken: got the same pool")
	}
	for _, classic := range []bool{true, false} {
		want := full(s)
		want.AllowClassicFlow = &classic
		made, refusal := s.create(func(in *createInput) { *in = *createOf(want) })
		s.must("everything", refusal)
		want.IdentityPoolId = made.IdentityPoolId
		shows(s, "everything", made, want)
	}
	s.equal("a name in other letters", s.created(func(in *createInput) {
		in.IdentityPoolName = aws.String("a_1 +=,.@-\tb")
	}), "")
}

// full sets every member of a pool but the classic flow.
func full(s *scene) *shown {
	return &shown{
		IdentityPoolName: aws.String("everything"), AllowUnauthenticatedIdentities: true,
		DeveloperProviderName:     aws.String(DeveloperProvider),
		OpenIdConnectProviderARNs: []string{s.providerARN(1), s.providerARN(0)},
		SamlProviderARNs:          []string{"arn:aws:iam::" + s.Account + ":saml-provider/office"},
		SupportedLoginProviders:   map[string]string{"graph.facebook.com": "1234", "accounts.google.com": "a.apps.example"},
		CognitoIdentityProviders: []types.CognitoIdentityProvider{
			{ProviderName: aws.String("cognito-idp.us-east-1.amazonaws.com/us-east-1_Abc"), ClientId: aws.String("one"),
				ServerSideTokenCheck: aws.Bool(true)},
			{ProviderName: aws.String("cognito-idp.us-east-1.amazonaws.com/us-east-1_Abc"), ClientId: aws.String("two"),
				ServerSideTokenCheck: aws.Bool(false)},
		},
		IdentityPoolTags: map[string]string{"team": "sales", "Team": "", "größe": "a b_.:/=+-@"},
	}
}

// shows compares a pool in an answer, and as it is described afterwards. The
// tags are always there.
func shows(s *scene, what string, got, want *shown) {
	s.Helper()
	if want.IdentityPoolTags == nil {
		want.IdentityPoolTags = map[string]string{}
	}
	s.equal(what, spellPool(s, got), spellPool(s, want))
	described, refusal := s.describe(aws.ToString(want.IdentityPoolId))
	s.must("DescribeIdentityPool", refusal)
	s.equal(what+", described", spellPool(s, described), spellPool(s, want))
}

func spellPool(s *scene, p *shown) string {
	s.Helper()
	plain := *p
	plain.ResultMetadata = shown{}.ResultMetadata
	return spellJSON(s, plain)
}

func userPool(s *scene, provider, client string) string {
	s.Helper()
	return s.created(func(in *createInput) {
		in.CognitoIdentityProviders = []types.CognitoIdentityProvider{{ProviderName: &provider, ClientId: &client}}
	})
}

func refusedPools(s *scene) {
	for _, provider := range []string{"graph.facebook.com", "cognito-idp.us-east-1.amazonaws.com", "us-east-1_Abc",
		"cognito-idp.us-east-1.amazonaws.com/", "idp.us-east-1.amazonaws.com/us-east-1_Abc"} {
		s.equal(provider, userPool(s, provider, "one"), notCognito)
	}
	s.equal("a user pool without a name", s.created(func(in *createInput) {
		in.CognitoIdentityProviders = []types.CognitoIdentityProvider{{ClientId: aws.String("one")}}
	}), notCognito)
	quotas(s)
	fifty := numbered(50, "t%d", "")
	s.equal("fifty tags", s.created(func(in *createInput) { in.IdentityPoolTags = fifty }), "")
	more := numbered(51, "t%d", "")
	for what, change := range map[string]func(in *createInput){
		"more tags":              func(in *createInput) { in.IdentityPoolTags = more },
		"a tag of AWS's":         func(in *createInput) { in.IdentityPoolTags = map[string]string{"aws:x": ""} },
		"a tag in other letters": func(in *createInput) { in.IdentityPoolTags = map[string]string{"x": "a&b"} },
		"an OpenID ARN that is none": func(in *createInput) {
			in.OpenIdConnectProviderARNs = []string{"https://idp.example/tenant"}
		},
		"a SAML ARN that is OpenID's": func(in *createInput) { in.SamlProviderARNs = []string{s.providerARN(0)} },
		"a public domain that is none": func(in *createInput) {
			in.SupportedLoginProviders = map[string]string{"idp.example": "1"}
		},
		"a developer by our own name": func(in *createInput) {
			in.DeveloperProviderName = aws.String("cognito-identity.amazonaws.com")
		},
		"a developer by a public name": func(in *createInput) {
			*in = *createOf(full(s))
			in.DeveloperProviderName = aws.String("graph.facebook.com")
		},
		"an OpenID provider that twice": func(in *createInput) {
			in.OpenIdConnectProviderARNs = []string{s.providerARN(0), s.providerARN(0)}
		},
	} {
		s.refused(what, s.created(change), invalid)
	}
}

// quotas tests docs/cognito.md#quotas: more providers than a pool takes.
func quotas(s *scene) {
	const name = "cognito-idp.us-east-1.amazonaws.com/us-east-1_Abc"
	many := func(n int) (list []types.CognitoIdentityProvider) {
		for i := range n {
			list = append(list,
				types.CognitoIdentityProvider{ProviderName: aws.String(name), ClientId: aws.String(fmt.Sprint("client", i))})
		}
		return list
	}
	pool, refusal := s.create(func(in *createInput) { in.CognitoIdentityProviders = many(50) })
	s.must("fifty user pools", refusal)
	s.refused("one more", s.created(func(in *createInput) { in.CognitoIdentityProviders = many(51) }), beyond)
	more := whole(s, *pool.IdentityPoolId, func(in *updateInput) { in.CognitoIdentityProviders = many(51) })
	s.refused("one more in an update", updated(s, more), beyond)
	shows(s, "a refusal changes nothing", pool, pool)
}

// updated brings nothing, and judges that the answer is what is described.
func updated(s *scene, in *updateInput) string {
	s.Helper()
	out, refusal := ask(s, s.API.UpdateIdentityPool, in)
	if refusal != "" {
		return refusal
	}
	answer := shown(*out)
	described, refusal := s.describe(aws.ToString(in.IdentityPoolId))
	s.must("DescribeIdentityPool", refusal)
	s.equal("the answer of UpdateIdentityPool", spellPool(s, &answer), spellPool(s, described))
	return ""
}

// whole is a pool as it stands, but for what change says.
func whole(s *scene, pool string, change func(in *updateInput)) *updateInput {
	s.Helper()
	p, refusal := s.describe(pool)
	s.must("DescribeIdentityPool", refusal)
	in := updateOf(p)
	change(in)
	return in
}

func updateOf(p *shown) *updateInput {
	return &updateInput{
		IdentityPoolId: p.IdentityPoolId, IdentityPoolName: p.IdentityPoolName,
		AllowUnauthenticatedIdentities: p.AllowUnauthenticatedIdentities, AllowClassicFlow: p.AllowClassicFlow,
		SupportedLoginProviders: p.SupportedLoginProviders, DeveloperProviderName: p.DeveloperProviderName,
		OpenIdConnectProviderARNs: p.OpenIdConnectProviderARNs, CognitoIdentityProviders: p.CognitoIdentityProviders,
		SamlProviderARNs: p.SamlProviderARNs, IdentityPoolTags: p.IdentityPoolTags,
	}
}

// updatePools tests docs/cognito.md#pools: an update replaces, but for the developer
// provider, the tags and the roles.
func updatePools(s *scene) {
	p, refusal := s.create(func(in *createInput) { *in = *createOf(full(s)) })
	s.must("CreateIdentityPool", refusal)
	id := *p.IdentityPoolId
	s.must("SetIdentityPoolRoles", s.setRoles(id, usualRoles(s), nil))
	roles := s.showRoles(id)

	s.equal("the whole", updated(s, updateOf(p)), "")
	shows(s, "the whole", p, p)
	other := whole(s, id, func(in *updateInput) {
		in.DeveloperProviderName = aws.String("other.example")
		in.IdentityPoolName = aws.String("x")
	})
	s.refused("another developer provider", updated(s, other), invalid)
	bad := whole(s, id, func(in *updateInput) {
		in.IdentityPoolName, in.CognitoIdentityProviders[0].ProviderName = aws.String("x"), aws.String("graph.facebook.com")
	})
	s.equal("a user pool that is none", updated(s, bad), notCognito)
	shows(s, "a refusal changes nothing", p, p)

	s.equal("the least", updated(s, &updateInput{IdentityPoolId: &id, IdentityPoolName: aws.String("least")}), "")
	least := &shown{
		IdentityPoolId: &id, IdentityPoolName: aws.String("least"), DeveloperProviderName: aws.String(DeveloperProvider),
		IdentityPoolTags: p.IdentityPoolTags,
	}
	shows(s, "what was left out is gone", least, least)
	s.equal("the roles stay", s.showRoles(id), roles)
	for _, classic := range []*bool{aws.Bool(false), nil, aws.Bool(true)} {
		s.equal("classic", updated(s, whole(s, id, func(in *updateInput) { in.AllowClassicFlow = classic })), "")
		least.AllowClassicFlow = classic
		shows(s, "classic", least, least)
	}
	bare, refusal := s.create(func(*createInput) {})
	s.must("CreateIdentityPool", refusal)
	set := whole(s, *bare.IdentityPoolId, func(in *updateInput) { in.DeveloperProviderName = aws.String("late.example") })
	s.equal("a first developer provider", updated(s, set), "")
}

func createOf(p *shown) *createInput {
	return &createInput{
		IdentityPoolName:               p.IdentityPoolName,
		AllowUnauthenticatedIdentities: p.AllowUnauthenticatedIdentities, AllowClassicFlow: p.AllowClassicFlow,
		SupportedLoginProviders: p.SupportedLoginProviders, DeveloperProviderName: p.DeveloperProviderName,
		OpenIdConnectProviderARNs: p.OpenIdConnectProviderARNs, CognitoIdentityProviders: p.CognitoIdentityProviders,
		SamlProviderARNs: p.SamlProviderARNs, IdentityPoolTags: p.IdentityPoolTags,
	}
}

// deletePools tests docs/cognito.md#pools: a pool takes its identities along at once.
func deletePools(s *scene) {
	alice := s.someone()
	pool := s.pool(func(in *createInput) { in.DeveloperProviderName = aws.String(DeveloperProvider) })
	id, guest := s.identity(pool, s.login(alice)), s.identity(pool, nil)
	s.equal("before", s.credentials(id, s.login(alice)), id+" as "+Authenticated)
	s.equal("before, a guest", s.credentials(guest, nil), guest+" as "+Unauthenticated)
	s.equal("deleted", s.deletePool(pool), "")
	s.equal("deleted twice", s.deletePool(pool), noPool(pool))
	for what, got := range map[string]string{
		"GetId": s.id(pool, s.login(alice)), "GetId of a guest": s.id(pool, nil),
		"GetIdentityPoolRoles": s.showRoles(pool), "SetIdentityPoolRoles": s.setRoles(pool, usualRoles(s), nil),
	} {
		s.equal(what, got, noPool(pool))
	}
	for _, gone := range []string{id, guest} {
		_, _, refusal := s.openIDToken(gone, nil)
		s.equal("GetOpenIdToken", refusal, noIdentity(gone))
		s.equal("GetCredentialsForIdentity", s.credentials(gone, nil), noIdentity(gone))
		s.equal("GetCredentialsForIdentity with a login", s.credentials(gone, s.login(alice)), noIdentity(gone))
		s.equal("DescribeIdentity", s.linked(gone), noIdentity(gone))
		s.equal("UnlinkIdentity", s.unlink(gone, s.login(alice), s.Providers[0].Name()), noIdentity(gone))
	}
	if _, listed := s.list(60)[pool]; listed {
		s.Error("ListIdentityPools: got a pool that was deleted")
	}
}

// listPools pages through all pools, in pages of several sizes.
func listPools(s *scene) {
	made := map[string]string{}
	for i := range 5 {
		name := fmt.Sprintf("listed %d", i)
		p, refusal := s.create(func(in *createInput) { in.IdentityPoolName = &name })
		s.must("CreateIdentityPool", refusal)
		made[*p.IdentityPoolId] = name
	}
	want := spellJSON(s, s.list(60))
	for _, size := range []int{1, 2, 3} {
		s.equal(fmt.Sprintf("pages of %d", size), spellJSON(s, s.list(size)), want)
	}
	all := s.list(2)
	for id, name := range made {
		s.equal("a pool in the list", all[id], name)
	}
	out, refusal := ask(s, s.API.ListIdentityPools, &cognitoidentity.ListIdentityPoolsInput{MaxResults: aws.Int32(1)})
	s.must("ListIdentityPools", refusal)
	token := []byte(aws.ToString(out.NextToken))
	for _, at := range []int{0, len(token) / 2, len(token) - 2} {
		bad := slices.Clone(token)
		bad[at] = map[bool]byte{true: 'B', false: 'A'}[bad[at] == 'A']
		s.refused("an altered token", listed(s, 1, aws.String(string(bad))), invalid)
	}
	for _, foreign := range []string{"x", string(token[:len(token)-1]), string(token) + "A", string(token) + "=",
		*out.IdentityPools[0].IdentityPoolId} {
		s.refused("a foreign token", listed(s, 1, &foreign), invalid)
	}
	s.equal("a token with another size of page", listed(s, 60, out.NextToken), "")
}

// listed calls ListIdentityPools for its refusal.
func listed(s *scene, most int, token *string) string {
	s.Helper()
	_, refusal := ask(s, s.API.ListIdentityPools,
		&cognitoidentity.ListIdentityPoolsInput{MaxResults: aws.Int32(int32(most)), NextToken: token})
	return refusal
}

// list brings the names of all pools by id.
func (s *scene) list(size int) map[string]string {
	s.Helper()
	found := map[string]string{}
	in := &cognitoidentity.ListIdentityPoolsInput{MaxResults: aws.Int32(int32(size))}
	for range 1001 {
		out, refusal := ask(s, s.API.ListIdentityPools, in)
		s.must("ListIdentityPools", refusal)
		if len(out.IdentityPools) > size {
			s.Errorf("got a page of %d, want at most %d", len(out.IdentityPools), size)
		}
		for _, p := range out.IdentityPools {
			if _, twice := found[aws.ToString(p.IdentityPoolId)]; twice {
				s.Errorf("got %s on two pages", aws.ToString(p.IdentityPoolId))
			}
			found[aws.ToString(p.IdentityPoolId)] = aws.ToString(p.IdentityPoolName)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return found
		}
	}
	s.Fatal("got more pages than an account has pools")
	return nil
}
