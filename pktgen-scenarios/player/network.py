# SPDX-License-Identifier: BSD-3-Clause
"""The control plane of a scenario: a real route server, and a feeder that publishes the routes to it."""

import contextlib
import json
import time

from millrace_lab import LabError, wait_for

from player import configuration
from player.peers import Feeder, RouteServer, free_port

ROUTES_A_SECOND = 2000  # the slowest that is waited for
VRFS_A_SECOND = 50
GUEST_ROUTES = 2    # that a guest brings: its address and its prefix
GATEWAY_ROUTES = 2  # that a VRF has: the gateway, for both families
LEAST_SECONDS = 90


class Network:
    def __init__(self, case, folder, stack):
        self.case, self.folder, self.stack = case, folder, stack
        self.port, self.feeder = free_port(), None
        config = configuration.write(folder / "rs.conf", configuration.route_server(
            case, folder, self.port))
        stack.enter_context(RouteServer(folder, config))

    def wait_own(self, router):
        """Waits until a vRouter is in sync and its guests' own routes have come back to it: before
        that nothing leaves an interface, and what is fed cannot be told from them."""
        case = self.case
        seconds = LEAST_SECONDS + case["vrfs"] / VRFS_A_SECOND
        guests = 2 if case["direction"] in ("local", "back-to-back") else \
            case["vrfs"] + case["hostile"]
        own = case["vrfs"] * GATEWAY_ROUTES + guests * GUEST_ROUTES - case["hostile"]

        def in_sync():
            (server,) = router.call("server.list")["servers"]
            return server["vpns_in_sync"] >= case["vrfs"]
        router.wait_up(seconds)
        wait_for("the vRouter to be in sync", in_sync, seconds, alive=[router])
        router.wait_routes(own, seconds)

    def feed(self, router):
        """Publishes every route, and waits until the vRouter forwards by them. @return seconds from
        the first publication."""
        self.wait_own(router)
        routes = self.case["vrfs"] * self.case["routes"]
        if self.case["direction"] in ("local", "back-to-back"):
            return 0.0
        seconds = LEAST_SECONDS + routes / ROUTES_A_SECOND
        before, began = router.routes(), time.monotonic()
        path = configuration.write(self.folder / "case.json", json.dumps(self.case))
        self.feeder = self.stack.enter_context(Feeder(self.folder, self.port, path))
        published = self.feeder.wait("published", seconds)
        if published["refused"]:
            raise LabError(f"the route server refused {published['refused']:,} routes")
        router.wait_routes(before + routes, seconds)
        return time.monotonic() - began


@contextlib.contextmanager
def routing(case, folder):
    """The route server of a case, for the length of a `with`."""
    with contextlib.ExitStack() as stack:
        yield Network(case, folder, stack)
