/* SPDX-License-Identifier: BSD-3-Clause */

/* What the tests of ports stand on. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <rte_eal.h>

#include "lib/ring/note.h"
#include "port_rig.h"

struct rte_mempool *pool;

void
reclaim_defer(struct reclaim *reclaim, void (*release)(void *), void *argument)
{
    assert_true(reclaim->n < 64);
    reclaim->waiting[reclaim->n].release = release;
    reclaim->waiting[reclaim->n++].argument = argument;
}

unsigned
reclaim_poll(struct reclaim *reclaim)
{
    for (unsigned i = 0; i < reclaim->n; i++)
        reclaim->waiting[i].release(reclaim->waiting[i].argument);
    reclaim->n = 0;
    return 0;
}

struct port *
port_open_or_fail(const char *spec)
{
    struct port *port = NULL;
    char error[256] = "";

    if (port_open(spec, PORT_ACCESS, 0, 1, pool, &port, error, sizeof(error)) != 0)
        fail_msg("%s: %s", spec, error);
    return port;
}

int
eal_up(void **state)
{
    char *arguments[] = { (char *)(uintptr_t) "test_port",
                          (char *)(uintptr_t) "--no-huge",
                          (char *)(uintptr_t) "-m",
                          (char *)(uintptr_t) "128",
                          (char *)(uintptr_t) "--no-shconf",
                          (char *)(uintptr_t) "--no-pci",
                          (char *)(uintptr_t) "-l",
                          (char *)(uintptr_t) "0",
                          (char *)(uintptr_t) "--log-level=*:error" };
    (void)state;

    if (rte_eal_init(sizeof(arguments) / sizeof(arguments[0]), arguments) < 0)
        return -1;
    pool = rte_pktmbuf_pool_create("packets", 8191, 0, PACKET_PRIVATE_OCTETS,
                                   RTE_PKTMBUF_HEADROOM + port_frame_octets(1500), 0);
    return pool == NULL ? -1 : 0;
}

int
eal_down(void **state)
{
    (void)state;
    if (rte_mempool_avail_count(pool) != 8191)
        print_error("%u packet buffers are missing\n", 8191 - rte_mempool_avail_count(pool));
    rte_mempool_free(pool);
    return rte_eal_cleanup();
}
