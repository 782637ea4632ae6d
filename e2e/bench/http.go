package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

func post(address, path, headers string, body []byte) []byte {
	return request("POST", address, path, headers, body)
}

func request(method, address, path, headers string, body []byte) []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\n%sContent-Length: %d\r\n\r\n%s",
		method, path, address, headers, len(body), body)
}

// wire makes a request of an operation of Cognito.
func wire(address, operation string, body []byte) []byte {
	return post(
		address, "/", "Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AWSCognitoIdentityService."+operation+"\r\n",
		body,
	)
}

// rest makes a request of the route that hands out credentials.
func rest(address string, body []byte) []byte {
	return post(address, "/v1/pools/"+pool+"/credentials", "Content-Type: application/json\r\n", body)
}

// send sends one request and returns the answer's body. Anything but 200 and 204 is
// an error.
func send(address string, request []byte) ([]byte, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return exchange(c, bufio.NewReader(c), request)
}

// exchange is send on a connection that is kept.
func exchange(c io.Writer, r *bufio.Reader, request []byte) ([]byte, error) {
	if _, err := c.Write(request); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusNoContent {
		return nil, errors.Join(err, fmt.Errorf("%s: %s", answer.Status, body))
	}
	return body, err
}

// readAnswer reads one answer with a Content-Length, cheaper than net/http does.
// Anything but 200, or 204 without a body, with that X-Cache is an error.
func readAnswer(r *bufio.Reader, cache string) error {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	length, cached := -1, cache == ""
	switch {
	case bytes.Contains(line, []byte(" 200 ")):
	case bytes.Contains(line, []byte(" 204 ")):
		length = 0
	default:
		return fmt.Errorf("answer: %s", bytes.TrimSpace(line))
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		case bytes.EqualFold(name, []byte("x-cache")):
			cached = string(bytes.TrimSpace(value)) == cache
		}
	}
	if length < 0 {
		return errors.New("answer without Content-Length")
	}
	if !cached {
		return errors.New("answer without X-Cache: " + cache)
	}
	_, err = r.Discard(length)
	return err
}
