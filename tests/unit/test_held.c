/* SPDX-License-Identifier: BSD-3-Clause */

/* Packets that wait for neighbours: whose goes when there is no room for another. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rte_mempool.h>

#include "lib/ring/note.h"
#include "slowpath/held.h"
#include "tests/unit/eal.h"

#define VIFS    100u
#define NO_VIF  UINT32_MAX
#define QUEUES  (HELD_ALL_MAX / HELD_QUEUE_MAX + 1)
#define BUFFERS 2047u

static struct rte_mempool *pool;
static struct held_totals totals;
static struct held_queue queues[QUEUES];

static int
setup(void **state)
{
    (void)state;
    return held_totals_init(&totals, VIFS) ? 0 : 1;
}

/* All is let go of, and the counts are at their start. */
static int
teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < QUEUES; i++) {
        unsigned n = held_release(&totals, &queues[i]);

        rte_pktmbuf_free_bulk(queues[i].packets, n);
    }
    assert_int_equal(totals.all, 0);
    for (uint32_t vif = 0; vif <= VIFS; vif++)
        assert_int_equal(totals.of_vif[vif], 0);
    held_totals_free(&totals);
    assert_int_equal(rte_mempool_avail_count(pool), BUFFERS);
    return 0;
}

/* A packet of an interface, with a number in it. */
static struct rte_mbuf *
packet_of(uint32_t vif, uint8_t number)
{
    struct rte_mbuf *packet = rte_pktmbuf_alloc(pool);

    assert_non_null(packet);
    *packet_note(packet) = (struct packet_note){ .vif = vif };
    *rte_pktmbuf_mtod(packet, uint8_t *) = number;
    return packet;
}

static uint8_t
number_of(struct rte_mbuf *packet)
{
    return *rte_pktmbuf_mtod(packet, uint8_t *);
}

static uint32_t
vif_of(struct rte_mbuf *packet)
{
    return packet_note(packet)->vif;
}

/* Adds a packet. What goes for it is freed before anything is asserted, so that a failure leaves
 * nothing behind. @return whether something went, and what it was. */
static bool
add_any(struct held_queue *queue, uint32_t vif, uint8_t number, uint32_t *vif_gone,
        uint8_t *number_gone)
{
    struct rte_mbuf *gone = held_add(&totals, queue, packet_of(vif, number));

    if (gone == NULL)
        return false;
    *vif_gone = vif_of(gone);
    *number_gone = number_of(gone);
    rte_pktmbuf_free(gone);
    return true;
}

/* Adds a packet for which there is room. */
static void
add(struct held_queue *queue, uint32_t vif, uint8_t number)
{
    uint32_t vif_gone;
    uint8_t number_gone;

    assert_false(add_any(queue, vif, number, &vif_gone, &number_gone));
}

/* Adds a packet for which another of `vif_gone`, with `number_gone`, must go; or itself. */
static void
add_for(struct held_queue *queue, uint32_t vif, uint8_t number, uint32_t vif_gone,
        uint8_t number_gone)
{
    uint32_t vif_seen;
    uint8_t number_seen;

    assert_true(add_any(queue, vif, number, &vif_seen, &number_seen));
    assert_int_equal(vif_seen, vif_gone);
    assert_int_equal(number_seen, number_gone);
}

static void
the_oldest_goes_for_the_latest(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < HELD_QUEUE_MAX; i++)
        add(&queues[0], NO_VIF, i);
    add_for(&queues[0], NO_VIF, 100, NO_VIF, 0);
    add_for(&queues[0], NO_VIF, 101, NO_VIF, 1);
    assert_int_equal(number_of(queues[0].packets[0]), 2);
    assert_int_equal(number_of(queues[0].packets[HELD_QUEUE_MAX - 1]), 101);
}

/* A guest that sends much loses its own packets; another's single one stays, and goes out. */
static void
c45_a_guest_takes_no_place_of_another_that_has_fewer(void **state)
{
    (void)state;
    add(&queues[0], 2, 50);
    for (uint8_t i = 0; i < HELD_QUEUE_MAX - 1; i++)
        add(&queues[0], 1, i);
    for (uint8_t i = 0; i < 100; i++)
        add_for(&queues[0], 1, (uint8_t)(i + HELD_QUEUE_MAX - 1), 1, i);
    assert_int_equal(vif_of(queues[0].packets[0]), 2);
    assert_int_equal(number_of(queues[0].packets[0]), 50);
    /* the others get room from the greedy one, as many as there are places */
    add_for(&queues[0], 3, 60, 1, 100);
    add_for(&queues[0], 4, 70, 1, 101);
    add_for(&queues[0], 2, 51, 1, 102);
    assert_int_equal(queues[0].n, HELD_QUEUE_MAX);
}

static void
c45_where_all_have_the_same_the_oldest_goes(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < HELD_QUEUE_MAX; i++)
        add(&queues[0], i, i);
    add_for(&queues[0], 20, 20, 0, 0);
    add_for(&queues[0], 3, 30, 3, 3); /* it would have two */
}

static void
c45_an_interface_takes_its_part_of_all_places_and_no_more(void **state)
{
    unsigned queue = 0;

    (void)state;
    for (uint8_t i = 0; i < HELD_INTERFACE_MAX; i++)
        add(&queues[queue = i / 4], 7, i);
    add_for(&queues[0], 7, 200, 7, 0); /* its own oldest, though the queue has room */
    add_for(&queues[queue + 1], 7, 201, 7, 201);
    assert_int_equal(totals.of_vif[7], HELD_INTERFACE_MAX);
    add(&queues[queue + 1], 8, 0);
    add(&queues[0], 8, 1);

    /* and has it again when they are gone */
    rte_pktmbuf_free_bulk(queues[0].packets, held_release(&totals, &queues[0]));
    add(&queues[queue + 1], 7, 202);
}

static void
all_places_are_bounded(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HELD_ALL_MAX; i++)
        add(&queues[i / HELD_QUEUE_MAX], i % (VIFS - 1), 0);
    assert_int_equal(totals.all, HELD_ALL_MAX);
    add_for(&queues[QUEUES - 1], VIFS - 1, 1, VIFS - 1, 1);
    add_for(&queues[1], VIFS - 1, 2, HELD_QUEUE_MAX, 0);
    assert_int_equal(totals.all, HELD_ALL_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_oldest_goes_for_the_latest),
        TEST(c45_a_guest_takes_no_place_of_another_that_has_fewer),
        TEST(c45_where_all_have_the_same_the_oldest_goes),
        TEST(c45_an_interface_takes_its_part_of_all_places_and_no_more),
        TEST(all_places_are_bounded),
    };

    if (!eal_start())
        return 1;
    pool = rte_pktmbuf_pool_create("held", BUFFERS, 0, PACKET_PRIVATE_OCTETS, 256, SOCKET_ID_ANY);
    if (pool == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
