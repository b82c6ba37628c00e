// Package reserve knows the addresses that are not on the public Internet:
// the IANA special-purpose registries for IPv4 and IPv6, multicast, and the
// forms of IPv6 that carry an IPv4 address inside. A validator that could be
// led to such an address would be a door into the network it stands in.
package reserve

import "net/netip"

// Block is a row of the registries.
type Block struct {
	Prefix netip.Prefix
	Name   string // as the registry names it
	Source string // RFC
}

func block(prefix, name, source string) Block {
	return Block{netip.MustParsePrefix(prefix), name, source}
}

// blocks4 is the IANA IPv4 Special-Purpose Address Registry, with multicast
// (RFC 5771) added. Blocks that the registry calls globally reachable are kept
// where no website of an applicant can be.
var blocks4 = []Block{
	block("0.0.0.0/8", "this network", "RFC 791"),
	block("10.0.0.0/8", "private use", "RFC 1918"),
	block("100.64.0.0/10", "shared address space", "RFC 6598"),
	block("127.0.0.0/8", "loopback", "RFC 1122"),
	block("169.254.0.0/16", "link local", "RFC 3927"),
	block("172.16.0.0/12", "private use", "RFC 1918"),
	block("192.0.0.0/24", "IETF protocol assignments", "RFC 6890"),
	block("192.0.2.0/24", "documentation (TEST-NET-1)", "RFC 5737"),
	block("192.31.196.0/24", "AS112-v4", "RFC 7535"),
	block("192.52.193.0/24", "AMT", "RFC 7450"),
	block("192.88.99.0/24", "deprecated 6to4 relay anycast", "RFC 7526"),
	block("192.168.0.0/16", "private use", "RFC 1918"),
	block("192.175.48.0/24", "direct delegation AS112 service", "RFC 7534"),
	block("198.18.0.0/15", "benchmarking", "RFC 2544"),
	block("198.51.100.0/24", "documentation (TEST-NET-2)", "RFC 5737"),
	block("203.0.113.0/24", "documentation (TEST-NET-3)", "RFC 5737"),
	block("224.0.0.0/4", "multicast", "RFC 5771"),
	block("240.0.0.0/4", "reserved", "RFC 1112"),
	block("255.255.255.255/32", "limited broadcast", "RFC 8190"),
}

// blocks6 is the IANA IPv6 Special-Purpose Address Registry, with multicast
// (RFC 4291) and the deprecated forms added.
var blocks6 = []Block{
	block("::/128", "unspecified address", "RFC 4291"),
	block("::1/128", "loopback", "RFC 4291"),
	block("::ffff:0:0/96", "IPv4-mapped", "RFC 4291"),
	block("::/96", "IPv4-compatible (deprecated)", "RFC 4291"),
	block("64:ff9b::/96", "IPv4-IPv6 translation", "RFC 6052"),
	block("64:ff9b:1::/48", "IPv4-IPv6 translation, local use", "RFC 8215"),
	block("100::/64", "discard only", "RFC 6666"),
	block("100:0:0:1::/64", "dummy IPv6 prefix", "RFC 9780"),
	block("2001::/23", "IETF protocol assignments, Teredo among them", "RFC 2928"),
	block("2001:db8::/32", "documentation", "RFC 3849"),
	block("2002::/16", "6to4", "RFC 3056"),
	block("2620:4f:8000::/48", "direct delegation AS112 service", "RFC 7534"),
	block("3fff::/20", "documentation", "RFC 9637"),
	block("5f00::/16", "segment routing SIDs", "RFC 9602"),
	block("fc00::/7", "unique local", "RFC 4193"),
	block("fe80::/10", "link local", "RFC 4291"),
	block("fec0::/10", "site local (deprecated)", "RFC 3879"),
	block("ff00::/8", "multicast", "RFC 4291"),
}

// global6 is the only part of IPv6 that is handed out for global unicast
// (RFC 4291 section 2.4, IANA IPv6 address space).
var global6 = netip.MustParsePrefix("2000::/3")

var unassigned = Block{Name: "outside the global unicast space", Source: "RFC 4291"}

// Special reports whether addr lies in a special-purpose block, and in which.
// Addresses with an IPv4 address inside (mapped, compatible, NAT64, 6to4,
// Teredo) are special as such, whatever stands inside. An address that is not
// valid is special.
func Special(addr netip.Addr) (Block, bool) {
	if !addr.IsValid() {
		return Block{Name: "no address"}, true
	}
	addr = addr.WithZone("")
	table := blocks6
	if addr.Is4() {
		table = blocks4
	}
	for i := range table {
		if table[i].Prefix.Contains(addr) || (addr.Is4In6() && table[i].Prefix == mapped) {
			return table[i], true
		}
	}
	if addr.Is6() && !global6.Contains(addr) {
		return unassigned, true
	}
	return Block{}, false
}

// mapped is compared by value: netip's Contains never matches a mapped address.
var mapped = netip.MustParsePrefix("::ffff:0:0/96")

// Policy says which addresses may be dialled.
type Policy struct {
	// Allow lists blocks that are permitted though special; for tests and
	// private networks. Every verdict made with one is marked test.
	Allow []netip.Prefix
}

// Permits reports whether addr may be dialled, and if not, the block that
// forbids it. An address inside Allow is permitted only in its own form: an
// IPv4 block does not permit the IPv6 forms of its addresses.
func (p Policy) Permits(addr netip.Addr) (Block, bool) {
	b, special := Special(addr)
	if !special {
		return Block{}, true
	}
	for _, a := range p.Allow {
		if a.Contains(addr) && addr.Zone() == "" {
			return Block{}, true
		}
	}
	return b, false
}
