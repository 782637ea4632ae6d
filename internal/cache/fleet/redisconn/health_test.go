package redisconn_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// replied is an error that a server sent.
type replied string

func (r replied) Error() string { return string(r) }
func (replied) RedisError()     {}

func TestHealthOf(t *testing.T) {
	const unreachable = "unreachable"
	for _, test := range []struct {
		err             error
		words           string
		answers, writes bool
	}{
		{nil, "well", false, false},
		{redis.Nil, "well", false, false},
		{fmt.Errorf("get: %w", redis.Nil), "well", false, false},
		{replied("NOSCRIPT No matching script."), "well", false, false},
		{replied("WRONGTYPE Operation against a key holding the wrong kind of value"), "well", false, false},
		{replied("MOVED 1 127.0.0.1:1"), "well", false, false},
		{replied("ERR unknown command"), "well", false, false},
		{io.EOF, unreachable, true, false},
		{os.ErrDeadlineExceeded, unreachable, true, false},
		{context.DeadlineExceeded, unreachable, true, false},
		{redis.ErrPoolTimeout, unreachable, true, false},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, unreachable, true, false},
		{replied("LOADING Redis is loading the dataset in memory"), "loading its data", true, false},
		{replied("MASTERDOWN Link with MASTER is down"), "failing over", true, false},
		{replied("CLUSTERDOWN The cluster is down"), "failing over", true, false},
		{replied("ERR max number of clients reached"), "busy: it takes no more clients, or a script blocks it", true, false},
		{replied("NOAUTH Authentication required."), "refuses the broker's user or password", true, false},
		{replied("WRONGPASS invalid username-password pair"), "refuses the broker's user or password", true, false},
		{replied("NOPERM User x has no permissions"), "does not let the broker's user do what it must", false, false},
		{replied("ERR The user executing the script can't run this command or subcommand script: 1, on @user_script:1."), "does not let the broker's user do what it must", false, false},
		{replied("ERR The user executing the script can't access at least one of the keys mentioned in the command arguments script: 1"), "does not let the broker's user do what it must", false, false},
		{replied("ERR The user executing the script can't publish to the channel mentioned in the command script: 1"), "does not let the broker's user do what it must", false, false},
		{replied("ERR ACL failure in script: User x has no permissions to run the 'hget' command script: 1"), "does not let the broker's user do what it must", false, false},
		{replied("READONLY You can't write against a read only replica."), "read-only", false, true},
		{fmt.Errorf("run: %w", replied("OOM command not allowed when used memory > 'maxmemory'. script: 1, on @user_script:1.")), "full", false, true},
		{replied("ERR Error running script (call to f_1): @user_script:1: -OOM command not allowed"), "full", false, true},
		{replied("ERR Error running script (call to f_1): @user_script:1: -READONLY You can't write"), "read-only", false, true},
		{replied("MISCONF Redis is configured to save RDB snapshots"), "refuses writes that it could not save or replicate", false, true},
		{replied("NOREPLICAS Not enough good replicas to write."), "refuses writes that it could not save or replicate", false, true},
	} {
		words, answers, writes := redisconn.HealthOf(test.err)
		if words != test.words || answers != test.answers || writes != test.writes {
			t.Errorf("%v: got %q (reads too: %v, writes: %v), want %q (%v, %v)",
				test.err, words, answers, writes, test.words, test.answers, test.writes)
		}
	}
}
