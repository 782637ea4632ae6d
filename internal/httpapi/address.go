package httpapi

import (
	"net/netip"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// maxForwarded bounds how many entries of X-Forwarded-For are looked at.
const maxForwarded = 32

// address is the address by which limits count a client: that of the connection or,
// where the connection comes from a trusted proxy, the last entry of X-Forwarded-For that
// is no trusted proxy. Entries before it may have been made up by the client. Of an IPv6
// address only the network of 64 bits counts, since one subscriber has all of it.
func (s *Server) address(c *fiber.Ctx) string {
	addr, ok := netip.AddrFromSlice(c.Context().RemoteIP())
	if !ok {
		return ""
	}
	addr = addr.Unmap()
	if len(s.TrustedProxies) > 0 && s.trusted(addr) {
		addr = s.forwarded(addr, c.Request().Header.PeekAll(fiber.HeaderXForwardedFor))
	}
	if addr.Is6() {
		return netip.PrefixFrom(network(addr), networkBits).String()
	}
	return addr.String()
}

// networkBits are those of an IPv6 subscriber's network.
const networkBits = 64

// network is the first address of the network that an IPv6 address counts by; an IPv4
// address is its own.
func network(addr netip.Addr) netip.Addr {
	if !addr.Is6() {
		return addr
	}
	p, _ := addr.WithZone("").Prefix(networkBits) // an IPv6 address has that many bits
	return p.Addr()
}

func (s *Server) trusted(addr netip.Addr) bool {
	for _, p := range s.TrustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// forwarded walks the header from its end, where the nearest proxy wrote.
func (s *Server) forwarded(nearest netip.Addr, headers [][]byte) netip.Addr {
	var lines []string
	for _, h := range headers {
		lines = append(lines, string(h))
	}
	entries := strings.Split(strings.Join(lines, ","), ",")
	for n := 0; n < maxForwarded && len(entries) > 0; n++ {
		last := strings.TrimSpace(entries[len(entries)-1])
		entries = entries[:len(entries)-1]
		addr, err := parseAddress(last)
		if err != nil {
			return nearest // no address: the client counts as the proxy that sent it
		}
		nearest = addr
		if !s.trusted(addr) {
			return addr
		}
	}
	return nearest
}

// parseAddress reads an address with or without a port.
func parseAddress(text string) (netip.Addr, error) {
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return addr.Unmap(), nil
	}
	withPort, err := netip.ParseAddrPort(text)
	return withPort.Addr().Unmap(), err
}
