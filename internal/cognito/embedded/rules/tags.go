package rules

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/loginkey"
)

// The fixed mapping of docs/cognito.md#session-tags. The tags' names are not known for
// certain (docs/fidelity.md#roles).
const (
	tagClient = "client"
	tagUser   = "username"
)

// maxTagValue bounds a session tag's value, in characters.
const maxTagValue = 256

// PrincipalTags turns claims of a call's logins into session tags
// (docs/cognito.md#session-tags). Where providers disagree the first in their order wins;
// tags that differ in case alone are one to STS, and so they are here.
//
// A claim that is absent, empty, an array or an object gives no tag; nor does one
// that STS would not take: longer than 256 characters, or with characters that tags
// do not have. Cut short it would be another value, which might be somebody else's,
// and passed on it would keep the user out of every role. Logins without claims
// give none: a developer user's tags come from his backend's call.
func PrincipalTags(p *Pool, proven []Proven) map[string]string {
	tags := map[string]string{}
	for _, l := range byProvider(proven) {
		m, ok := p.tagMap(l.Provider)
		if !ok || l.Claims == nil {
			continue
		}
		values := m.values(l, p.Way(l.Provider))
		for _, tag := range slices.Sorted(maps.Keys(values)) {
			if taggableText(values[tag]) && !holds(slices.Collect(maps.Keys(tags)), tag) {
				tags[tag] = values[tag]
			}
		}
	}
	return tags
}

// CheckPrincipalTags refuses tags of a developer call that the model's constraints
// let pass and STS does not: their token would be good for no role.
func CheckPrincipalTags(tags map[string]string) error {
	for _, value := range tags {
		if !tagText.MatchString(value) {
			return cognito.InvalidParameter("PrincipalTags holds a value with characters that tags do not take.")
		}
	}
	return checkTagKeys(tags)
}

// checkTagKeys refuses keys that IAM would refuse, which knows no case of them.
func checkTagKeys(tags map[string]string) error {
	keys := slices.Sorted(maps.Keys(tags))
	for n, key := range keys {
		if holds(keys[:n], key) {
			return cognito.InvalidParameter("PrincipalTags holds tag keys that differ in case alone.")
		}
		if strings.HasPrefix(strings.ToLower(key), "aws:") || !tagText.MatchString(key) {
			return cognito.InvalidParameter("PrincipalTags holds a tag key with characters that tags do not take, or one that " +
				"begins with aws:.")
		}
	}
	return nil
}

// holds reports whether keys hold the key, in whatever case.
func holds(keys []string, key string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, key) })
}

func taggableText(value string) bool {
	return value != "" && utf8.RuneCountInString(value) <= maxTagValue && tagText.MatchString(value)
}

// tagMap is what the pool says of a provider's users, by its ARN or by its key in
// Logins; a user pool stands there without a client id.
func (p *Pool) tagMap(provider string) (m TagMap, ok bool) {
	for _, key := range p.settingKeys(provider) {
		if m, ok = p.PrincipalTags[key]; ok {
			return m, true
		}
	}
	for name, m := range p.PrincipalTags { // one at most, see CheckTagMap
		if loginkey.Normal(name) == loginkey.Normal(provider) {
			return m, true
		}
	}
	return TagMap{}, false
}

// values are the tags that the map gives a login, before a look at their values. A SAML
// assertion is made for no client of ours, so its user has the one tag.
func (m TagMap) values(l Proven, way Way) map[string]string {
	switch {
	case m.UseDefaults && way == BySAML:
		return map[string]string{tagUser: l.Subject}
	case m.UseDefaults:
		return map[string]string{tagClient: l.ClientID, tagUser: l.Subject}
	}
	values := map[string]string{}
	for tag, claim := range m.Tags {
		values[tag], _ = claimText(claimOf(l.Claims, claim))
	}
	return values
}

// names reports whether the map reads a claim. The defaults read what every proof
// says of client and user.
func (m TagMap) names(claim string) bool {
	return !m.UseDefaults && slices.Contains(slices.Collect(maps.Values(m.Tags)), claim)
}
