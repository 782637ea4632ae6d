package strictjson_test

import (
	"errors"
	"fmt"

	"github.com/cognito-broker/broker/internal/strictjson"
)

var small = strictjson.Limits{Bytes: 1 << 10, Depth: 8, Values: 100}

// A name that stands twice is refused: two readers could each believe another of the
// two values.
func ExampleObject() {
	object, err := strictjson.Object([]byte(`{"pool": "demo", "guests": 25}`), small)
	fmt.Println(object["pool"], object["guests"], err)

	_, err = strictjson.Object([]byte(`{"role": "guest", "role": "admin"}`), small)
	fmt.Println(err)
	fmt.Println(errors.Is(err, strictjson.ErrDuplicate))
	// Output:
	// demo 25 <nil>
	// a member stands twice
	// true
}

// Names count by their exact spelling, where encoding/json would take Pool for pool.
func ExampleDecode() {
	var v struct {
		Pool   string `json:"pool"`
		Guests int    `json:"guests"`
	}
	fmt.Println(strictjson.Decode([]byte(`{"pool": "demo", "guests": 25}`), &v, small), v)

	for _, text := range []string{`{"Pool": "other"}`, `{"colour": "red"}`, `{"guests": "many"}`} {
		err := strictjson.Decode([]byte(text), &v, small)
		if refused, ok := errors.AsType[*strictjson.Error](err); ok {
			fmt.Printf("%s: %v\n", refused.Member, err)
		}
	}
	// Output:
	// <nil> {demo 25}
	// Pool: a member's name differs from a known one in case alone
	// colour: a member is not known
	// guests: a member has the wrong type; expected int
}
