package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// A fence ends what was obtained before a change, and also what was on its way.
func ExampleEpochs_Fence() {
	epochs := cache.NewEpochs()
	alice := cache.IdentityScope("us-east-1:11111111-1111-4111-8111-111111111111")
	before := epochs.Read(alice)
	fmt.Println("before:", before.Valid())

	fence, err := epochs.Fence(context.Background(), alice)
	if err != nil { // the change must not be made
		fmt.Println(err)
		return
	}
	during := epochs.Read(alice)
	fmt.Println("within:", before.Valid(), during.Valid())
	// Here the change is made.
	after, err := fence.Done()
	fmt.Println("after:", before.Valid(), during.Valid(), after.Valid(), err)
	// Output:
	// before: true
	// within: false false
	// after: false false true <nil>
}

// A change that was refused ends nothing.
func ExampleFence_Cancel() {
	epochs := cache.NewEpochs()
	alice := cache.IdentityScope("us-east-1:11111111-1111-4111-8111-111111111111")
	before := epochs.Read(alice)
	fence, err := epochs.Fence(context.Background(), alice)
	if err != nil {
		fmt.Println(err)
		return
	}
	fence.Cancel()
	fmt.Println(before.Valid())
	// Output: true
}

// Fields are length-prefixed, so no two lists of them share a key.
func ExampleNamer_Key() {
	names := cache.NewNamer(nil)
	key, again := names.Key(cache.DomainLogin, "ab", "c"), names.Key(cache.DomainLogin, "ab", "c")
	fmt.Println(key == names.Key(cache.DomainLogin, "a", "bc"))
	fmt.Println(key == names.Key(cache.DomainGuest, "ab", "c"))
	fmt.Println(key == again)
	// Output:
	// false
	// false
	// true
}

// Credentials of an hour are renewed after 33 to 39 minutes, unless their askers want
// more life left than that leaves them.
func ExampleDue() {
	issued := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	expires := issued.Add(time.Hour)
	for _, jitter := range []float64{0, 1} {
		fmt.Println(cache.Due(issued, expires, time.Time{}, 20*time.Minute, jitter).Format(time.TimeOnly))
	}
	asked := issued.Add(2 * time.Minute) // by a client that comes back with 50 minutes left
	fmt.Println(cache.Due(issued, expires, asked, 50*time.Minute, 0).Format(time.TimeOnly))
	// Output:
	// 12:33:00
	// 12:39:00
	// 12:51:00
}
