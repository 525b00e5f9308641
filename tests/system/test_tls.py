#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Sessions over TLS: who is let in, what is shown of it, and certificates that change under way.
openssl is the independent end."""

import pathlib
import shutil

from millrace_lab import run, wait_for
from systest import NetworkTest, main, rows

MAKER = pathlib.Path(__file__).resolve().parents[1] / "tools" / "certificates"


class Tls(NetworkTest):
    """compute1 shows a certificate with its JID in it, compute2 one with its host name."""

    @classmethod
    def populate(cls):
        super().populate()
        cls.certificates = cls.lab.folder / "certificates"
        run(MAKER, cls.certificates)
        for server in cls.network.servers:
            server.tls = "required"
            server.extra += cls.section("server")
        for compute in cls.network.computes:
            compute.head += cls.section(cls.copy_of(compute.name))

    @classmethod
    def copy_of(cls, name):
        """A host's certificate, in a file of its own, which tests may change."""
        shutil.copy(cls.certificates / f"{name}.pem", cls.certificates / f"{name}-host.pem")
        return f"{name}-host"

    @classmethod
    def section(cls, name):
        return (f'certificates {{ trust = "{cls.certificates}/ca.pem" '
                f'certificate = "{cls.certificates}/{name}.pem" }}\n')

    def servers(self, compute):
        return rows(compute, "server.list", "servers")

    def test_c43_routes_come_over_tls(self):
        red1 = self.workload("red1")
        red1.reaches("10.0.0.12")
        for server in self.servers(self.one):
            self.assertEqual(server["tls"], "required")
            self.assertRegex(server["cipher"], r"^TLSv1\.[23] ")
            self.assertGreater(server["certificate_expires"], 1_700_000_000)

    def starttls(self, *words):
        """What openssl says of a session with rs1."""
        return self.one.namespace.run("timeout", "60", "openssl", "s_client", "-starttls", "xmpp",
                                      "-xmpphost", "ietf.org", "-connect",
                                      f"{self.rs1.address}:5222", "-CAfile",
                                      self.certificates / "ca.pem", "-brief", *words,
                                      text="", check=False).stdout

    def test_openssl_is_shown_the_certificate(self):
        said = self.starttls("-verify_hostname", "ietf.org", "-verify_return_error")
        self.assertIn("Verification: OK", said)
        self.assertRegex(said, r"Protocol version: TLSv1\.[23]")
        said = self.starttls("-verify_hostname", "elsewhere.example", "-verify_return_error")
        self.assertNotIn("Verification: OK", said)

    def test_openssl_is_refused_what_is_too_old(self):
        self.assertNotIn("Protocol version", self.starttls("-tls1_1"))

    def test_a_certificate_changes_without_a_session_lost(self):
        mine = self.certificates / "compute1-host.pem"
        before = [server["reconnects"] for server in self.servers(self.one)]
        shutil.copy(self.certificates / "stranger.pem", mine)
        self.one.daemon.ctl("certificates", "load")
        self.assertEqual([server["reconnects"] for server in self.servers(self.one)], before)
        self.workload("red1").reaches("10.0.0.12")

        # The next session begins with it, and it is of an authority that nobody knows.
        self.rs2.daemon.stop()
        self.rs2.start()
        wait_for("rs2 to refuse the stranger",
                 lambda: "certificate" in self.servers(self.one)[1]["last_error"]
                 and self.servers(self.one)[1]["state"] != "in sync")
        self.assertEqual(self.servers(self.one)[0]["state"], "in sync")

        shutil.copy(self.certificates / "compute1.pem", mine)
        self.one.daemon.ctl("certificates", "load")
        self.network.wait_in_sync()

    def test_a_file_that_is_not_good_changes_nothing(self):
        mine = self.certificates / "compute2-host.pem"
        mine.write_text("no certificate")
        said = self.two.daemon.ctl("certificates", "load", check=False)
        self.assertIn(str(mine), said)
        shutil.copy(self.certificates / "compute2.pem", mine)
        self.two.daemon.ctl("certificates", "load")
        self.assertEqual({server["state"] for server in self.servers(self.two)}, {"in sync"})


if __name__ == "__main__":
    main()
