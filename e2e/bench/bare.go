package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// serveBare is the floor: a handler that reads the body and writes one as long
// as the broker's. It runs under the broker's server settings, so that handlers
// are compared and not time-outs.
func serveBare(size int) error {
	answer := bytes.Repeat([]byte("x"), size)
	app := fiber.New(fiber.Config{
		DisableStartupMessage: true, ReadBufferSize: 32 << 10,
		ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 75 * time.Second,
	})
	app.Post("/*", func(c *fiber.Ctx) error {
		if len(c.Body()) == 0 {
			return fiber.ErrBadRequest
		}
		return c.Send(answer)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return app.Listener(l)
}

func startBare(own string, size int) (*server, error) {
	c := exec.Command(own, "-bare", strconv.Itoa(size))
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s, err := start(c)
	if err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	s.address = strings.TrimSpace(line)
	return s, err
}
