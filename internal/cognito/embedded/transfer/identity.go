package transfer

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

// Bounds of a login: of the model, and of what any provider calls a user.
const (
	maxProvider = 128
	maxSubject  = 1024 // characters
)

var idForm = regexp.MustCompile(`\A[\w-]+:[0-9a-f-]+\z`)

// validID reports whether id has an id's form (docs/cognito.md#shapes), of the region of
// another where that is given.
func validID(id, of string) bool {
	region, _, _ := strings.Cut(of, ":")
	return len(id) <= 55 && idForm.MatchString(id) && (of == "" || strings.HasPrefix(id, region+":"))
}

func (i *importer) identity(in *identity) error {
	next, logins, err := i.read(in)
	if err != nil {
		return err
	}
	i.count.Identities++
	i.count.Logins += len(logins)
	if old, there, err := i.tx.Identity(next.ID); err != nil {
		return err
	} else if there {
		return i.same(old, next, logins)
	}
	for n, l := range logins {
		if _, taken, err := i.tx.Owner(next.Pool, l); err != nil {
			return err
		} else if taken {
			return fmt.Errorf("identity.logins[%d] is linked to another identity", n)
		}
	}
	if err := errors.Join(i.tx.AddIdentity(next), i.mark(next.Pool)); err != nil {
		return err
	}
	if err := i.tx.Touch(next.ID, i.now); err != nil { // a guest's retention begins anew
		return err
	}
	for _, l := range logins {
		if err := i.tx.Link(next.Pool, l, next.ID); err != nil {
			return err
		}
	}
	return nil
}

// same refuses a line that says otherwise than the store. Its dates do not count.
func (i *importer) same(old, next rules.Identity, logins []rules.Login) error {
	linked, err := i.tx.Logins(old.ID)
	if err != nil {
		return err
	}
	order := func(a, b rules.Login) int {
		return strings.Compare(a.Provider+"\x00"+a.Subject, b.Provider+"\x00"+b.Subject)
	}
	if old.Pool != next.Pool || old.State != next.State || old.MergedInto != next.MergedInto ||
		!slices.Equal(slices.SortedFunc(slices.Values(linked), order), slices.SortedFunc(slices.Values(logins), order)) {
		return errors.New("the identity is there with another state or other logins")
	}
	return nil
}

// read takes an identity for what the rules allow.
func (i *importer) read(in *identity) (rules.Identity, []rules.Login, error) {
	none := rules.Identity{}
	pool, ok := i.pools[in.Pool]
	switch {
	case !ok:
		return none, nil, errors.New("identity.pool is neither in the store nor on a line before")
	case !validID(in.ID, pool.ID):
		return none, nil, errors.New("identity.id is not <region>:<guid> of the pool's region")
	case in.MergedInto != "" && !validID(in.MergedInto, pool.ID):
		return none, nil, errors.New("identity.mergedInto is not <region>:<guid> of the pool's region")
	}
	logins, err := readLogins(&pool, in.Logins)
	if err != nil {
		return none, nil, err
	}
	state, err := readState(in, len(logins))
	if err != nil {
		return none, nil, err
	}
	out := rules.Identity{ID: in.ID, Pool: in.Pool, State: state, MergedInto: in.MergedInto, Created: i.now,
		Modified: i.now}
	if in.Created != nil {
		out.Created, out.Modified = *in.Created, *in.Created
	}
	if in.Modified != nil {
		out.Modified = *in.Modified
	}
	if out.Modified.Before(out.Created) || out.Created.Before(time.Unix(0, 0)) {
		return none, nil, errors.New("identity.modified is before identity.created, or that before 1970")
	}
	return out, logins, nil
}

// takes reports whether identities of the pool may have logins of a provider that is
// not the backends' own.
func (p *pool) takes(provider string) bool {
	return p.Accepts(provider) || slices.Contains(p.former, provider)
}

// readLogins takes one login of each public provider of the pool, and any number
// of developer users.
func readLogins(p *pool, in []login) ([]rules.Login, error) {
	var out []rules.Login
	for n, l := range in {
		at := fmt.Sprintf("identity.logins[%d]", n)
		l.Provider = p.Key(l.Provider)
		developer := l.Provider == p.DeveloperProvider && l.Provider != ""
		switch {
		case len(l.Provider) > maxProvider || !developer && !p.takes(l.Provider):
			return nil, errors.New(at + ".provider is none of the pool's")
		case l.Subject == "" || utf8.RuneCountInString(l.Subject) > maxSubject:
			return nil,
				fmt.Errorf("%s.subject has %d characters; expected 1 to %d", at, utf8.RuneCountInString(l.Subject), maxSubject)
		case slices.Contains(out, rules.Login(l)):
			return nil, errors.New(at + " stands there twice")
		case !developer && slices.ContainsFunc(out, func(o rules.Login) bool { return o.Provider == l.Provider }):
			return nil, errors.New(at + " is a second login of its provider")
		}
		out = append(out, rules.Login(l))
	}
	return out, nil
}

func readState(in *identity, logins int) (rules.State, error) {
	name := in.State
	if name == "" {
		name = stateGuest
		if logins > 0 {
			name = stateAuthenticated
		}
	}
	for state, known := range stateNames {
		if known != name {
			continue
		}
		switch {
		case (logins > 0) != (state == rules.Authenticated):
			return 0, fmt.Errorf("identity.state is %s with %d logins; an authenticated identity has some, others have none",
				name, logins)
		case in.MergedInto != "" && state != rules.Disabled:
			return 0, errors.New("identity.mergedInto is for disabled identities")
		}
		return state, nil
	}
	return 0, errors.New("identity.state is unknown; expected guest, authenticated or disabled")
}
