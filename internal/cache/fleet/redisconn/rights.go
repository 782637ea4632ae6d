package redisconn

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
)

// The names of all that brokers write, and of the channels that they use, as the rules of
// Redis's users have them.
const (
	ruleKeys     = "~" + codec.Pattern
	ruleChannels = "&" + codec.Pattern
)

// requiredRight is a command that brokers send, by itself or in a script, and a call of it that
// shows whether the server allows it. The call changes nothing but the key, which lasts a
// second.
type requiredRight struct {
	rule    string // of a user, without the plus
	call    func(key, channel string) []any
	cluster bool // needed in clusters only
}

// onKey calls a command with a key and arguments.
func onKey(command string, args ...any) requiredRight {
	return requiredRight{rule: command, call: func(key, _ string) []any { return append([]any{command, key}, args...) }}
}

// plain calls a command with arguments.
func plain(rule string, args ...any) requiredRight {
	return requiredRight{rule: rule, call: func(string, string) []any { return args }}
}

func inCluster(r requiredRight) requiredRight { r.cluster = true; return r }

// rights are all that brokers need, except to subscribe. A server checks the right to a command
// before the type of the key: commands of other types do nothing to the string that stands
// there.
var rights = []requiredRight{
	onKey("set", "", "px", 1000),
	onKey("get"), onKey("mget"), onKey("getrange", 0, 0), onKey("pexpire", 1000), onKey("pttl"),
	onKey("hget", "f"), onKey("hexists", "f"), onKey("hset", "f", ""),
	onKey("hdel", "f"), onKey("hlen"), onKey("hkeys"), onKey("hgetall"),
	onKey("zadd", 0, "m"), onKey("zrem", "m"), onKey("zscore", "m"), onKey("zcard"),
	onKey("zrange", 0, 0), onKey("zrangebyscore", 0, 0), onKey("zremrangebyscore", 0, 0),
	{rule: "publish", call: func(_, channel string) []any { return []any{"publish", channel, ""} }},
	plain("time", "time"), plain("ping", "ping"), plain("info", "info", "replication"), plain("wait", "wait", 0, 0),
	plain("script|load", "script", "load", "return 0"),
	{rule: "evalsha", call: func(key, _ string) []any { return []any{"evalsha", strings.Repeat("0", 40), 1, key} }},
	inCluster(plain("cluster|slots", "cluster", "slots")),
	inCluster(plain("command", "command")),
	inCluster(plain("asking", "asking")),
	onKey("del"),
}

// Rights are the rules of a user who has all that brokers need.
func Rights() []string {
	rules := []string{ruleKeys, ruleChannels, "+subscribe"}
	for _, r := range rights {
		rules = append(rules, "+"+r.rule)
	}
	return rules
}

// rightsCheck is what is known of the broker's rights on a server.
type rightsCheck struct {
	dials     atomic.Int64           // connections that were made
	seen      atomic.Int64           // of them, at the last check
	at        atomic.Int64           // when that was, in Unix nanoseconds; zero: never
	refusedAt atomic.Int64           // when the server refused something for a missing right, likewise
	missing   atomic.Pointer[string] // the rules of missing rights, with spaces between; nil: none
}

// recheckAfter is how long a check counts.
const recheckAfter = time.Second

// due reports whether the rights are to be checked: they never were, or since then connections
// were made, a right is missing, or one was missing for a command.
func (t *rightsCheck) due() bool {
	return since(&t.at) >= recheckAfter &&
		(t.dials.Load() != t.seen.Load() || t.missing.Load() != nil || t.refusedAt.Load() >= t.at.Load())
}

// missingRules are the rules of missing rights, as far as is known.
func (t *rightsCheck) missingRules() string {
	if missing := t.missing.Load(); missing != nil {
		return *missing
	}
	return ""
}

// unexplained reports whether a right was missing lately, before the last check. If that found
// which one, missingRules tells.
func (t *rightsCheck) unexplained() bool {
	return since(&t.refusedAt) < refusedLately && t.at.Load() > t.refusedAt.Load()
}

// finished notes what a check found.
func (t *rightsCheck) finished(missing []string) {
	if len(missing) > 0 {
		words := strings.Join(missing, " ")
		t.missing.Store(&words)
	} else if t.missing.Swap(nil) != nil {
		t.refusedAt.Store(0) // what was refused before was so for those
	}
	t.seen.Store(t.dials.Load()) // those of the check among them
	t.at.Store(time.Now().UnixNano())
}

// CheckRights checks the broker's rights on the servers in use where that is due.
func (c Client) CheckRights(ctx context.Context) {
	ctx = asProbe(ctx)
	var group sync.WaitGroup
	for _, g := range c.hooks.inUse() {
		if !g.rightsCheck.due() {
			continue
		}
		group.Go(func() {
			if missing, ok := c.missingRights(ctx, g.server); ok {
				g.rightsCheck.finished(missing)
			}
		})
	}
	group.Wait()
}

// missingRights are the rules of the rights that are missing on a server. ok is false where it
// could not be asked.
func (c Client) missingRights(ctx context.Context, server *redis.Client) (rules []string, ok bool) {
	key, err := c.recordKeyOf(ctx, server)
	if err != nil {
		return nil, false
	}
	key = codec.Trial(key)
	lack := func(rule string, err error) {
		if rule = missingRule(rule, err); rule != "" && !slices.Contains(rules, rule) {
			rules = append(rules, rule)
		}
	}
	var tried []requiredRight
	var cmds []*redis.Cmd
	_, _ = server.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, r := range rights {
			if !r.cluster || c.Cluster != nil {
				tried, cmds = append(tried, r), append(cmds, p.Do(ctx, r.call(key, key)...))
			}
		}
		return nil
	})
	for i, cmd := range cmds {
		if healthOf(cmd.Err()).noAnswers() {
			return nil, false
		}
		lack("+"+tried[i].rule, cmd.Err())
	}
	subscription := server.Subscribe(ctx, key)
	defer subscription.Close()
	_, err = subscription.ReceiveTimeout(ctx, server.Options().ReadTimeout)
	if healthOf(err).noAnswers() {
		return nil, false
	}
	lack("+subscribe", err)
	return rules, true
}

var commandRefused = regexp.MustCompile(`permissions to run the '([a-z|]+)' command`)

// missingRule is the rule of the right that was missing for a command: the given one, unless the
// error names a key or a channel; without one given, the one that the error names. It is empty
// where the command failed for another reason, or did not fail.
func missingRule(rule string, err error) string {
	if healthOf(err) != forbidding {
		return ""
	}
	text := err.Error()
	named := commandRefused.FindStringSubmatch(text)
	switch {
	case named != nil && rule != "":
		return rule
	case named != nil:
		return "+" + named[1]
	case strings.Contains(text, "channel"):
		return ruleChannels
	case strings.Contains(text, " key"):
		return ruleKeys
	}
	return rule
}
