/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What tests of the stages in C share: buffers, one scenario in them, and what it has counted. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fastpath/worker.h"
#include "tests/packet/scenario.h"

extern struct rte_mempool *pool;
extern struct scenario scenario;
extern json_t *description; /* of the scenario */

/**
 * Starts DPDK, and makes `packets` buffers and the scenario that a JSON text describes.
 * @return 0, or -1, as cmocka wants it of a set-up.
 */
int stage_rig_begin(const char *name, unsigned packets, const char *world);

/** Takes the scenario down. @return -1 if a buffer is missing, as cmocka wants it. */
int stage_rig_end(void **state);

/** Has each test fail after which a buffer is missing. */
void stage_rig_count_buffers(struct CMUnitTest *tests, size_t n);

uint64_t drops_of(enum drop_reason reason);

/** Packets that a port has sent; `port` is its place in the scenario. */
uint64_t sent_by(unsigned port);
