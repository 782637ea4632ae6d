package httpapi

import (
	"encoding/base64"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/jwt"
)

// withBody is a request with a body of so many bytes, whose room is no larger.
func withBody(t testing.TB, size int) *fiber.Ctx {
	app := fiber.New()
	c := app.AcquireCtx(&fasthttp.RequestCtx{})
	t.Cleanup(func() { app.ReleaseCtx(c) })
	c.Request().SetBodyRaw(make([]byte, size))
	return c
}

func from(address string) func(*fiber.Ctx) string { return func(*fiber.Ctx) string { return address } }

// The decoding of a body is charged to its address by its length and by how many values it may
// have; short ones are free.
func TestDecodingIsCharged(t *testing.T) {
	const large = 500_000
	tokens := 10 * jwt.MaxValues * 512
	for name, f := range map[string]struct{ size, values, want int }{
		"none":               {0, awswire.ValuesOfApps, 0},
		"short":              {4096, awswire.ValuesOfApps, 0},
		"longer":             {4097, awswire.ValuesOfApps, 100*512 + 4097*60},
		"an app's, large":    {large, awswire.ValuesOfApps, 100*512 + tokens},
		"a caller's":         {5000, awswire.ValuesOfCallers, 5000*80 + 5000*60},
		"a caller's, large":  {large, awswire.ValuesOfCallers, 25_000*512 + tokens},
		"the model's widest": {3 << 20, awswire.ValuesOfCallers, 25_000*512 + tokens},
	} {
		counted := 0
		b := newBodies(4<<20, 256<<20, func(n int) { counted += n })
		h, err := b.decode(withBody(t, f.size), from("a"), f.values)
		if err != nil || h.bytes != f.want || b.budget.taken["a"] != f.want || counted != f.want || b.budget.left != 256<<20-f.want {
			t.Errorf("%s: got %v, %+v, %d counted, want %d", name, err, h, counted, f.want)
		}
		if b.release(h); counted != 0 || len(b.budget.taken) != 0 {
			t.Errorf("%s, released: got %d counted, %v taken", name, counted, b.budget.taken)
		}
	}
}

// An address that has its part is refused, and nobody else; a body alone always finds room.
func TestDecodingHasAPart(t *testing.T) {
	const size = 100_000
	each := decodingBytes(size, awswire.ValuesOfApps)
	b := newBodies(size, 4*(2*each+each/2), func(int) {})
	var held []hold
	for n, want := range []error{nil, nil, fiber.ErrServiceUnavailable} {
		h, err := b.decode(withBody(t, size), from("a"), awswire.ValuesOfApps)
		if !errors.Is(err, want) {
			t.Errorf("body %d: got %v, want %v", n, err, want)
		}
		held = append(held, h)
	}
	if _, err := b.decode(withBody(t, freeDecoding), from("a"), awswire.ValuesOfApps); err != nil {
		t.Errorf("a short one: got %v", err)
	}
	if _, err := b.decode(withBody(t, size), from("b"), awswire.ValuesOfApps); err != nil {
		t.Errorf("another address: got %v", err)
	}
	b.release(held[0])
	if _, err := b.decode(withBody(t, size), from("a"), awswire.ValuesOfApps); err != nil {
		t.Errorf("once there is room: got %v", err)
	}
	least := newBodies(size, size, func(int) {})
	for range 2 {
		h, err := least.decode(withBody(t, 50_000), from("a"), awswire.ValuesOfCallers)
		if err != nil || h.bytes != least.budget.part-50_000 {
			t.Errorf("the least memory: got %+v, %v, want what its body left", h, err)
		}
		least.release(h)
	}
	if h, err := least.decode(withBody(t, size+1), from("a"), awswire.ValuesOfApps); err != nil || h != (hold{}) || len(least.budget.taken) != 0 {
		t.Errorf("a body that is all of it: got %+v, %v", h, err)
	}
}

// allocated is what fn allocates, in bytes.
func allocated(fn func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// costly are bodies of some values that take much memory for their length.
func costly(values int) map[string]string {
	list := func(one string, each int) string {
		return `{"a":[` + strings.TrimSuffix(strings.Repeat(one+",", (values-2)/each), ",") + `]}`
	}
	return map[string]string{
		"objects":        list(`{"a":1}`, 2),
		"objects within": list(strings.Repeat(`{"a":`, 8)+"1"+strings.Repeat("}", 8), 9),
		"deep objects":   list(strings.Repeat(`{"":`, 29)+"1"+strings.Repeat("}", 29), 30),
		"empty objects":  list(`{}`, 1),
		"lists":          list(`[[]]`, 2),
		"lists of one":   list(`[1]`, 2),
		"wide objects":   list(`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1}`, 10),
		"numbers":        list(`1`, 1),
		"texts":          list(`"\n"`, 1),
	}
}

// What is charged is no less than what is taken, of the costliest bodies and tokens.
func TestDecodingTakesNoMoreThanItsCharge(t *testing.T) {
	for name, body := range costly(awswire.ValuesOfCallers) {
		took := allocated(func() {
			if _, err := awswire.DecodeObject([]byte(body), awswire.ValuesOfCallers); err != nil {
				t.Errorf("%s: got %v", name, err)
			}
		})
		charged := min(len(body)*perByte, awswire.ValuesOfCallers*perValue)
		t.Logf("%s: %d of %d bytes charged", name, took, charged)
		if took > charged {
			t.Errorf("%s: %d bytes took %d, charged %d", name, len(body), took, charged)
		}
	}
	b64 := base64.RawURLEncoding.EncodeToString
	for name, claims := range costly(jwt.MaxValues - 100) {
		token := b64([]byte(`{"alg":"RS256"}`)) + "." + b64([]byte(claims)) + ".AAAA"
		took := allocated(func() {
			if _, err := jwt.Parse(token); err != nil {
				t.Errorf("%s in a token: got %v", name, err)
			}
		})
		if charged := min(len(token)*perText, perTokens/10); took > charged {
			t.Errorf("%s in a token: %d characters took %d, charged %d", name, len(token), took, charged)
		}
	}
}

// Short bodies, which most are, are let through without work.
func TestShortBodiesAreFree(t *testing.T) {
	b := newBodies(testLimit, 4*testLimit, func(int) { t.Error("counted") })
	c := withBody(t, freeDecoding)
	address := func(*fiber.Ctx) string { t.Error("looked at"); return "" }
	if got := testing.AllocsPerRun(100, func() { _, _ = b.decode(c, address, awswire.ValuesOfApps) }); got != 0 {
		t.Errorf("got %v allocations, want none", got)
	}
}
