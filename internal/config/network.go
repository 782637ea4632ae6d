package config

import "net/netip"

const expectedNetwork = "an address or a network, such as 192.0.2.1 or 10.0.0.0/8"

// setNetwork reads an address, which is a network of one, or a CIDR. It refuses
// what would match other clients than its reader thinks, or none: an address
// inside a network for the network, zones, and IPv4 dressed as IPv6.
func setNetwork(p *netip.Prefix, text, path string) error {
	network, ok := parseNetwork(text)
	switch {
	case !ok:
		return refuse(path, "is neither an address nor a network", expectedNetwork)
	case network.Addr().Is4In6():
		return refuse(path, "is an IPv4 address in IPv6's form", "IPv4's own form")
	case network != network.Masked():
		return refuse(path, "has bits beyond its prefix", "the network's first address, or one address without a prefix")
	}
	*p = network
	return nil
}

func parseNetwork(text string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), a.Zone() == ""
	}
	p, err := netip.ParsePrefix(text)
	return p, err == nil
}
