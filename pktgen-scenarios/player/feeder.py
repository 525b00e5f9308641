#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Publishes a scenario's routes to a route server, as a vRouter would: an XMPP client of
draft-ietf-l3vpn-end-system without TLS.

usage: feeder.py PORT CASE.json

Prints a line of JSON when it has published everything and the server has answered. `churn` on its
standard input makes it publish changes at the case's rate, each a route with another label, until
`stop`, when it prints how many there were; the end of its standard input ends it."""

import json
import pathlib
import re
import selectors
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from player import world

DOMAIN = "ietf.org"
SERVER = f"route-server@{DOMAIN}"
NS = "urn:ietf:params:xml:ns:bgp:l3vpn:unicast"
OUTSTANDING = 2048  # requests without an answer
AHEAD = 1 << 18     # octets that wait for the socket
PROGRESS = 1.0
TICK = 0.01         # of the churn


def entry(case, prefix, next_hops):
    family = 1 if case["tenants"] == 4 else 2
    outer = 1 if case["underlay"] == 4 else 2
    hops = "".join(
        f"<next-hop><af>{outer}</af><address>{address}</address><label>{label}</label>"
        "<tunnel-encapsulation-list><tunnel-encapsulation>"
        f"{case['encapsulation']}</tunnel-encapsulation></tunnel-encapsulation-list></next-hop>"
        for address, label in next_hops)
    return (f"<entry xmlns='{NS}'><nlri><af>{family}</af><address>{prefix}</address></nlri>"
            f"<next-hops>{hops}</next-hops></entry>")


class Feeder:
    def __init__(self, port, case):
        self.case = case
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.output, self.tail = bytearray(), b""
        self.sent = self.answered = self.refused = 0
        self.command = self.jid = None
        self.said_at = time.monotonic()
        self.open()
        self.socket.setblocking(False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.socket, selectors.EVENT_READ)
        self.selector.register(sys.stdin, selectors.EVENT_READ)

    def expect(self, end):
        """Reads until `end` has come, before the socket goes non-blocking."""
        said = b""
        while end not in said:
            octets = self.socket.recv(65536)
            if not octets:
                raise SystemExit(f"the route server has closed the stream: {said[-300:]!r}")
            said += octets
        return said

    def open(self):
        self.socket.sendall(
            f"<?xml version='1.0'?><stream:stream from='feeder@{DOMAIN}' to='{DOMAIN}' version='1.0' "
            "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>".encode())
        self.expect(b"</stream:features>")
        self.socket.sendall(b"<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                            b"<resource>feed</resource></bind></iq>")
        self.jid = self.expect(b"</iq>").decode().split("<jid>")[1].split("</jid>")[0]

    def publish(self, vrf, prefix, next_hops):
        self.sent += 1
        self.output += (
            f"<iq type='set' id='{self.sent}' to='{SERVER}'>"
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
            f"<publish node='{world.feed_name(self.case, vrf)}'><item id='{prefix}'>"
            f"{entry(self.case, prefix, next_hops)}</item></publish></pubsub></iq>").encode()

    def turn(self, wait):
        """Writes what the socket takes, and reads answers and commands for at most `wait` seconds."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.output else 0)
        self.selector.modify(self.socket, events)
        for key, ready in self.selector.select(wait):
            if key.fileobj is sys.stdin:
                line = sys.stdin.readline()
                self.command = line.strip() if line else "end"
                continue
            if ready & selectors.EVENT_READ:
                self.read()
            if ready & selectors.EVENT_WRITE:
                try:
                    del self.output[:self.socket.send(self.output[:AHEAD])]
                except BlockingIOError:
                    pass

    def read(self):
        try:
            octets = self.socket.recv(1 << 20)
        except BlockingIOError:
            return
        if not octets:
            raise SystemExit("the route server has closed the connection")
        # An answer may come in two pieces: what looks like the begin of one waits for the rest.
        octets = self.tail + octets
        cut = octets.rfind(b"<iq ")
        whole = octets if cut < 0 or b">" in octets[cut:] else octets[:cut]
        self.tail = octets[len(whole):]
        for kind in re.findall(rb"<iq [^>]*type='(result|error)'", whole):
            self.answered += 1
            self.refused += kind == b"error"
        # A server pings who says nothing for long.
        for name in re.findall(rb"<iq type='get' id='(\w+)'", whole):
            self.output += b"<iq type='result' id='" + name + b"'/>"

    def tell(self, event, **values):
        print(json.dumps({"event": event, **values}), flush=True)

    def flow(self):
        """Turns until there is room for more."""
        while len(self.output) > AHEAD or self.sent - self.answered > OUTSTANDING:
            self.turn(1)
            if time.monotonic() - self.said_at > PROGRESS:
                self.said_at = time.monotonic()
                self.tell("progress", published=self.answered)

    def drain(self):
        while self.answered < self.sent:
            self.turn(1)

    def subscribe(self, vrf):
        """Who publishes must have subscribed."""
        self.sent += 1
        node = world.feed_name(self.case, vrf)
        self.output += (
            f"<iq type='set' id='{self.sent}' to='{SERVER}'>"
            f"<pubsub xmlns='http://jabber.org/protocol/pubsub'><subscribe node='{node}' "
            f"jid='{self.jid}'/></pubsub></iq>").encode()

    def publish_all(self):
        for vrf in range(self.case["vrfs"]):
            self.subscribe(vrf)
            self.flow()
        for vrf, prefix, next_hops in world.routes(self.case):
            self.publish(vrf, prefix, next_hops)
            self.flow()
        self.drain()
        self.tell("published", routes=self.sent - self.case["vrfs"], refused=self.refused)

    def churn(self):
        """Changes one route after the other at the case's rate until `stop`."""
        case, began, before = self.case, time.monotonic(), self.sent
        changes = 0
        while self.command == "churn":
            due = int((time.monotonic() - began) * case["churn"])
            while changes < due:
                number = changes % (case["vrfs"] * case["routes"])
                vrf, route = divmod(number, case["routes"])
                address, length = world.destination(case, route)
                generation = 1 + changes // (case["vrfs"] * case["routes"])
                self.publish(vrf, f"{world.text(address, case['tenants'])}/{length}",
                             world.next_hops(case, vrf, route, generation))
                changes += 1
                self.flow()
            self.turn(TICK)
        seconds = time.monotonic() - began
        self.drain()
        self.tell("churned", changes=self.sent - before, seconds=round(seconds, 3),
                  refused=self.refused)

    def serve(self):
        while self.command != "end":
            if self.command == "churn":
                self.churn()
            else:
                self.turn(1)


def main():
    feeder = Feeder(int(sys.argv[1]), json.loads(pathlib.Path(sys.argv[2]).read_text()))
    feeder.publish_all()
    feeder.serve()


if __name__ == "__main__":
    main()
