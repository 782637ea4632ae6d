package redisconn

import "testing"

const replid = "0123456789abcdef0123456789abcdef01234567"

// Only a master has a replication id of its own: a replica tells that of its master.
func TestMasterID(t *testing.T) {
	for name, test := range map[string]struct{ info, want string }{
		"a master":                {"# Replication\r\nrole:master\r\nconnected_slaves:0\r\nmaster_replid:" + replid + "\r\n", replid[:16]},
		"a replica":               {"# Replication\r\nrole:slave\r\nmaster_host:x\r\nmaster_replid:" + replid + "\r\n", ""},
		"an id that is too short": {"role:master\r\nmaster_replid:0123456789abcde", ""},
		"no id":                   {"role:master\r\n", ""},
		"nothing":                 {"", ""},
	} {
		if got := MasterID([]byte(test.info)); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

// Replicas count while they are online; evictions and commands that empty the server add up.
func TestInfo(t *testing.T) {
	replication := "role:master\r\nconnected_slaves:3\r\n" +
		"slave0:ip=127.0.0.1,port=1,state=online,offset=1,lag=0\r\n" +
		"slave1:ip=127.0.0.1,port=2,state=wait_bgsave,offset=0,lag=0\r\n" +
		"slave2:ip=127.0.0.1,port=3,state=online,offset=1,lag=1\r\n"
	if got := replicasOnline([]byte(replication)); got != 2 {
		t.Errorf("got %d replicas online, want 2", got)
	}
	for _, test := range []struct {
		stats, commandstats string
		want                int64
	}{
		{"evicted_keys:0\r\n", "cmdstat_get:calls=5,usec=1\r\n", 0},
		{"expired_keys:9\r\nevicted_keys:12\r\nx:1\r\n", "", 12},
		{"evicted_keys:1\r\n", "cmdstat_flushall:calls=2,usec=1\r\ncmdstat_flushdb:calls=30,usec=1\r\n", 33},
	} {
		if got := lossesOf([]byte(test.stats), []byte(test.commandstats)); got != test.want {
			t.Errorf("%q, %q: got %d losses, want %d", test.stats, test.commandstats, got, test.want)
		}
	}
}
