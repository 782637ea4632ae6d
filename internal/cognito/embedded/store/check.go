package store

import (
	"context"
	"fmt"
)

// maxFindings bounds what Check reports.
const maxFindings = 100

// invariant is what must find nothing: a query whose rows each break it.
type invariant struct{ what, query string }

// invariants hold between any two writes. State 1 is a guest, 2 an authenticated
// identity, 3 a disabled one.
var invariants = []invariant{
	{"an authenticated identity has no login", `SELECT id FROM identities i WHERE state = 2
		AND NOT EXISTS (SELECT 1 FROM logins WHERE identity = i.id)`},
	{"a guest has a login", `SELECT id FROM identities i WHERE state = 1
		AND EXISTS (SELECT 1 FROM logins WHERE identity = i.id)`},
	{"a disabled identity has a login", `SELECT id FROM identities i WHERE state = 3
		AND EXISTS (SELECT 1 FROM logins WHERE identity = i.id)`},
	{"an identity is of no pool", `SELECT id FROM identities i WHERE NOT EXISTS (SELECT 1 FROM pools WHERE id = i.pool)`},
	{"a login is of another pool than its identity",
		`SELECT l.identity FROM logins l JOIN identities i ON i.id = l.identity WHERE l.pool <> i.pool`},
	{"a login is of no identity",
		`SELECT identity FROM logins l WHERE NOT EXISTS (SELECT 1 FROM identities WHERE id = l.identity)`},
	{"an identity has two logins of a provider", `SELECT l.identity FROM logins l JOIN pools p ON p.id = l.pool
		WHERE l.provider <> coalesce(json_extract(p.definition, '$.developerProvider'), '')
		GROUP BY l.identity, l.provider HAVING count(*) > 1`},
	{"an identity that is not disabled was merged", `SELECT id FROM identities WHERE merged_into <> '' AND state <> 3`},
	{"an identity was merged into one that was merged",
		`SELECT a.id FROM identities a JOIN identities b ON b.id = a.merged_into WHERE b.merged_into <> ''`},
	{"an identity was merged into one of another pool",
		`SELECT a.id FROM identities a JOIN identities b ON b.id = a.merged_into WHERE a.pool <> b.pool`},
	{"the database is damaged", `SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'`},
}

// Check looks for whatever breaks the store's invariants, and says in a line each
// what and where, at most 100 lines. None is a sound store.
func (s *Store) Check(ctx context.Context) (findings []string, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		for _, i := range invariants {
			where, err := tx.column(i.query)
			if err != nil {
				return fmt.Errorf("check that %s: %w", i.what, err)
			}
			for _, id := range where {
				if len(findings) < maxFindings {
					findings = append(findings, i.what+": "+id)
				}
			}
		}
		return nil
	})
	return findings, err
}

// column reads a query's only column.
func (t *Tx) column(query string, args ...any) ([]string, error) {
	rows, err := t.q.QueryContext(t.ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}
