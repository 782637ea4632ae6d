package transfer

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// pageSize is how many identities are read at once.
const pageSize = 500

// Export writes one consistent state of a store, pools before identities. Users'
// ids are in it: it is as secret as the store.
func Export(ctx context.Context, s *store.Store, w io.Writer) (c Count, err error) {
	buffered := bufio.NewWriter(w)
	e := json.NewEncoder(buffered)
	e.SetEscapeHTML(false)
	err = s.View(ctx, func(tx *store.Tx) error {
		pools, err := tx.Pools()
		if err != nil {
			return err
		}
		for _, p := range pools {
			former, err := formerProviders(tx, &p)
			if err != nil {
				return err
			}
			if err := e.Encode(line{Pool: &p, FormerProviders: former}); err != nil {
				return err
			}
			c.Pools++
		}
		for _, p := range pools {
			if err := exportIdentities(tx, p.ID, e, &c); err != nil {
				return err
			}
			if err := exportSignOuts(tx, p.ID, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = buffered.Flush()
	}
	if err != nil {
		return c, fmt.Errorf("export: %w", err)
	}
	return c, nil
}

func exportIdentities(tx *store.Tx, pool string, e *json.Encoder, c *Count) error {
	for last := ""; ; {
		page, err := tx.Identities(pool, last, true, pageSize)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, i := range page {
			linked, err := tx.Logins(i.ID)
			if err != nil {
				return err
			}
			if err := e.Encode(line{Identity: shown(i, linked)}); err != nil {
				return err
			}
			c.Identities++
			c.Logins += len(linked)
		}
		last = page[len(page)-1].ID
	}
}

func shown(i rules.Identity, linked []rules.Login) *identity {
	created, modified := i.Created.UTC(), i.Modified.UTC()
	out := &identity{
		ID: i.ID, Pool: i.Pool, State: stateNames[i.State], Created: &created, Modified: &modified, MergedInto: i.MergedInto,
	}
	for _, l := range linked {
		out.Logins = append(out.Logins, login(l))
	}
	return out
}
