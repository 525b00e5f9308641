#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""millrace-rs, spoken to by other people's XMPP: slixmpp (RFC 6120, XEP-0060, XEP-0199), and a bare
socket read with Python's own expat. Takes millrace-rs from MILLRACE_BUILD."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ET

try:
    import slixmpp
except ImportError:
    print("python3-slixmpp is not installed")
    sys.exit(77)

BUILD = os.environ.get("MILLRACE_BUILD", "build")
DEADLINE = 90
RS = "route-server@ietf.org"
URN = "urn:ietf:params:xml:ns:bgp:l3vpn:unicast"
PUBSUB = "http://jabber.org/protocol/pubsub"
EVENT = PUBSUB + "#event"
CLIENT = "jabber:client"


def entry(prefix, label, next_hop="192.0.2.1"):
    return ET.fromstring(
        f"<entry xmlns='{URN}'><nlri><af>1</af><address>{prefix}</address></nlri><next-hops>"
        f"<next-hop><af>1</af><address>{next_hop}</address><label>{label}</label>"
        "<tunnel-encapsulation-list><tunnel-encapsulation>udp</tunnel-encapsulation>"
        "</tunnel-encapsulation-list></next-hop></next-hops>"
        "<sequence-number>1</sequence-number><local-preference>100</local-preference></entry>")


def meaning(payload):
    """Prefix, next hop and label of an entry."""
    def text(path):
        return payload.findtext("/".join(f"{{{URN}}}{name}" for name in path.split("/")))
    return (text("nlri/address"), text("next-hops/next-hop/address"),
            text("next-hops/next-hop/label"))


class RouteServer:
    """A millrace-rs on a port of its own."""

    def __init__(self, **settings):
        self.directory = tempfile.TemporaryDirectory(prefix=f"millrace-interop-{os.getpid()}-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        values = {"deferral-time": 0, "purge-time": 1, **settings}
        path = os.path.join(self.directory.name, "rs.conf")
        with open(path, "w", encoding="ascii") as config:
            config.write(f'listen = {{"127.0.0.1:{self.port}"}}\ntls = none\n'
                         f'control-socket {{ path = "{self.directory.name}/rs.sock" }}\n')
            for key, value in values.items():
                config.write(f"{key} = {value}\n")
        self.log = open(os.path.join(self.directory.name, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "control/routeserver/millrace-rs"), "-c", path],
            stderr=self.log)

    async def wait_listening(self):
        for _ in range(DEADLINE * 20):
            if self.process.poll() is not None:
                break
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return
            except OSError:
                await asyncio.sleep(0.05)
        self.log.seek(0)
        raise AssertionError("millrace-rs does not listen:\n" + self.log.read())

    def stop(self):
        self.process.terminate()
        status = self.process.wait(DEADLINE)
        self.log.seek(0)
        text = self.log.read()
        self.log.close()
        self.directory.cleanup()
        if status != 0:
            raise AssertionError(f"millrace-rs ended with {status}:\n{text}")


class Slix(slixmpp.ClientXMPP):
    """slixmpp as a VPN forwarder: what it hears goes into a queue."""

    def __init__(self, name):
        super().__init__(f"{name}@ietf.org/boot", "")
        self.register_plugin("xep_0060")
        self.register_plugin("xep_0199")
        self.heard = asyncio.Queue()
        self.binding = asyncio.get_running_loop().create_future()
        self.add_event_handler("session_bind", self.on_bind)
        self.add_event_handler("pubsub_publish", self.on_publish)
        self.add_event_handler("pubsub_retract", self.on_retract)

    def on_bind(self, jid):
        if not self.binding.done():
            self.binding.set_result(jid)

    def on_publish(self, message):
        items = message["pubsub_event"]["items"]
        item = items["item"]
        self.heard.put_nowait(("item", str(message["from"]), items["node"], item["id"],
                               meaning(item["payload"])))

    def on_retract(self, message):
        items = message["pubsub_event"]["items"]
        self.heard.put_nowait(("retract", str(message["from"]), items["node"],
                               items["retract"]["id"]))

    async def begin(self, port):
        if hasattr(self, "enable_plaintext"):  # slixmpp 1.10 does
            self.enable_direct_tls = self.enable_starttls = False
            self.enable_plaintext = True
            self.connect("127.0.0.1", port)
        else:
            self.connect(("127.0.0.1", port), disable_starttls=True)
        return await asyncio.wait_for(self.binding, DEADLINE)

    async def next(self):
        return await asyncio.wait_for(self.heard.get(), DEADLINE)


class Bare:
    """A socket, and the stanzas that Python's expat makes of what comes."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.parser = ET.XMLPullParser(["start", "end"])
        self.depth = 0
        self.stanzas = []

    @classmethod
    async def connect(cls, port):
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def say(self, text):
        self.writer.write(text.encode())

    async def hear(self):
        """The next stanza, None at the end of the stream."""
        while not self.stanzas:
            octets = await asyncio.wait_for(self.reader.read(65536), DEADLINE)
            if not octets:
                return None
            self.parser.feed(octets)
            for event, element in self.parser.read_events():
                self.depth += 1 if event == "start" else -1
                if event == "end" and self.depth == 1:
                    self.stanzas.append(element)
        return self.stanzas.pop(0)

    async def bind(self, name):
        self.say("<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' "
                 "xmlns:stream='http://etherx.jabber.org/streams' to='ietf.org' "
                 f"from='{name}@ietf.org'>")
        features = await self.hear()
        assert features.find("{urn:ietf:params:xml:ns:xmpp-bind}bind") is not None
        self.say("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                 "<resource>bare</resource></bind></iq>")
        answer = await self.hear()
        return answer.findtext("{urn:ietf:params:xml:ns:xmpp-bind}bind/"
                               "{urn:ietf:params:xml:ns:xmpp-bind}jid")

    async def ask(self, id_, type_, body):
        """Asks, and returns the answer and what was heard before it."""
        self.say(f"<iq type='{type_}' id='{id_}' to='{RS}'><pubsub xmlns='{PUBSUB}'>{body}"
                 "</pubsub></iq>")
        before = []
        while True:
            stanza = await self.hear()
            if stanza is None or stanza.get("id") == id_:
                return stanza, before
            before.append(stanza)

    async def subscribe(self, jid, node, instance_id):
        answer, before = await self.ask(
            "s-" + node, "set", f"<subscribe node='{node}' jid='{jid}'/><options><instance-id>"
            f"{instance_id}</instance-id></options>")
        assert answer.get("type") == "result", ET.tostring(answer)
        assert not before, [ET.tostring(stanza) for stanza in before]

    async def next_event(self):
        """The next notification: its node, and the ids and payloads in it."""
        while True:
            stanza = await self.hear()
            if stanza is None or stanza.tag == f"{{{CLIENT}}}message":
                break
        assert stanza is not None and stanza.get("from") == RS
        items = stanza.find(f"{{{EVENT}}}event/{{{EVENT}}}items")
        return items.get("node"), [
            (child.tag.split("}")[1], child.get("id"), meaning(child[0]) if len(child) else None)
            for child in items]


class Interop(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.server = RouteServer()
        self.addCleanup(self.server.stop)
        await self.server.wait_listening()

    async def test_slixmpp_from_subscribe_to_retract(self):
        client = Slix("compute-1")
        jid = await client.begin(self.server.port)
        self.assertTrue(str(jid).endswith("@ietf.org/boot"))
        pubsub = client["xep_0060"]

        answer = await pubsub.subscribe(RS, "red", timeout=DEADLINE)
        self.assertEqual(answer["pubsub"]["subscription"]["subscription"], "subscribed")
        answer = await pubsub.publish(RS, "red", id="192.0.2.1:1:10.0.0.11/32",
                                      payload=entry("10.0.0.11/32", 10000), timeout=DEADLINE)
        self.assertEqual(answer["type"], "result")
        # A subscription delivers every item of the VPN (R5), one's own included.
        kind, sender, node, item_id, route = await client.next()
        self.assertEqual((kind, sender, node), ("item", RS, "red"))
        self.assertEqual(route, ("10.0.0.11/32", "192.0.2.1", "10000"))

        answer = await pubsub.get_items(RS, "red", timeout=DEADLINE)
        items = answer["pubsub"]["items"]
        self.assertEqual([(item["id"], meaning(item["payload"])) for item in items],
                         [(item_id, route)])

        await client["xep_0199"].ping(RS, timeout=DEADLINE)
        await client["xep_0199"].ping("ietf.org", timeout=DEADLINE)

        await pubsub.retract(RS, "red", "192.0.2.1:1:10.0.0.11/32", notify=True,
                             timeout=DEADLINE)
        self.assertEqual(await client.next(), ("retract", RS, "red", item_id))
        await pubsub.unsubscribe(RS, "red", timeout=DEADLINE)
        await client.disconnect()

    async def test_slixmpp_hears_errors(self):
        client = Slix("compute-1")
        await client.begin(self.server.port)
        pubsub = client["xep_0060"]
        await pubsub.subscribe(RS, "red", timeout=DEADLINE)
        refused = [
            (pubsub.publish(RS, "red", id="x", payload=entry("10.0.0.1/8", 10000)), "bad-request"),
            (pubsub.publish(RS, "red", id="x", payload=entry("10.0.0.1/32", 3)), "bad-request"),
            (pubsub.subscribe(RS, "v" * 129), "bad-request"),
            (pubsub.subscribe(RS, "red", subscribee="mallory@ietf.org"), "bad-request"),
            (pubsub.create_node(RS, "red"), "feature-not-implemented"),
            (pubsub.get_item(RS, "red", "x"), "feature-not-implemented"),
            (pubsub.retract(RS, "red", "never", notify=True), "item-not-found"),
            (pubsub.unsubscribe(RS, "blue"), "unexpected-request"),
            (pubsub.get_items("ietf.net", "red"), "service-unavailable"),
        ]
        for request, condition in refused:
            with self.assertRaises(slixmpp.exceptions.IqError) as raised:
                await asyncio.wait_for(request, DEADLINE)
            self.assertEqual(raised.exception.condition, condition)
        self.assertTrue(client.heard.empty())
        await client.disconnect()

    async def test_bulk_delivery_in_messages_and_pages(self):
        """C32: what was published before the subscription comes after it, in several messages."""
        count = 1000
        one = await Bare.connect(self.server.port)
        await one.subscribe(await one.bind("compute-1"), "red", 1)
        for i in range(count):
            payload = ET.tostring(entry(f"10.1.{i // 256}.{i % 256}/32", 16 + i)).decode()
            answer, _ = await one.ask(f"p{i}", "set",
                                      f"<publish node='red'><item id='{i}'>{payload}</item>"
                                      "</publish>")
            self.assertEqual(answer.get("type"), "result")
        two = await Bare.connect(self.server.port)
        await two.subscribe(await two.bind("compute-2"), "red", 1)
        routes, messages = {}, 0
        while len(routes) < count:
            node, changes = await two.next_event()
            messages += 1
            self.assertEqual(node, "red")
            for kind, item_id, route in changes:
                self.assertEqual(kind, "item")
                self.assertNotIn(item_id, routes)
                routes[item_id] = route
        self.assertGreater(messages, 1)
        self.assertEqual(len({route[2] for route in routes.values()}), count)

        # The same by an explicit request, page by page (XEP-0059).
        after, pages, got = "", 0, {}
        while True:
            answer, _ = await two.ask(f"i{pages}", "get", "<items node='red'/>" + after)
            items = answer.findall(f"{{{PUBSUB}}}pubsub/{{{PUBSUB}}}items/{{{PUBSUB}}}item")
            if not items:
                break
            pages += 1
            got.update((item.get("id"), meaning(item[0])) for item in items)
            after = ("<set xmlns='http://jabber.org/protocol/rsm'><after>"
                     f"{items[-1].get('id')}</after></set>")
        self.assertGreater(pages, 1)
        self.assertEqual(got, routes)

        # R2: the session closes, and after the purge time all is withdrawn.
        one.writer.close()
        while routes:
            for kind, item_id, _ in (await two.next_event())[1]:
                self.assertEqual(kind, "retract")
                del routes[item_id]

    async def test_draft_05_prints_the_servers_jid_and_a_vlan_form(self):
        client = await Bare.connect(self.server.port)
        await client.bind("compute-1")
        answer, _ = await client.ask(
            "1", "set", f"<subscribe node='red' jid='{RS}'/><options>"
            "<x xmlns='jabber:x:data' type='submit'><field var='vpn#vlan_id'><value>100</value>"
            "</field></x></options>")
        self.assertEqual(answer.get("type"), "result")
        subscription = answer.find(f"{{{PUBSUB}}}pubsub/{{{PUBSUB}}}subscription")
        self.assertEqual(subscription.get("subscription"), "subscribed")

    async def test_streams_that_break_the_rules_end_with_a_stream_error(self):
        header = ("<stream:stream xmlns='jabber:client' version='1.0' to='ietf.org' "
                  "xmlns:stream='http://etherx.jabber.org/streams'>")
        streams = "{urn:ietf:params:xml:ns:xmpp-streams}"
        for octets, condition in [
                ("GET / HTTP/1.1\r\n\r\n", "not-well-formed"),
                ("<!DOCTYPE a [<!ENTITY b 'c'>]>" + header, "restricted-xml"),
                (header + "<!-- x -->", "restricted-xml"),
                (header + "<message/>", "not-authorized"),
                (header + "<iq>" + "<a>" * 100, "policy-violation"),
                (header + "<iq a='" + "x" * 100000, "policy-violation"),
                (header.replace("ietf.org", "example.net"), "host-unknown")]:
            client = await Bare.connect(self.server.port)
            client.say(octets)
            seen = []
            while (stanza := await client.hear()) is not None:
                seen.append(stanza)
            self.assertEqual([child.tag for child in seen[-1]],
                             [streams + condition, streams + "text"])
            self.assertEqual(client.depth, 0)  # the stream was closed in order
            client.writer.close()
        # Everybody else is still served.
        client = await Bare.connect(self.server.port)
        await client.subscribe(await client.bind("compute-1"), "red", 1)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
