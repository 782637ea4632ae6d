package main

import (
	"context"
	"fmt"
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
	deck
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
		deck:   deck{pool: pool, idps: idps, names: historyCalls, users: historyUsers, subjects: historyUsers},
		caller: caller,
		again:  make(chan struct{}), done: make(chan struct{}, maxOps),
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
	for n, op := range append(ops, h.deck.look(h.ids)...) {
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
	return numbered{Op: h.deck.draw(h.ids), n: h.drawn}, true
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
