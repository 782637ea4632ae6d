package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/anishathalye/porcupine"

	"github.com/cognito-broker/broker/internal/cognito/embedded/model"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

var historyUsers = []string{"ann", "bob", "cid", "dee"}

// numbered is a call; its number names what it makes while nobody has seen it.
type numbered struct {
	model.Op
	n int
}

// history is what several clients of a pool asked and were told.
type history struct {
	pool   string
	idps   [2]*idptest.Issuer
	caller model.Caller
	done   chan struct{} // gets one for each call
	again  chan struct{} // closed once the broker has come back
	died   int64         // the moment at which it was gone, set when again closes
	back   int64         // the moment at which it was back, likewise

	mu    sync.Mutex
	ids   []string // that clients have seen
	ops   []porcupine.Operation
	drawn int
}

func newHistory(pool string, idps [2]*idptest.Issuer, caller model.Caller) *history {
	return &history{
		pool: pool, idps: idps, caller: caller,
		again: make(chan struct{}), done: make(chan struct{}, maxOps),
	}
}

// play has some clients call until the history is full.
func (h *history) play() {
	var all sync.WaitGroup
	for client := range historians {
		all.Go(func() {
			for {
				op, ok := h.draw()
				if !ok {
					return
				}
				if !h.call(client, op) {
					<-h.again
				}
				h.done <- struct{}{}
			}
		})
	}
	all.Wait()
}

// await waits until so many calls were answered.
func (h *history) await(calls int) {
	for range calls {
		<-h.done
	}
}

// call makes a call and notes it; it was cut off if ok is false.
func (h *history) call(client int, op numbered) (ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	o := porcupine.Operation{ClientId: client, Input: op, Call: moment()}
	a, err := h.caller.Call(ctx, op.Op)
	o.Return = moment()
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		o.Output = a
		if a.Identity != "" && !slices.Contains(h.ids, a.Identity) {
			h.ids = append(h.ids, a.Identity)
		}
	}
	h.ops = append(h.ops, o)
	return err == nil
}

// look reads everything when all calls have ended.
func (h *history) look() {
	ops := []model.Op{{Name: "ListIdentities", Pool: h.pool}, {Name: "ListIdentities", Pool: h.pool, Hide: true}}
	for _, user := range historyUsers {
		ops = append(ops, model.Op{Name: "LookupDeveloperIdentity", Pool: h.pool, User: user})
	}
	for _, id := range h.ids {
		ops = append(ops, model.Op{Name: "DescribeIdentity", Identity: id}, model.Op{Name: "LookupDeveloperIdentity", Pool: h.pool, Identity: id})
	}
	for _, i := range h.idps {
		for _, user := range historyUsers { // whose a public login is cannot be seen otherwise
			ops = append(ops, model.Op{Name: "GetId", Pool: h.pool, Logins: []model.Login{{Provider: i.Name(), Subject: user}}})
		}
	}
	for n, op := range ops {
		h.call(0, numbered{Op: op, n: maxOps + n})
	}
}

// cutOff is how many calls the broker died in.
func (h *history) cutOff() int {
	return h.without(func(called int64) bool { return called < h.died })
}

// unanswered is how many calls got no answer although the broker was back.
func (h *history) unanswered() int {
	return h.without(func(called int64) bool { return called > h.back })
}

func (h *history) without(when func(called int64) bool) (n int) {
	for _, o := range h.ops {
		if o.Output == nil && when(o.Call) {
			n++
		}
	}
	return n
}

// draw makes up the next call; false at the end.
func (h *history) draw() (numbered, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.drawn == maxOps {
		return numbered{}, false
	}
	h.drawn++
	op := model.Op{Name: historyCalls[rand.IntN(len(historyCalls))], Pool: h.pool}
	if len(h.ids) > 0 {
		op.Identity = h.ids[rand.IntN(len(h.ids))]
	} else if op.Name != "GetOpenIdTokenForDeveloperIdentity" {
		op.Name = "GetId"
	}
	user, other := historyUsers[rand.IntN(4)], historyUsers[rand.IntN(4)]
	switch op.Name {
	case "GetId":
		op.Logins, op.Identity = h.logins(rand.IntN(3)), ""
	case "GetCredentialsForIdentity", "GetOpenIdToken":
		op.Logins = h.logins(rand.IntN(3))
	case "UnlinkIdentity":
		op.Logins, op.Remove = h.logins(1+rand.IntN(2)), []string{h.idps[rand.IntN(2)].Name()}
	case "GetOpenIdTokenForDeveloperIdentity":
		op.User, op.Logins = user, h.logins(rand.IntN(3))
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
	return numbered{Op: op, n: h.drawn}, true
}

// historyCalls are what is called, the more often the oftener it stands here.
var historyCalls = []string{
	"GetId", "GetId", "GetId", "GetCredentialsForIdentity", "GetCredentialsForIdentity", "GetCredentialsForIdentity", "GetOpenIdToken",
	"GetOpenIdTokenForDeveloperIdentity", "GetOpenIdTokenForDeveloperIdentity", "UnlinkIdentity", "UnlinkIdentity", "UnlinkDeveloperIdentity",
	"MergeDeveloperIdentities", "MergeDeveloperIdentities", "LookupDeveloperIdentity", "DeleteIdentities", "ListIdentities", "DescribeIdentity",
}

// logins makes up n logins, of a provider each.
func (h *history) logins(n int) (logins []model.Login) {
	for _, i := range rand.Perm(2)[:n] {
		logins = append(logins, model.Login{Provider: h.idps[i].Name(), Subject: historyUsers[rand.IntN(4)]})
	}
	return logins
}

// String lists the calls by the time at which they began.
func (h *history) String() string {
	var b strings.Builder
	slices.SortFunc(h.ops, func(x, y porcupine.Operation) int { return int(x.Call - y.Call) })
	for _, o := range h.ops {
		fmt.Fprintf(&b, "%d..%d client %d: %+v\n\t%v\n", o.Call, o.Return, o.ClientId, o.Input.(numbered).Op, o.Output)
	}
	return b.String()
}
