package cognito

// inputs holds the model's constraints (reference 2.1) of every operation that
// is served. It is built once and never changed; an operation is added by
// naming its members.
//
// The service reports a broken login before a broken identity id. Nothing else
// is known of its order, so each list begins with its maps and goes on as the
// model does.
var inputs = newInputs()

func newInputs() map[string]*shape {
	var (
		poolID = &shape{kind: kindString, min: 1, max: 55, pattern: whole(`[\w-]+:[0-9a-f-]+`)}
		// Identity ids and pool ids look alike; they are told apart by lookup.
		identityID = poolID
		accountID  = &shape{kind: kindString, min: 1, max: 15, pattern: whole(`\d+`)}
		arn        = &shape{kind: kindString, min: 20, max: 2048}

		provider = &shape{kind: kindString, min: 1, max: 128}
		token    = &shape{kind: kindString, min: 1, max: 50000, sensitive: true}
		logins   = &shape{kind: kindMap, max: 10, key: provider, value: token}
	)
	return map[string]*shape{
		"GetId": input(
			optional("Logins", logins),
			optional("AccountId", accountID),
			required("IdentityPoolId", poolID),
		),
		"GetCredentialsForIdentity": input(
			optional("Logins", logins),
			required("IdentityId", identityID),
			optional("CustomRoleArn", arn),
		),
	}
}

func input(members ...member) *shape { return &shape{kind: kindStructure, members: members} }

func required(name string, s *shape) member { return member{name: name, shape: s, required: true} }

func optional(name string, s *shape) member { return member{name: name, shape: s} }
