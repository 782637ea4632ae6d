// Command demo walks through the broker's main job as a newcomer would: logins,
// guests and a backend's own users become temporary credentials that work, by the
// enhanced, the classic and the developer flow, by REST and through unmodified AWS
// SDKs. Each step prints one line, the first that fails ends the walk; no whole
// secret is shown.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

const wholeTimeout = 2 * time.Minute

func main() {
	bin := flag.String("broker", "bin/broker", "the broker's binary")
	config := flag.String("config", "configs/development.yaml", "its configuration")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), wholeTimeout)
	defer cancel()
	w := &walk{bin: *bin, config: *config, url: strings.TrimSuffix(os.Getenv("BROKER_URL"), "/"), out: os.Stdout}
	ok := w.run(ctx)
	w.stop()
	if !ok {
		cancel()
		os.Exit(1) //nolint:gocritic // cancel has run
	}
}

// walk is one demonstration. Its steps leave behind what later ones need.
type walk struct {
	bin, config string
	url         string
	environ     []string // for the broker's commands
	out         io.Writer
	stop        func()
	settings

	alice, newcomer  login
	aliceID, guestID string // identities
	openID           string // alice's OpenID token from Cognito
}

type step struct {
	name string
	run  func(context.Context) (string, error)
}

func (w *walk) steps() []step {
	return []step{
		{"broker", w.findOrStart},
		{"login", w.logIn},
		{"rest", w.rest},
		{"wire", w.wire},
		{"cache", w.cached},
		{"guest", w.guest},
		{"upgrade", w.upgrade},
		{"unlink", w.unlink},
		{"openid", w.openIDToken},
		{"classic", w.classic},
		{"classic-sdk", w.classicSDK},
		{"developer", w.developer},
		{"developer-wire", w.developerWire},
		{"link", w.link},
		{"admin", w.admin},
		{"refused", w.refused},
	}
}

// run takes the steps and reports whether all went well.
func (w *walk) run(ctx context.Context) bool {
	w.stop = func() {}
	for _, s := range w.steps() {
		text, err := s.run(ctx)
		if err != nil {
			fmt.Fprintf(w.out, "FAIL %s: %v\n", s.name, err)
			return false
		}
		fmt.Fprintf(w.out, "ok %s: %s\n", s.name, text)
	}
	return true
}
