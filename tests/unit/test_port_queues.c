/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/port: which worker polls and sends where, and how a receive queue changes workers. The turns
 * of the workers are made by hand: what each knows when is what is tested. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/port/port.h"
#include "lib/port/turn.h"
#include "lib/ring/note.h"
#include "lib/table/reclaim.h"
#include "tests/unit/eal.h"

#define WORKERS 3

static struct reclaim *reclaim;
static struct port_table *table;

static int
table_make(void **state)
{
    (void)state;
    reclaim = reclaim_create(1);
    table = port_table_create(WORKERS, reclaim);
    return table == NULL ? -1 : 0;
}

static int
table_free(void **state)
{
    (void)state;
    reclaim_drain(reclaim);
    port_table_destroy(table);
    reclaim_destroy(reclaim);
    return 0;
}

static void
publish(struct port *port, uint8_t n_queues)
{
    *port = (struct port){ .n_queues = n_queues };
    assert_int_equal(port_publish(table, port), 0);
}

static void
ignore(void *argument)
{
    (void)argument;
}

/* Whether a queue is in the set of a worker. */
static bool
is_in_set(unsigned worker, const struct port *port, unsigned queue)
{
    const struct poll_set *set = port_poll_set(table, worker);

    for (unsigned i = 0; i < set->n; i++) {
        if (set->polls[i].port == port && set->polls[i].queue == queue)
            return true;
    }
    return false;
}

/* A worker's turn under way. */
struct turn {
    unsigned worker;
    const struct poll_set *set;
    uint64_t epoch;
};

static struct turn
turn_begin(unsigned worker)
{
    struct turn turn = { .worker = worker };

    turn.set = port_turn_begin(table, worker, &turn.epoch);
    return turn;
}

static void
turn_end(const struct turn *turn)
{
    port_turn_end(table, turn->worker, turn->set, turn->epoch);
}

static void
turn(unsigned worker)
{
    const struct turn whole = turn_begin(worker);

    turn_end(&whole);
}

/* Whether a worker would poll a queue now. */
static bool
polls(unsigned worker, struct port *port, unsigned queue)
{
    const struct poll poll = { port, (uint16_t)queue };

    return is_in_set(worker, port, queue) && port_gate_is_open(table, &poll);
}

static void
queues_go_to_the_workers_with_the_fewest(void **state)
{
    struct port fabric, guests[3];
    (void)state;

    publish(&fabric, 2);
    for (unsigned i = 0; i < 3; i++)
        publish(&guests[i], 1);
    assert_true(is_in_set(0, &fabric, 0));
    assert_true(is_in_set(1, &fabric, 1));
    assert_true(is_in_set(2, &guests[0], 0));
    assert_true(is_in_set(0, &guests[1], 0));
    assert_true(is_in_set(1, &guests[2], 0));

    assert_int_equal(port_sender(&fabric, 0), 0);
    assert_int_equal(port_sender(&fabric, 1), 1);
    assert_int_equal(port_sender(&fabric, 2), 0); /* has none of its own */
    assert_int_equal(port_queue_of(&fabric, 2), 0);
    for (unsigned worker = 0; worker < WORKERS; worker++)
        assert_int_equal(port_sender(&guests[0], worker), 2);
    assert_int_equal(port_withdraw(table, &fabric, ignore, NULL), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(port_withdraw(table, &guests[i], ignore, NULL), 0);
}

static void
a_moved_queue_is_polled_when_all_that_was_received_is_on_its_way(void **state)
{
    struct port port;
    (void)state;

    publish(&port, 1);
    assert_true(polls(0, &port, 0));

    struct turn of_old = turn_begin(0), of_third = turn_begin(2);

    assert_int_equal(port_move(table, &port, 0, 1), 0);
    assert_false(polls(0, &port, 0));
    assert_false(polls(1, &port, 0));
    /* the turn in which the old worker still had it ends, and all others' do */
    turn_end(&of_old);
    turn(1);
    turn(1);
    assert_false(polls(1, &port, 0));
    /* the old worker lets it go; one who began before has not seen what it handed over */
    turn(0);
    turn_end(&of_third);
    turn(1);
    turn(0);
    assert_false(polls(1, &port, 0));
    turn(2);
    assert_true(polls(1, &port, 0));
    assert_false(polls(0, &port, 0));
    assert_int_equal(port_sender(&port, 1), 0);
    assert_int_equal(port_withdraw(table, &port, ignore, NULL), 0);
}

static void
a_queue_on_its_way_is_not_moved_again(void **state)
{
    struct port port;
    (void)state;

    publish(&port, 1);
    assert_int_equal(port_move(table, &port, 0, 2), 0);
    assert_int_equal(port_move(table, &port, 0, 0), -EBUSY);
    assert_int_equal(port_move(table, &port, 0, 2), 0); /* where it goes already */
    turn(0);
    for (unsigned worker = 0; worker < WORKERS; worker++)
        turn(worker);
    assert_int_equal(port_move(table, &port, 0, 0), -EBUSY);
    assert_true(polls(2, &port, 0));
    assert_int_equal(port_move(table, &port, 0, 0), 0);
    assert_int_equal(port_withdraw(table, &port, ignore, NULL), 0);
}

/* A worker that let a queue go and gets it back, before its next turn, still has it as leaving. */
static void
an_old_set_does_not_let_a_queue_go_for_another_worker(void **state)
{
    struct port port;
    (void)state;

    publish(&port, 1);
    assert_int_equal(port_move(table, &port, 0, 1), 0);
    turn(0);
    for (unsigned worker = 0; worker < WORKERS; worker++)
        turn(worker);

    const struct turn with_old_set = turn_begin(0);

    assert_int_equal(with_old_set.set->n_leaving, 1);
    assert_true(polls(1, &port, 0));
    assert_int_equal(port_move(table, &port, 0, 0), 0);
    turn_end(&with_old_set);
    for (unsigned worker = 0; worker < WORKERS; worker++) {
        if (worker != 1)
            turn(worker);
    }
    assert_false(polls(0, &port, 0));
    turn(1);
    for (unsigned worker = 0; worker < WORKERS; worker++)
        turn(worker);
    assert_true(polls(0, &port, 0));
    assert_int_equal(port_withdraw(table, &port, ignore, NULL), 0);
}

static void
a_queue_goes_round_and_round(void **state)
{
    struct port port, other;
    (void)state;

    publish(&port, 2);
    publish(&other, 1);
    for (unsigned i = 1; i < 100; i++) {
        const unsigned from = port.queues[1].receiver, to = (from + 1 + i % 2) % WORKERS;

        assert_int_equal(port_move(table, &port, 1, to), 0);
        for (unsigned worker = 0; worker < WORKERS; worker++)
            assert_false(polls(worker, &port, 1));
        turn(from);
        for (unsigned worker = 0; worker < WORKERS; worker++)
            turn(worker);
        for (unsigned worker = 0; worker < WORKERS; worker++)
            assert_true(polls(worker, &port, 1) == (worker == to));
        assert_true(polls(0, &port, 0));
        assert_true(polls(2, &other, 0));
        reclaim_drain(reclaim);
    }
    assert_int_equal(port_withdraw(table, &port, ignore, NULL), 0);
    assert_int_equal(port_withdraw(table, &other, ignore, NULL), 0);
}

static void
a_port_that_goes_takes_its_queues_along_that_are_on_their_way(void **state)
{
    struct port port;
    (void)state;

    publish(&port, 1);
    assert_int_equal(port_move(table, &port, 0, 1), 0);
    assert_int_equal(port_poll_set(table, 0)->n_leaving, 1);
    assert_int_equal(port_withdraw(table, &port, ignore, NULL), 0);
    for (unsigned worker = 0; worker < WORKERS; worker++) {
        assert_int_equal(port_poll_set(table, worker)->n, 0);
        assert_int_equal(port_poll_set(table, worker)->n_leaving, 0);
    }
}

static void
what_is_not_there_is_not_moved(void **state)
{
    struct port port;
    (void)state;

    publish(&port, 1);
    assert_int_equal(port_move(table, &port, 1, 1), -EINVAL);
    assert_int_equal(port_move(table, &port, 0, WORKERS), -EINVAL);
    assert_int_equal(port_withdraw(table, &port, ignore, NULL), 0);
}

/* An empty file of packets. */
static void
packet_file_write(char *path)
{
    const uint32_t header[] = { 0xa1b2c3d4, 2u | 4u << 16, 0, 0, 65535, 1 };
    const int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, header, sizeof(header)), sizeof(header));
    close(fd);
}

/* The null device says that it spreads by a hash of UDP ports, pcap does not. */
static void
an_underlay_port_gets_a_queue_pair_for_each_worker_and_an_access_port_one(void **state)
{
    struct rte_mempool *pool = rte_pktmbuf_pool_create("queues", 4095, 0, PACKET_PRIVATE_OCTETS,
                                                       RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    char path[] = "/tmp/test-port-queues-XXXXXX", spec[64], error[256];
    struct port *port;
    (void)state;

    assert_non_null(pool);
    assert_int_equal(port_open("null:", PORT_UNDERLAY, 0, WORKERS, pool, &port, error, 256), 0);
    assert_int_equal(port->n_queues, WORKERS);
    port_close(port);
    assert_int_equal(port_open("null:", PORT_ACCESS, 0, 1, pool, &port, error, 256), 0);
    assert_int_equal(port->n_queues, 1);
    port_close(port);
    packet_file_write(path);
    snprintf(spec, sizeof(spec), "pcap:%s,/dev/null", path);
    assert_int_equal(port_open(spec, PORT_UNDERLAY, 0, WORKERS, pool, &port, error, 256), 0);
    assert_int_equal(port->n_queues, 1);
    port_close(port);
    unlink(path);
    rte_mempool_free(pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(queues_go_to_the_workers_with_the_fewest, table_make,
                                        table_free),
        cmocka_unit_test_setup_teardown(
            a_moved_queue_is_polled_when_all_that_was_received_is_on_its_way, table_make,
            table_free),
        cmocka_unit_test_setup_teardown(a_queue_on_its_way_is_not_moved_again, table_make,
                                        table_free),
        cmocka_unit_test_setup_teardown(an_old_set_does_not_let_a_queue_go_for_another_worker,
                                        table_make, table_free),
        cmocka_unit_test_setup_teardown(a_queue_goes_round_and_round, table_make, table_free),
        cmocka_unit_test_setup_teardown(
            a_port_that_goes_takes_its_queues_along_that_are_on_their_way, table_make, table_free),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_not_moved, table_make, table_free),
        cmocka_unit_test(an_underlay_port_gets_a_queue_pair_for_each_worker_and_an_access_port_one),
    };

    return eal_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
