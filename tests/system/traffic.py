#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""TCP and UDP between two network stacks, and what path MTU they have found. As a program, in the
namespace of one of them; the standard library only.

    traffic.py answer ADDRESS...   sends streams back, once they have ended, and datagrams
    traffic.py ask                 reads a JSON list of jobs, runs them side by side, prints a list
"""

import concurrent.futures
import json
import os
import selectors
import socket
import sys
import threading

PORT = 7000
DATAGRAM_TRIES = 20
DATAGRAM_WAIT = 0.5  # seconds: one that is too big for IPv6's path is lost, the next one is not
STREAM_WAIT = 60

IP_MTU_DISCOVER, IP_PMTUDISC_DONT, IP_MTU, IPV6_MTU = 10, 0, 14, 24  # of linux/in.h, in6.h


def ask(namespace, *jobs):
    """Has a namespace of a lab do jobs: {"address": A, "octets": N, "datagrams": [N...]}. A result:
    {"stream": octets that came back, "mtu": of the path as the stream's end knows it, "datagrams":
    those that came back}, or {"error": TEXT}."""
    from millrace_lab import HERE  # not where this runs as a program
    said = namespace.run(sys.executable, HERE / "traffic.py", "ask", text=json.dumps(jobs),
                         timeout=300).stdout
    return json.loads(said)


def is_ipv6(address):
    return ":" in address


def udp_socket(address):
    """Without path-MTU discovery: IPv4 datagrams may be fragmented on the way."""
    made = socket.socket(socket.AF_INET6 if is_ipv6(address) else socket.AF_INET, socket.SOCK_DGRAM)
    if not is_ipv6(address):
        made.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
    return made


def receive(connection):
    """All up to the other side's end."""
    octets = bytearray()
    while piece := connection.recv(1 << 16):
        octets += piece
    return bytes(octets)


def send_back(connection):
    with connection:
        connection.sendall(receive(connection))


def answer(addresses):
    selector = selectors.DefaultSelector()
    for address in addresses:
        family = socket.AF_INET6 if is_ipv6(address) else socket.AF_INET
        listener = socket.create_server((address, PORT), family=family, backlog=64)
        selector.register(listener, selectors.EVENT_READ, "stream")
        datagrams = udp_socket(address)
        datagrams.bind((address, PORT))
        selector.register(datagrams, selectors.EVENT_READ, "datagram")
    print("answering", flush=True)
    while True:
        for key, _ in selector.select():
            if key.data == "stream":
                threading.Thread(target=send_back, args=(key.fileobj.accept()[0],),
                                 daemon=True).start()
            else:
                octets, sender = key.fileobj.recvfrom(1 << 16)
                key.fileobj.sendto(octets, sender)


def stream(address, length):
    """Octets there and back; and the path's MTU, when all has passed."""
    octets = os.urandom(length)
    with socket.create_connection((address, PORT), timeout=STREAM_WAIT) as connection:
        connection.sendall(octets)
        connection.shutdown(socket.SHUT_WR)
        first = connection.recv(1)  # it comes when the other side has everything
        mtu = connection.getsockopt(*((socket.IPPROTO_IPV6, IPV6_MTU) if is_ipv6(address) else
                                      (socket.IPPROTO_IP, IP_MTU)))
        if first + receive(connection) != octets:
            raise ConnectionError("other octets came back")
    return mtu


def datagram(address, length):
    octets = os.urandom(length)
    with udp_socket(address) as made:
        made.connect((address, PORT))
        made.settimeout(DATAGRAM_WAIT)
        for _ in range(DATAGRAM_TRIES):
            try:
                made.send(octets)
                return made.recv(1 << 16) == octets
            except TimeoutError:
                pass
    return False


def do(job):
    try:
        return {"stream": job["octets"], "mtu": stream(job["address"], job["octets"]),
                "datagrams": [length for length in job.get("datagrams", ())
                              if datagram(job["address"], length)]}
    except OSError as error:
        return {"error": f"{job['address']}: {error}"}


def main():
    if sys.argv[1] == "answer":
        answer(sys.argv[2:])
    jobs = json.load(sys.stdin)
    with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
        print(json.dumps(list(pool.map(do, jobs))))


if __name__ == "__main__":
    main()
