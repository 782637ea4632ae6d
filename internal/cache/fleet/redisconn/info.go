package redisconn

import (
	"bytes"
	"context"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
)

// MasterID is the replication id that INFO replication tells, in short; empty where the
// server is no master. A master has it under no other term and shares it with no other
// master: one that took over, was started anew, or was a replica meanwhile has another.
func MasterID(replication []byte) string {
	if !bytes.Contains(replication, []byte("role:master")) {
		return ""
	}
	_, rest, _ := bytes.Cut(replication, []byte("master_replid:"))
	if len(rest) < codec.ReplicationIDSize {
		return ""
	}
	return string(rest[:codec.ReplicationIDSize])
}

// replicasOnline is how many replicas INFO replication tells to be online.
func replicasOnline(replication []byte) (n int) {
	for line := range bytes.Lines(replication) {
		if bytes.HasPrefix(line, []byte("slave")) && bytes.Contains(line, []byte("state=online")) {
			n++
		}
	}
	return n
}

// lossesOf is how often the server lost something, by eviction or by being emptied, since
// it was started, as INFO stats and INFO commandstats tell.
func lossesOf(stats, commandstats []byte) (n int64) {
	for field, text := range map[string][]byte{
		"evicted_keys:": stats, "cmdstat_flushall:calls=": commandstats, "cmdstat_flushdb:calls=": commandstats,
	} {
		_, rest, _ := bytes.Cut(text, []byte(field))
		end := bytes.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		count, _ := strconv.ParseInt(string(rest[:max(0, end)]), 10, 64)
		n += count
	}
	return n
}

// info is what a server tells of itself, in a pipeline with other commands.
type info struct{ replication, stats, commandstats *redis.StringCmd }

// askTerm asks for the replication id only, ask for all.
func (i *info) askTerm(ctx context.Context, p redis.Pipeliner) {
	i.replication = p.Info(ctx, "replication")
}

func (i *info) ask(ctx context.Context, p redis.Pipeliner) {
	i.askTerm(ctx, p)
	i.stats, i.commandstats = p.Info(ctx, "stats"), p.Info(ctx, "commandstats")
}

func (i *info) masterID() string { return MasterID([]byte(i.replication.Val())) }
func (i *info) replicas() int    { return replicasOnline([]byte(i.replication.Val())) }
func (i *info) losses() int64    { return lossesOf([]byte(i.stats.Val()), []byte(i.commandstats.Val())) }
