package main

import (
	"math/rand/v2"

	"github.com/cognito-broker/broker/internal/cognito/embedded/model"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// deck makes up calls.
type deck struct {
	pool     string
	idps     [2]*idptest.Issuer
	names    []string // of calls, the more often the oftener one stands here
	users    []string // of the developer
	subjects []string // at either provider
}

// historyCalls are those whose histories are judged.
var historyCalls = []string{
	"GetId", "GetId", "GetId", "GetCredentialsForIdentity", "GetCredentialsForIdentity", "GetCredentialsForIdentity", "GetOpenIdToken",
	"GetOpenIdTokenForDeveloperIdentity", "GetOpenIdTokenForDeveloperIdentity", "UnlinkIdentity", "UnlinkIdentity", "UnlinkDeveloperIdentity",
	"MergeDeveloperIdentities", "MergeDeveloperIdentities", "LookupDeveloperIdentity", "DeleteIdentities", "ListIdentities", "DescribeIdentity",
}

func oneOf(list []string) string { return list[rand.IntN(len(list))] }

// draw makes up a call that names one of the identities, if there are any.
func (d *deck) draw(ids []string) model.Op {
	op := model.Op{Name: oneOf(d.names), Pool: d.pool}
	if len(ids) > 0 {
		op.Identity = oneOf(ids)
	} else if op.Name != "GetOpenIdTokenForDeveloperIdentity" {
		op.Name = "GetId"
	}
	user, other := oneOf(d.users), oneOf(d.users)
	switch op.Name {
	case "GetId":
		op.Logins, op.Identity = d.logins(rand.IntN(3)), ""
	case "GetCredentialsForIdentity", "GetOpenIdToken":
		op.Logins = d.logins(rand.IntN(3))
	case "UnlinkIdentity":
		op.Logins, op.Remove = d.logins(1+rand.IntN(2)), []string{d.idps[rand.IntN(2)].Name()}
	case "GetOpenIdTokenForDeveloperIdentity":
		op.User, op.Logins = user, d.logins(rand.IntN(3))
		if rand.IntN(2) == 0 {
			op.Identity = ""
		}
	case "MergeDeveloperIdentities":
		op.User, op.Into = user, other
	case "UnlinkDeveloperIdentity":
		op.User = user
	case "LookupDeveloperIdentity":
		if rand.IntN(2) == 0 {
			op.User, op.Identity = user, ""
		}
	}
	return op
}

// logins makes up n logins, of a provider each.
func (d *deck) logins(n int) (logins []model.Login) {
	for _, i := range rand.Perm(2)[:n] {
		logins = append(logins, model.Login{Provider: d.idps[i].Name(), Subject: oneOf(d.subjects)})
	}
	return logins
}

// look lists the calls that read all there is to know of the deck's users and of
// the identities. Whose a public login is cannot be seen otherwise than by GetId.
func (d *deck) look(ids []string) (ops []model.Op) {
	for _, user := range d.users {
		ops = append(ops, model.Op{Name: "LookupDeveloperIdentity", Pool: d.pool, User: user})
	}
	for _, id := range ids {
		ops = append(ops, model.Op{Name: "DescribeIdentity", Identity: id}, model.Op{Name: "LookupDeveloperIdentity", Pool: d.pool, Identity: id})
	}
	for _, i := range d.idps {
		for _, subject := range d.subjects {
			ops = append(ops, model.Op{Name: "GetId", Pool: d.pool, Logins: []model.Login{{Provider: i.Name(), Subject: subject}}})
		}
	}
	return ops
}
