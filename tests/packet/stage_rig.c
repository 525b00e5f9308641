/* SPDX-License-Identifier: BSD-3-Clause */

/* One scenario for the tests of a program: made before them, taken down after them with every
 * buffer accounted for. */

#include "tests/packet/stage_rig.h"

#include "tests/unit/eal.h"

struct rte_mempool *pool;
struct scenario scenario;
json_t *description;

int
stage_rig_begin(const char *name, unsigned packets, const char *world)
{
    if (!eal_start())
        return -1;
    pool = rte_pktmbuf_pool_create(name, packets, 0, PACKET_PRIVATE_OCTETS,
                                   RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    description = json_loads(world, 0, NULL);
    return pool == NULL || scenario_create(&scenario, description, pool) != NULL ? -1 : 0;
}

int
stage_rig_end(void **state)
{
    (void)state;
    scenario_destroy(&scenario);
    json_decref(description);
    return rte_mempool_full(pool) ? 0 : -1;
}

static int
buffers_are_back(void **state)
{
    (void)state;
    return rte_mempool_full(pool) ? 0 : -1;
}

void
stage_rig_count_buffers(struct CMUnitTest *tests, size_t n)
{
    for (size_t i = 0; i < n; i++)
        tests[i].teardown_func = buffers_are_back;
}

uint64_t
drops_of(enum drop_reason reason)
{
    uint64_t sum[DROP_REASONS];

    counters_drops(scenario.counters, sum);
    return sum[reason];
}

uint64_t
sent_by(unsigned port)
{
    struct port_counters sum;

    counters_port(scenario.counters, scenario.ports[port]->number, &sum);
    return sum.tx.packets;
}
