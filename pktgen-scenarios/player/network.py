# SPDX-License-Identifier: BSD-3-Clause
"""The control plane of a scenario: a real route server, and a feeder that publishes the routes to it."""

import contextlib
import json
import time

from millrace_lab import LabError, wait_for

from player import configuration
from player.peers import Feeder, RouteServer, free_port

ROUTES_A_SECOND = 2000  # the slowest that is waited for
LEAST_SECONDS = 90


class Network:
    def __init__(self, case, folder, stack):
        self.case, self.folder, self.stack = case, folder, stack
        self.port, self.feeder = free_port(), None
        config = configuration.write(folder / "rs.conf", configuration.route_server(
            case, folder, self.port))
        stack.enter_context(RouteServer(folder, config))

    def feed(self, router):
        """Publishes every route, and waits until the vRouter forwards by them. @return seconds from
        the first publication."""
        case, routes = self.case, self.case["vrfs"] * self.case["routes"]
        seconds = LEAST_SECONDS + routes / ROUTES_A_SECOND

        def in_sync():
            (server,) = router.call("server.list")["servers"]
            return server["vpns_in_sync"] >= case["vrfs"]
        wait_for("the vRouter to be in sync", in_sync, seconds, alive=[router])
        before, began = router.routes(), time.monotonic()
        path = configuration.write(self.folder / "case.json", json.dumps(case))
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
