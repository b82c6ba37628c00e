package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"deed/dcv"
	"deed/resolve"
)

// servers reads what the zone's name servers said.
func servers(f *facts) []cause {
	z := f.zone
	if z == nil || len(z.servers) == 0 {
		return nil
	}
	list := copies(f, z)
	list = append(list, broken(f, z)...)
	if len(z.delegated) > 0 && len(z.child) > 0 && !slices.Equal(z.delegated, z.child) {
		p := dcv.NewProblem(dcv.NSDelegation, "The parent zone %s delegates %s to %s, but the zone itself names %s.", z.parent, z.name, join(z.delegated), join(z.child))
		p.Fix = "Have the registrar make the delegation the same as the NS records of the zone."
		list = append(list, cause{score: scoreBeside, p: p})
	}
	return list
}

// copies: who has the record, and who has not.
func copies(f *facts, z *zoneFacts) []cause {
	var with, without, world, beside []*server
	var held *want
	for _, s := range z.servers {
		if !s.authoritative() {
			continue
		}
		counts := s.delegated || len(z.delegated) == 0 && s.listed
		switch {
		case s.held != nil && counts:
			with, held = append(with, s), s.held
		case s.held != nil:
			beside = append(beside, s)
		case counts:
			without = append(without, s)
		}
		if counts {
			world = append(world, s)
		}
	}
	switch {
	case len(with) > 0 && len(without) == 0 && len(f.wants) > 0:
		p := dcv.NewProblem(dcv.DNSCached, "The name servers of %s have the record at %s now, but the resolver still remembers an older answer%s.", z.name, held.name, f.until(held))
		if end := f.worth(); !end.IsZero() {
			p.Fix = "Nothing needs to be changed; look again after " + clock(end) + "."
		}
		return []cause{{scoreSeen + 10, p, held.edits(f)}}
	case len(with) > 0 && len(f.wants) > 0:
		p := dcv.NewProblem(dcv.NSStale, "%s has the record at %s, but %s has not: its copy of %s is another.", with[0].copy(), held.name, without[0].copy(), z.name)
		p.Fix = fmt.Sprintf("Have the DNS host see why %s is not transferred to %s.", z.name, names(without))
		return []cause{{scoreSeen + 10, p, held.edits(f)}}
	case len(beside) > 0 && len(world) > 0 && beside[0].master && !beside[0].listed:
		held = beside[0].held
		p := dcv.NewProblem(dcv.NSStale, "The primary of %s, %s, has the record at %s, but %s, which the world asks, has not got it.", z.name, beside[0].copy(), held.name, world[0].copy())
		p.Fix = fmt.Sprintf("Have the DNS host see why %s is not transferred to %s.", z.name, names(world))
		return []cause{{scoreSeen + 10, p, held.edits(f)}}
	case len(beside) > 0 && len(world) > 0:
		held = beside[0].held
		p := dcv.NewProblem(dcv.NSDelegation, "The world asks %s for %s; your change is at %s, which the delegation in %s does not name.", names(world), z.name, beside[0], or(z.parent, "the parent zone"))
		held.fix(p, "Publish the record on %s, or have the registrar delegate %s to %s. The record is: %s", names(world), z.name, beside[0].host, held.line())
		return []cause{{scoreSeen + 10, p, held.edits(f)}}
	}
	for _, s := range world[min(len(world), 1):] {
		if a := world[0]; s.serial() != a.serial() {
			p := dcv.NewProblem(dcv.NSStale, "The name servers of %s hold different copies: %s and %s.", z.name, a.copy(), s.copy())
			return []cause{{score: scoreBeside, p: p}}
		}
	}
	return nil
}

// until says how long the resolver remembers the old answer, and who gave it.
func (f *facts) until(w *want) string {
	s := f.recorded[question{w.name, w.qtype}]
	if s == nil || s.ends().IsZero() {
		return ""
	}
	return fmt.Sprintf(", given by %s, until %s", s.server, clock(s.ends()))
}

// broken: servers that do not do their work. They lead when the check failed
// because of the DNS.
func broken(f *facts, z *zoneFacts) []cause {
	score := scoreBeside
	if dnsTrouble(f.v) && f.v.Problem.Code != dcv.DNSBogus && f.v.Problem.Code != dcv.AddressNone {
		score = scoreStrong
	}
	var list []cause
	add := func(code dcv.Code, more int, fix, detail string, args ...any) {
		p := dcv.NewProblem(code, detail, args...)
		if fix != "" {
			p.Fix = fix
		}
		list = append(list, cause{score: score + more, p: p})
	}
	for _, s := range z.servers {
		if s.soa == nil || !s.delegated && !s.listed {
			continue
		}
		typ := dns.TypeToString[z.asked.qtype]
		switch {
		case s.soa.fault == resolve.FaultTimeout && s.letterless != nil && s.letterless.fault == resolve.FaultNone:
			add(dcv.DNSCaseDropped, 3, "", "%s answers a question without letters, but none for %s in mixed case: it, or a firewall before it, drops them.", s, z.name)
		case s.soa.fault == resolve.FaultTimeout || s.soa.fault == resolve.FaultRefused || s.soa.fault == resolve.FaultNetwork:
			add(dcv.NSSilent, 1, "Make "+s.host+" answer on port 53 over UDP and TCP, or take it out of the delegation of "+z.name+".", "%s, a name server of %s, does not answer (%s).", s, z.name, inWords(s.soa.fault))
		case s.tcp != nil && !s.tcp.ok():
			add(dcv.DNSTCPDropped, 3, "", "%s says that its answer for %s is too large for UDP, and does not answer over TCP (%s).", s, z.asked.name, inWords(s.tcp.fault))
		case !s.authoritative():
			add(dcv.NSLame, 2, "Set "+z.name+" up on "+s.host+", or take the server out of the delegation.", "%s is named for %s, but does not serve it: %s.", s, z.name, s.state())
		case s.record != nil && !s.record.ok() && s.record.fault != resolve.FaultCase:
			how := inWords(s.record.fault)
			if s.record.fault == resolve.FaultNone {
				how = dns.RcodeToString[s.record.rcode]
			}
			add(dcv.DNSTypeRefused, 3, "", "%s answers for %s, but not when asked for %s %s (%s).", s, z.name, typ, z.asked.name, how)
		}
	}
	return list
}

func inWords(f resolve.Fault) string {
	switch f {
	case resolve.FaultTimeout:
		return "no answer in time"
	case resolve.FaultRefused:
		return "nothing listens there"
	case resolve.FaultBroken:
		return "the answer is broken"
	case resolve.FaultNone:
		return "an error"
	}
	return strings.ReplaceAll(string(f), "_", " ")
}

func names(list []*server) string {
	var hosts []string
	for _, s := range list {
		if !slices.Contains(hosts, s.host) {
			hosts = append(hosts, s.host)
		}
	}
	return join(hosts)
}

func join(list []string) string {
	if n := len(list); n > 1 {
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
	return strings.Join(list, "")
}
