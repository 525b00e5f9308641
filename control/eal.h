/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* DPDK's environment, made from the configuration: lcores, memory, the packet pool. */

#include <stdbool.h>
#include <stddef.h>

#include <rte_mempool.h>

#include "control/config.h"

struct eal {
    unsigned slow_path_lcore;
    unsigned worker_lcores[CONFIG_WORKERS_MAX]; /* config->n_workers of them */
    bool hugepages;
    struct rte_mempool *pool; /* one segment holds the largest frame; PACKET_PRIVATE_OCTETS */
};

/** Whether this process may run where the configuration wants it to: DPDK would answer with its
 * usage. @return 0, or -EINVAL with a text in `error`. Any thread. */
int eal_check_cpus(const struct config *config, char *error, size_t error_size);

/**
 * Starts DPDK and makes the packet pool. Once in a process, on the control thread.
 * @param program argv[0], for DPDK's messages
 * @return 0 or a negative errno with a text in `error`.
 */
int eal_start(const struct config *config, const char *program, struct eal *eal, char *error,
              size_t error_size);

/** Frees the pool and DPDK's resources; after all ports are closed and all lcores are idle. */
void eal_stop(struct eal *eal);
