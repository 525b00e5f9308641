#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A busy worker makes no system call, takes no lock, allocates nothing from the heap and writes no
log: its object files may call each other and what is named here, nothing else.

Arguments: the static libraries of fastpath, lib/net, lib/table and lib/ring, and those of
lib/table's vector code.
"""

import re
import subprocess
import sys
import unittest

# Object files that run on workers. fastpath.c is the facade, called by the control thread, as is
# explain.c; it has tunnel_head.c make what workers read; idle.c sleeps, that is its task.
NOT_ON_WORKERS = {"explain.c.o", "fastpath.c.o", "idle.c.o", "tunnel_head.c.o"}
FROM_LIBRARIES = {"parse.c.o", "checksum.c.o", "ecmp_select.c.o", "fib_lookup.c.o",
                  "fib_lookup_bulk.c.o", "watch_ring.c.o"}
FROM_VECTOR_LIBRARIES = {"fib_lookup_avx2.c.o", "fib_lookup_avx512.c.o"}  # x86-64

ALLOWED = {
    # DPDK: packet buffers, rings and ports, all inline but for their tables and callbacks
    "rte_mempool_ops_table", "rte_eth_fp_ops", "rte_eth_call_rx_callbacks",
    "rte_eth_call_tx_callbacks", "per_lcore__lcore_id", "__rte_panic",
    # fragments: those that are made come from the packet pool, those that wait for others stand in
    # tables made at start
    "rte_ipv4_fragment_copy_nonseg_packet", "rte_ipv4_frag_reassemble_packet",
    "rte_ipv6_frag_reassemble_packet", "rte_ip_frag_table_del_expired_entries",
    # segments of TCP, from the packet pool; copying out of a chain
    "rte_gso_segment", "__rte_pktmbuf_read", "rte_pktmbuf_free_bulk",
    "__rte_pktmbuf_linearize",
    # the compiler's and the linker's own
    "memcpy", "memmove", "memset", "memcmp", "__tls_get_addr", "_GLOBAL_OFFSET_TABLE_",
    "__stack_chk_fail", "__memcpy_chk", "__memset_chk",
    # idle.c, when there is no packet; and the words of quiescence
    "rte_meter_srtcm_config", "rte_meter_srtcm_profile_config",
    "idle_begin", "idle_wait", "reclaim_register", "reclaim_unregister", "reclaim_online",
    "reclaim_offline", "reclaim_quiescent",
    # values from values; libpcap's filter machine reads a program and a packet, no more
    "bpf_filter",
    "ip_addr_equal", "ip_addr_from_v4", "ip_addr_from_v6", "ip_addr_to_v4", "mac_equal",
     "punt_reason_rate",
}
# "lib.a:dir/file.c.o:0000000000000010 T name"
LINE = re.compile(r"([\w.-]+\.o):\s*(?:[0-9a-f]+)?\s+\w\s+(\S+)$")
INSTRUMENTS = re.compile(r"__(asan|ubsan|sanitizer|gcov|sancov|tsan)_|__llvm_prof")


def symbols(archive, flag):
    """{object file: {symbol}} of a static library."""
    text = subprocess.run(["nm", "-A", flag, archive], capture_output=True, text=True,
                          check=True).stdout
    found = {}
    for line in text.splitlines():
        file, name = LINE.search(line).groups()
        found.setdefault(file, set()).add(name)
    return found


class WorkerSymbols(unittest.TestCase):
    archives = []

    def test_workers_call_nothing_that_could_block(self):
        undefined, defined = {}, set()
        for number, archive in enumerate(self.archives):
            for flag in ("--undefined-only", "--defined-only"):
                for file, names in symbols(archive, flag).items():
                    if file in FROM_LIBRARIES | FROM_VECTOR_LIBRARIES or \
                            number == 0 and file not in NOT_ON_WORKERS:
                        undefined.setdefault(file, set())
                        if flag == "--undefined-only":
                            undefined[file] |= names  # one file may be compiled more than once
                        else:
                            defined |= names
        self.assertLessEqual({"worker.c.o", "transmit.c.o", "express.c.o", "tunnel_express.c.o",
                              *FROM_LIBRARIES},
                             set(undefined))
        faults = [f"{file}: {name}" for file, names in sorted(undefined.items())
                  for name in sorted(names - defined - ALLOWED) if not INSTRUMENTS.match(name)]
        self.assertEqual(faults, [])

    def test_the_rule_sees_what_idling_calls(self):
        found = symbols(self.archives[0], "--undefined-only")
        self.assertIn("nanosleep", found["idle.c.o"])
        self.assertIn("calloc", found["fastpath.c.o"])


if __name__ == "__main__":
    WorkerSymbols.archives = sys.argv[1:]
    unittest.main(argv=sys.argv[:1], verbosity=2)
