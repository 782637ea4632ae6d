package main

import (
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/cognito-broker/broker/internal/cognito/embedded/model"
)

// The judge of histories accepts what may be and refuses what may not: here calls
// one after another, of which those without an answer were cut off.
func TestJudgeOfHistories(t *testing.T) {
	t.Parallel()
	type call struct {
		op  model.Op
		got any
	}
	ann := model.Op{Name: "GetId", Pool: "p", Logins: []model.Login{{Provider: "idp", Subject: "ann"}}}
	guest := model.Op{Name: "GetId", Pool: "p"}
	list := model.Op{Name: "ListIdentities", Pool: "p"}
	forget := model.Op{Name: "DeleteIdentities", Identity: "x"}
	one := func(id string) model.Answer { return model.Answer{Identity: id} }
	all := func(entries ...string) model.Answer { return model.Answer{List: entries} }
	for _, c := range []struct {
		what  string
		calls []call
		want  porcupine.CheckResult
	}{
		{"one identity of a login", []call{{ann, one("x")}, {ann, one("x")}}, porcupine.Ok},
		{"an acknowledged write is lost", []call{{ann, one("x")}, {ann, one("y")}}, porcupine.Illegal},
		{"an acknowledged deletion is lost", []call{{ann, one("x")}, {forget, model.Answer{}}, {ann, one("x")}}, porcupine.Illegal},
		{"a guest's id given twice", []call{{guest, one("x")}, {guest, one("x")}}, porcupine.Illegal},
		{"a call that was cut off happened", []call{{ann, nil}, {list, all("y idp")}, {ann, one("y")}}, porcupine.Ok},
		{"or did not", []call{{ann, nil}, {list, all()}, {ann, one("y")}, {list, all("y idp")}}, porcupine.Ok},
		{"not twice", []call{{ann, nil}, {list, all("x idp", "y idp")}}, porcupine.Illegal},
		{"not later than it ended", []call{{ann, nil}, {list, all()}, {list, all("y idp")}}, porcupine.Illegal},
		{"of two guests that nobody saw", []call{{guest, nil}, {guest, nil}, {list, all("y ")}}, porcupine.Ok},
		{"an identity that nobody made", []call{{guest, nil}, {list, all("y idp")}}, porcupine.Illegal},
	} {
		var ops []porcupine.Operation
		for n, call := range c.calls {
			ops = append(ops, porcupine.Operation{
				Input: numbered{Op: call.op, n: n}, Output: call.got, Call: int64(2 * n), Return: int64(2*n + 1),
			})
		}
		if got := linearizable("p", "login.example", ops); got != c.want {
			t.Errorf("%s: got %s, want %s", c.what, got, c.want)
		}
	}
}
