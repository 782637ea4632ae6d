package codec

import (
	"encoding/binary"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// How a home scope's entries are used is a hash. A field is the short name of an entry's key, and
// its value seven numbers of eight bytes: when the entry was issued and when it expires, how
// often it was served (two stands for more) and when last, when it or what it renewed was, the
// largest floor, and when a renewal may be tried again; all in milliseconds.
const usageSize = 7 * 8

// PackUsage encodes what a report tells of an entry.
func PackUsage(r *cache.UsageReport) []byte {
	b := make([]byte, 0, usageSize)
	for _, n := range []int64{
		r.Entry.Issued.UnixMilli(), r.Entry.Credentials.Expires.UnixMilli(), min(r.Usage.Serves, 2), milli(r.Usage.ServedAt),
		milli(r.Usage.AskedAt), r.Usage.Floor.Milliseconds(), milli(r.NotBefore),
	} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return b
}

// UnpackUsage reads what PackUsage encoded, and when the renewal request lapses.
func UnpackUsage(record, lapses string) (t cache.SharedUsage, ok bool) {
	if len(record) != usageSize {
		return cache.SharedUsage{}, false
	}
	number := func(i int) int64 { return int64(binary.BigEndian.Uint64([]byte(record[8*i:]))) }
	t = cache.SharedUsage{Issued: instant(number(0)), NotBefore: instant(number(6)), Usage: cache.Usage{
		Serves: number(2), ServedAt: instant(number(3)), AskedAt: instant(number(4)),
		Floor: time.Duration(number(5)) * time.Millisecond,
	}}
	if len(lapses) == 8 {
		t.RequestExpires = instant(int64(binary.BigEndian.Uint64([]byte(lapses))))
	}
	return t, true
}

// milli is a time in milliseconds; zero for no time.
func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// instant is the time of milliseconds; no time for zero.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
