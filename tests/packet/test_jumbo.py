#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A jumbo underlay: packets up to what it carries pass whole through every encapsulation and family,
in one large buffer as the daemon has them, and in chains of small ones."""

import unittest

from scapy.all import IP, UDP, Ether, IPv6, Raw

import lab
from lab import FAR, FAR6, VM2, from_far, tunnel, world
from table import Table, delivered, guest, guest6, inner_of
from test_mtu import tunnelled

UNDERLAY_MAX = 9600
LARGE_BUFFERS = 9728 + 128  # as the daemon makes them for that MTU
# octets around the inner packet, from the outer IP header on
OVERHEAD = {("udp", FAR): 32, ("gre", FAR): 28, ("vxlan", FAR): 50,
            ("udp", FAR6): 52, ("gre", FAR6): 48, ("vxlan", FAR6): 70}


def endpoints():
    return [{"name": f"{encapsulation}-{address}", "address": address, "port": "fabric",
             "encapsulation": encapsulation, "mac": lab.FAR_MAC}
            for encapsulation, address in OVERHEAD]


def jumbo(mtu, *routes):
    vifs = [dict(vif, mtu=mtu) for vif in lab.WORLD["vifs"]]
    return world(*routes, underlay_mtu=mtu, endpoints=endpoints(), vifs=vifs)


def told(mtu):
    return lambda test, result: test.assertEqual([each["mtu"] for each in result["punted"]],
                                                 [mtu, mtu])


def cases(buffer_octets, largest):
    """The rows, with packet buffers of a size. `largest`: octets of a fragment, made in one."""
    table = Table(buffer_octets)
    for mtu in (9000, UNDERLAY_MAX):
        for (encapsulation, address), overhead in OVERHEAD.items():
            room = mtu - overhead
            name = f"{encapsulation}_over_ipv{6 if ':' in address else 4}_at_{mtu}"
            over = dict(over=lab.OVER[encapsulation], endpoint=address)
            way = tunnel(f"{encapsulation}-{address}", 77)
            scenario = jumbo(mtu, ("red", "10.1.0.0/16", way), ("red", "2001:db8:1::/48", way))
            fits = guest("10.1.0.1", size=room - 28, id=1, flags="DF")
            fits6 = guest6("2001:db8:1::1", size=room - 48)
            table.case(f"{name}_what_fits_passes_whole", scenario, {"p1": [fits, fits6]},
                       {"fabric": [frame for packet in (fits, fits6)
                                   for frame in tunnelled(packet, 77, mtu, **over)]})
            above = guest("10.1.0.1", size=room - 27, id=2, flags="DF")
            above6 = guest6("2001:db8:1::1", size=room - 47)
            table.case(f"{name}_one_octet_more_is_told_the_mtu", scenario,
                       {"p1": [above, above6]}, punts=[("too-big", "vm1")] * 2, check=told(room))
            free = guest("10.1.0.1", size=room - 27, id=3)
            table.case(f"{name}_one_octet_more_is_cut", scenario, {"p1": [free]},
                       {"fabric": tunnelled(free, 77, min(room, largest), **over)})
            inward = (IP(src="10.0.0.50", dst="10.0.0.12", ttl=9, flags="DF") /
                      UDP(sport=9, dport=10) / Raw(b"i" * (room - 28)))
            inward6 = (IPv6(src="2001:db8::50", dst="2001:db8::12", hlim=9) /
                       UDP(sport=9, dport=10) / Raw(b"6" * (room - 48)))
            table.case(f"{name}_as_much_comes_out", scenario,
                       {"fabric": [from_far(packet, 17, encapsulation=encapsulation, source=address)
                                   for packet in (inward, inward6)]},
                       {"p2": [delivered(Ether() / packet, VM2, ttl=9)
                               for packet in (inward, inward6)]})
        beside = jumbo(mtu, ("red", "10.0.0.12/32", {"vif": "vm2"}))
        between = guest("10.0.0.12", size=mtu - 28, flags="DF")
        table.case(f"from_guest_to_guest_at_{mtu}", beside, {"p1": [between]},
                   {"p2": [delivered(between, VM2)]})
    return table.tests()


InOneBuffer, InChains = cases(LARGE_BUFFERS, UNDERLAY_MAX), cases(None, 2048)

if __name__ == "__main__":
    unittest.main(verbosity=2)
