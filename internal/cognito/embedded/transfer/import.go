package transfer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/strictjson"
)

// Bounds of a line, in bytes, and of a pool's name, in characters. The largest pool
// that the API can make is a line of 30 MB.
const (
	maxLine = 32 << 20
	maxName = 128
)

// Bounds of a pool's retention of guests: those of the configuration, which alone
// sets it.
const (
	minRetention = 24 * time.Hour
	maxRetention = 10 * 365 * 24 * time.Hour
)

// Error refuses a line. It names no user.
type Error struct {
	Line  int // from 1
	cause error
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.cause) }

// Unwrap gives what is wrong with the line.
func (e *Error) Unwrap() error { return e.cause }

// Import writes all lines of r into a store in one write. account is the one whose
// roles pools may name; now dates identities whose line does not; emulated are user pools that
// have other names than the service's. It fails with
// *Error for a line that is none, that breaks a rule, or that contradicts the
// store or an earlier line; nothing is written then. Pools that get something are
// marked as changed (see store.Marks).
func Import(
	ctx context.Context, s *store.Store, r io.Reader, account string, now time.Time, emulated ...string,
) (c Count, err error) {
	err = s.Update(ctx, func(tx *store.Tx) error {
		i := &importer{
			tx: tx, account: account, now: now, emulated: emulated, pools: map[string]pool{}, marked: map[string]bool{},
		}
		known, err := tx.Pools()
		if err != nil {
			return err
		}
		for _, p := range known {
			former, err := formerProviders(tx, &p)
			if err != nil {
				return err
			}
			i.pools[p.ID] = pool{Pool: p, former: former}
		}
		err = i.lines(r)
		c = i.count
		return err
	})
	if err != nil {
		return Count{}, fmt.Errorf("import: %w", err)
	}
	return c, nil
}

// importer is one import, within its write.
type importer struct {
	tx       *store.Tx
	account  string
	now      time.Time
	emulated []string
	pools    map[string]pool
	marked   map[string]bool // pools that got something
	count    Count
}

// mark marks a pool as changed, once.
func (i *importer) mark(pool string) error {
	if i.marked[pool] {
		return nil
	}
	i.marked[pool] = true
	return i.tx.Mark(pool, true)
}

// pool is one that is in the store, or will be.
type pool struct {
	rules.Pool
	former []string
}

func (i *importer) lines(r io.Reader) error {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 64<<10), maxLine)
	n := 0
	for scanner.Scan() {
		n++
		text := bytes.TrimSpace(scanner.Bytes())
		if len(text) == 0 {
			continue
		}
		if err := i.line(text); err != nil {
			return &Error{Line: n, cause: err}
		}
	}
	if err := scanner.Err(); errors.Is(err, bufio.ErrTooLong) {
		return &Error{Line: n + 1, cause: fmt.Errorf("longer than %d bytes", maxLine)}
	} else if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	return nil
}

func (i *importer) line(text []byte) error {
	l, err := readLine(text)
	switch {
	case err != nil:
		return err
	case l.Pool != nil:
		return i.pool(pool{Pool: *l.Pool, former: l.FormerProviders})
	case l.SignOut != nil:
		return i.signOut(l.SignOut)
	}
	return i.identity(l.Identity)
}

// lineLimits bound a line. The deepest, a rule of a mapping, has six levels; the widest
// that the API can make has fewer values.
var lineLimits = strictjson.Limits{Bytes: maxLine, Depth: 16, Values: 2_000_000}

// readLine reads a line strictly. Of what is wrong with a value only the member's name
// is told.
func readLine(text []byte) (*line, error) {
	l := new(line)
	if err := strictjson.Decode(text, l, lineLimits); err != nil {
		return nil, lineFault(err)
	}
	held := 0
	for _, there := range []bool{l.Pool != nil, l.Identity != nil, l.SignOut != nil} {
		if there {
			held++
		}
	}
	if held != 1 {
		return nil, errors.New("holds none or several; expected \"pool\", \"identity\" or \"signOut\"")
	}
	if l.Pool == nil && l.FormerProviders != nil {
		return nil, errors.New("formerProviders are a pool's")
	}
	return l, nil
}

func lineFault(err error) error {
	fault, ok := errors.AsType[*strictjson.Error](err)
	switch {
	case ok && errors.Is(err, strictjson.ErrType) && fault.Member != "":
		return fmt.Errorf("%s has the wrong type; expected %s", fault.Member, fault.Want)
	case ok && errors.Is(err, strictjson.ErrType) && fault.Want != "":
		return errors.New("a time is not of RFC 3339")
	case errors.Is(err, strictjson.ErrSyntax):
		return errors.New("is not JSON; expected one object")
	case errors.Is(err, strictjson.ErrTrailing):
		return errors.New("something follows the object")
	case errors.Is(err, strictjson.ErrDuplicate), errors.Is(err, strictjson.ErrUnicode),
		errors.Is(err, strictjson.ErrDepth), errors.Is(err, strictjson.ErrValues):
		return err
	}
	return errors.New("is not a line of an export; expected {\"pool\": …} or {\"identity\": …} with the members of " +
		"docs/import.md")
}

// pool passes over a pool that is there as the line says: what its rules are was
// asked when it was made.
func (i *importer) pool(p pool) error {
	i.count.Pools++
	old, there := i.pools[p.ID]
	if there && rules.SameInEffect(&old.Pool, &p.Pool) { // labels stay as they are
		i.pools[p.ID] = pool{Pool: old.Pool, former: append(old.former, p.former...)}
		return nil
	}
	if err := i.check(&p); err != nil {
		return err
	}
	if there {
		return errors.New("the pool is there with other settings; change it through the API")
	}
	if len(i.pools) >= rules.MaxPools {
		return fmt.Errorf("one pool more than the %d that an account takes", rules.MaxPools)
	}
	i.pools[p.ID] = p
	return errors.Join(i.tx.PutPool(p.Pool), i.mark(p.ID))
}

// check holds a pool to what the API would have taken.
func (i *importer) check(p *pool) error {
	if !validID(p.ID, "") {
		return errors.New("pool.id is not <region>:<guid>")
	}
	if n := len([]rune(p.Name)); n == 0 || n > maxName {
		return fmt.Errorf("pool.name has %d characters; expected 1 to %d", n, maxName)
	}
	if err := rules.CheckPool(&p.Pool, i.emulated...); err != nil {
		return fmt.Errorf("pool: %w", err)
	}
	if err := rules.CheckRoles(&p.Pool, i.account, p.Roles, p.Mappings, p.former...); err != nil {
		return fmt.Errorf("pool: %w", err)
	}
	for _, provider := range slices.Sorted(maps.Keys(p.PrincipalTags)) {
		if err := rules.CheckTagMap(&p.Pool, provider, p.PrincipalTags[provider], p.former...); err != nil {
			return fmt.Errorf("pool.principalTags: %s: %w", provider, err)
		}
	}
	if r := p.GuestRetention; r != 0 && (r < minRetention || r > maxRetention) {
		return fmt.Errorf("pool.guestRetention is %s; expected 0, or %s to %s", r, minRetention, maxRetention)
	}
	if err := rules.CheckModel(&p.Pool); err != nil {
		return fmt.Errorf("pool: %w", err)
	}
	return nil
}
