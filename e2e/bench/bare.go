package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// serveBare is the floor: a handler that reads the body and writes one as long
// as the broker's.
func serveBare(size int) error {
	answer := bytes.Repeat([]byte("x"), size)
	return serve(func(c *fiber.Ctx) error {
		if len(c.Body()) == 0 {
			return fiber.ErrBadRequest
		}
		return c.Send(answer)
	})
}

// serve runs a handler under the broker's server settings, so that handlers are
// compared and not time-outs.
func serve(handler fiber.Handler) error {
	app := fiber.New(fiber.Config{
		DisableStartupMessage: true, ReadBufferSize: 32 << 10,
		ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 75 * time.Second,
	})
	app.Post("/*", handler)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return app.Listener(l)
}

// startSelf runs this program as a server of another kind.
func startSelf(arguments ...string) (*server, error) {
	own, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.Command(own, arguments...)
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s, err := serveLoad(c)
	if err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	s.address = strings.TrimSpace(line)
	return s, err
}

func startBare(size int) (*server, error) { return startSelf("-bare", strconv.Itoa(size)) }
