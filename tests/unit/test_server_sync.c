/* SPDX-License-Identifier: BSD-3-Clause */

/* control/server_session.h: until a session is in sync, and what becomes of the routes of servers
 * that do not answer, refuse or die. */

#include "tests/unit/session_lab.h"

#define ITEM "192.0.2.11:7:10.0.0.1/32"

static void
in_sync_waits_for_a_server_that_waits_itself(void **state)
{
    struct lab *lab = lab_open();
    struct route route = bench_route(P, 5);
    (void)state;

    want_red(lab);
    rs_store(&lab->rs[0], "red", "p", &route);
    connect_session(lab, 0);
    assert_string_equal(bench_told(&lab->bench, P), "5");
    kill_session(lab, 0);
    rs_forget(&lab->rs[0]);

    /* It comes back empty, and its answer is held back until it has heard from everyone. */
    lab->rs[0].hold_items = true;
    connect_session(lab, 0);
    pass(lab, 60000);
    assert_false(rib_is_in_sync(lab->bench.red, lab->bench.rs1));
    assert_int_equal(lab->sessions[0].state, SERVER_SYNCING);
    assert_string_equal(bench_told(&lab->bench, P), "5");
    rs_store(&lab->rs[0], "red", "p", &route);
    rs_release(&lab->rs[0]);
    settle(lab);
    assert_true(rib_is_in_sync(lab->bench.red, lab->bench.rs1));
    assert_string_equal(bench_told(&lab->bench, P), "5");
    assert_int_equal(lab->bench.n_told, 1);
    lab_close(lab);
}

static void
items_not_answered_in_time_are_asked_for_again(void **state)
{
    struct lab *lab = lab_open();
    (void)state;

    want_red(lab);
    lab->rs[0].hold_items = true;
    connect_session(lab, 0);
    assert_string_equal(rs_heard(&lab->rs[0]), "subscribe red 7; items red");
    pass(lab, SESSION_ITEMS_TIMEOUT_MS + 1000);
    assert_string_equal(rs_heard(&lab->rs[0]), "items red");
    assert_false(rib_is_in_sync(lab->bench.red, lab->bench.rs1));
    lab_close(lab);
}

static void
a_server_without_items_is_in_sync_once_it_is_quiet(void **state)
{
    struct lab *lab = lab_open();
    (void)state;

    want_red(lab);
    lab->rs[0].refuse_items = "feature-not-implemented";
    connect_session(lab, 0);
    pass(lab, SESSION_QUIET_MS - 1000);
    assert_false(rib_is_in_sync(lab->bench.red, lab->bench.rs1));
    publish_p(lab, 3); /* its echo is an item */
    settle(lab);
    pass(lab, SESSION_QUIET_MS - 1000);
    assert_false(rib_is_in_sync(lab->bench.red, lab->bench.rs1));
    pass(lab, 1000);
    assert_true(rib_is_in_sync(lab->bench.red, lab->bench.rs1));
    assert_int_equal(lab->sessions[0].state, SERVER_IN_SYNC);
    lab_close(lab);
}

static void
a_node_that_does_not_exist_yet_is_subscribed_to_later(void **state)
{
    struct lab *lab = lab_open();
    (void)state;

    want_red(lab);
    publish_p(lab, 11);
    lab->rs[0].refuse_subscribe = "item-not-found";
    connect_session(lab, 0);
    assert_string_equal(rs_heard(&lab->rs[0]), "subscribe red 7; publish red " ITEM);
    assert_int_equal(lab->sessions[0].requests_failed, 1);
    lab->rs[0].refuse_subscribe = NULL;
    pass(lab, SESSION_RETRY_MS);
    assert_string_equal(rs_heard(&lab->rs[0]), "subscribe red 7; items red");
    assert_true(rib_is_in_sync(lab->bench.red, lab->bench.rs1));
    lab_close(lab);
}

static void
a_refused_publication_is_tried_again(void **state)
{
    struct lab *lab = lab_open();
    (void)state;

    want_red(lab);
    publish_p(lab, 11);
    lab->rs[0].refuse_publish = "forbidden";
    connect_session(lab, 0);
    assert_int_equal(lab->sessions[0].n_known, 0);
    assert_int_equal(lab->sessions[0].requests_failed, 1);
    rs_heard(&lab->rs[0]);
    lab->rs[0].refuse_publish = NULL;
    pass(lab, 1000);
    assert_string_equal(rs_heard(&lab->rs[0]), "");
    pass(lab, SESSION_RETRY_MS);
    assert_string_equal(rs_heard(&lab->rs[0]), "publish red " ITEM);
    assert_int_equal(lab->sessions[0].n_known, 1);
    assert_int_equal(lab->sessions[0].n_failed, 0);
    lab_close(lab);
}

static void
a_large_set_is_published_in_steps(void **state)
{
    struct lab *lab = lab_open();
    const unsigned n = RS_ITEMS - 10;
    (void)state;

    want_red(lab);
    for (unsigned i = 0; i < n; i++) {
        struct route route = bench_route(P, 11);
        route.prefix.addr = ip_addr_from_v4(0x0a000100u + i);
        publish(lab, &route);
    }
    connect_session(lab, 0);
    assert_int_equal(lab->rs[0].n_publishes, n);
    assert_int_equal(lab->sessions[0].n_known, n);
    assert_true(server_session_is_idle(&lab->sessions[0]));
    assert_int_equal(rib_vpn_prefixes(lab->bench.red), n);
    lab_close(lab);
}

static void
a_server_that_does_not_answer_is_not_flooded(void **state)
{
    struct lab *lab = lab_open();
    const unsigned n = SESSION_IN_FLIGHT_MAX + 50;
    int steps = 0;
    (void)state;

    want_red(lab);
    connect_session(lab, 0);
    for (unsigned i = 0; i < n; i++) {
        struct route route = bench_route(P, 11);
        route.prefix.addr = ip_addr_from_v4(0x0a000100u + i);
        publish(lab, &route);
    }
    while (server_session_step(&lab->sessions[0]))
        steps++;
    assert_int_equal(steps, SESSION_IN_FLIGHT_MAX / SESSION_STEP_MAX);
    assert_int_equal(lab->sessions[0].in_flight, SESSION_IN_FLIGHT_MAX);

    /* It dies in the middle; nothing is forgotten. */
    kill_session(lab, 0);
    assert_int_equal(lab->sessions[0].in_flight, 0);
    connect_session(lab, 0);
    assert_int_equal(lab->sessions[0].n_known, n);
    lab_close(lab);
}

/* The demo's order of failures, with everything in between as the servers say it. */
static void
c21_killed_one_after_the_other_no_route_is_lost(void **state)
{
    struct lab *lab = lab_open();
    struct route remote = bench_route("10.0.0.9/32", 12);
    (void)state;

    want_red(lab);
    publish_p(lab, 11);
    for (int i = 0; i < 2; i++) {
        rs_store(&lab->rs[i], "red", "remote", &remote);
        connect_session(lab, i);
    }
    assert_int_equal(lab->bench.n_told, 2);
    assert_string_equal(bench_told(&lab->bench, "10.0.0.9/32"), "12");

    kill_session(lab, 0);
    rs_forget(&lab->rs[0]);
    lab->rs[0].hold_items = true;
    connect_session(lab, 0); /* comes back, has only what we publish */
    kill_session(lab, 1);
    assert_string_equal(bench_told(&lab->bench, "10.0.0.9/32"), "12");
    rs_store(&lab->rs[0], "red", "remote", &remote);
    rs_release(&lab->rs[0]);
    settle(lab);
    assert_string_equal(bench_why(&lab->bench, "10.0.0.9/32"), "*rs1 live beats stale; rs2 stale");
    kill_session(lab, 0);
    assert_string_equal(bench_told(&lab->bench, "10.0.0.9/32"), "12");
    assert_string_equal(bench_told(&lab->bench, P), "11");
    assert_int_equal(lab->bench.n_told, 2); /* not once was forwarding touched */
    lab_close(lab);
}

static void
c36_notifications_add_replace_and_retract(void **state)
{
    struct lab *lab = lab_open();
    struct route route = bench_route(P, 5);
    struct xmpp_server *server;
    (void)state;

    want_red(lab);
    connect_session(lab, 0);
    server = lab->rs[0].server;
    xmpp_server_notify_item(server, "red", "p", &route);
    route = bench_route("10.0.0.2/32", 6);
    xmpp_server_notify_item(server, "red", "q", &route);
    xmpp_server_notify_item(server, "blue", "x", &route); /* not ours: ignored */
    xmpp_server_flush(server);
    settle(lab);
    assert_string_equal(bench_told(&lab->bench, P), "5");
    assert_string_equal(bench_told(&lab->bench, "10.0.0.2/32"), "6");
    route = bench_route(P, 7);
    xmpp_server_notify_item(server, "red", "p", &route);
    xmpp_server_notify_retract(server, "red", "q");
    xmpp_server_notify_retract(server, "red", "unknown");
    xmpp_server_flush(server);
    settle(lab);
    assert_string_equal(bench_told(&lab->bench, P), "7");
    assert_string_equal(bench_told(&lab->bench, "10.0.0.2/32"), "");
    assert_int_equal(bench_counts(&lab->bench).unknown_retract, 1);
    lab_close(lab);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_sync_waits_for_a_server_that_waits_itself),
        cmocka_unit_test(items_not_answered_in_time_are_asked_for_again),
        cmocka_unit_test(a_server_without_items_is_in_sync_once_it_is_quiet),
        cmocka_unit_test(a_node_that_does_not_exist_yet_is_subscribed_to_later),
        cmocka_unit_test(a_refused_publication_is_tried_again),
        cmocka_unit_test(a_large_set_is_published_in_steps),
        cmocka_unit_test(a_server_that_does_not_answer_is_not_flooded),
        cmocka_unit_test(c21_killed_one_after_the_other_no_route_is_lost),
        cmocka_unit_test(c36_notifications_add_replace_and_retract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
