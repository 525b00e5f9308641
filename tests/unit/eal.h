/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* DPDK's environment for a unit test: no hugepages, no devices, no sockets, no files left. */

#include <stdbool.h>

#include <rte_eal.h>

/** Starts it; once in a program, before the first test. @return false if it would not start. */
static inline bool
eal_start(void)
{
    char *arguments[] = { (char[]){ "test" },
                          (char[]){ "--no-huge" },
                          (char[]){ "--no-pci" },
                          (char[]){ "--no-shconf" },
                          (char[]){ "--no-telemetry" },
                          (char[]){ "-m" },
                          (char[]){ "64" },
                          (char[]){ "--log-level=lib.*:error" } };

    return rte_eal_init(sizeof(arguments) / sizeof(arguments[0]), arguments) >= 0;
}
