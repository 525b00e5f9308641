/* SPDX-License-Identifier: BSD-3-Clause */

/* The rings between threads: who has one, what they hold, and that nothing in them is lost. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rte_mempool.h>

#include "lib/ring/note.h"
#include "lib/ring/rings.h"
#include "tests/unit/eal.h"

static void
each_pair_has_its_rings(void **state)
{
    struct rings *rings = rings_create(3, 8);

    (void)state;
    assert_non_null(rings);
    for (unsigned from = 0; from < 3; from++) {
        assert_int_equal(rte_ring_get_capacity(rings->punt[from].packets), PUNT_RING_PACKETS - 1);
        assert_int_equal(rte_ring_get_capacity(rings->inject[from]), INJECT_RING_PACKETS - 1);
        for (unsigned to = 0; to < 3; to++)
            assert_int_equal(rings->handover[from][to] == NULL, from == to);
    }
    assert_null(rings->punt[3].packets);
    rings_destroy(rings);
}

static void
what_is_left_in_the_rings_is_freed(void **state)
{
    struct rte_mempool *pool =
        rte_pktmbuf_pool_create("left", 255, 0, PACKET_PRIVATE_OCTETS, 256, SOCKET_ID_ANY);
    struct rings *rings = rings_create(2, 8);
    struct rte_ring *all[] = { rings->punt[1].packets, rings->inject[0], rings->handover[0][1] };

    (void)state;
    assert_non_null(pool);
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned packets = 0; packets < 10; packets++)
            assert_int_equal(rte_ring_enqueue(all[i], rte_pktmbuf_alloc(pool)), 0);
    }
    assert_int_equal(rte_mempool_avail_count(pool), 225);
    rings_destroy(rings);
    assert_int_equal(rte_mempool_avail_count(pool), 255);
    rte_mempool_free(pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pair_has_its_rings),
        cmocka_unit_test(what_is_left_in_the_rings_is_freed),
    };

    if (!eal_start())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
