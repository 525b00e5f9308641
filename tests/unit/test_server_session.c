/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * control/server_session.h: two vRouter sessions against two route servers, octets carried by hand,
 * time made up.
 */

#include "tests/unit/rib_bench.h"
#include "tests/unit/rs_bench.h"

#include <errno.h>

#include "control/server_session.h"
#include "lib/base/log.h"

#define ITEM "192.0.2.11:7:10.0.0.1/32"

/* Both ends of two sessions. */
struct lab {
    struct bench bench; /* the RIB */
    struct publications publications;
    struct subscription *red;
    struct server_session sessions[2];
    bool wants_step[2];
    struct rs_bench rs[2];
};

static int64_t
lab_now(void *user)
{
    struct lab *lab = user;

    return lab->bench.now;
}

static void
lab_wants_step(void *user, struct server_session *session)
{
    struct lab *lab = user;

    lab->wants_step[session->index] = true;
}

static void
lab_rib_changed(void *user)
{
    (void)user;
}

static const struct session_host lab_host = {
    .now = lab_now,
    .wants_step = lab_wants_step,
    .rib_changed = lab_rib_changed,
};

/* Moves what one end has to say to the other. True if there was anything. */
static bool
carry(struct lab *lab, struct xmpp_session *from, struct xmpp_session *to)
{
    size_t length;
    const char *octets = xmpp_session_output(from, &length);

    if (length == 0)
        return false;
    char *copy = malloc(length);
    assert_non_null(copy);
    memcpy(copy, octets, length);
    xmpp_session_sent(from, length);
    xmpp_session_input(to, copy, length, (uint64_t)lab->bench.now);
    free(copy);
    return true;
}

/* Until nobody has anything to say. A millisecond passes each round. */
static void
settle(struct lab *lab)
{
    for (bool busy = true; busy;) {
        busy = false;
        lab->bench.now++;
        for (int i = 0; i < 2; i++) {
            struct server_session *session = &lab->sessions[i];
            if (session->client == NULL || lab->rs[i].server == NULL)
                continue;
            if (lab->wants_step[i]) {
                lab->wants_step[i] = server_session_step(session);
                busy = true;
            }
            struct xmpp_session *client = xmpp_client_session(session->client);
            struct xmpp_session *server = xmpp_server_session(lab->rs[i].server);
            busy |= carry(lab, client, server);
            busy |= carry(lab, server, client);
        }
    }
    bench_run(&lab->bench);
}

static void
connect_session(struct lab *lab, int i)
{
    struct xmpp_client_config config = XMPP_CLIENT_CONFIG_DEFAULT;

    config.tls = XMPP_TLS_NONE;
    config.local_part = "compute1";
    config.resource = "millrace";
    config.session.ping_interval_ms = config.session.keepalive_interval_ms = 1u << 30;
    assert_int_equal(server_session_open(&lab->sessions[i], &config), 0);
    rs_open(&lab->rs[i]);
    uint64_t now = (uint64_t)lab->bench.now;
    xmpp_session_connected(xmpp_server_session(lab->rs[i].server), now);
    xmpp_session_connected(xmpp_client_session(lab->sessions[i].client), now);
    settle(lab);
}

/* The server dies: its side is gone, ours finds the connection broken. */
static void
kill_session(struct lab *lab, int i)
{
    rs_close(&lab->rs[i]);
    xmpp_session_disconnected(xmpp_client_session(lab->sessions[i].client), "reset");
    server_session_release(&lab->sessions[i]);
    bench_run(&lab->bench);
}

/* Time passes, tick by tick. */
static void
pass(struct lab *lab, int64_t milliseconds)
{
    for (int64_t left = milliseconds; left > 0; left -= 1000) {
        lab->bench.now += left < 1000 ? left : 1000;
        for (int i = 0; i < 2; i++) {
            if (lab->sessions[i].client == NULL)
                continue;
            xmpp_session_tick(xmpp_client_session(lab->sessions[i].client),
                              (uint64_t)lab->bench.now);
            server_session_tick(&lab->sessions[i]);
        }
        settle(lab);
    }
}

static struct lab *
lab_open(void)
{
    struct lab *lab = calloc(1, sizeof(*lab));
    struct ip_addr forwarder = ip_addr_from_v4(0xc000020bu);

    assert_non_null(lab);
    log_level_set(LOG_LEVEL_ERROR);
    bench_open(&lab->bench, NULL);
    publications_init(&lab->publications, 2, &forwarder);
    for (int i = 0; i < 2; i++) {
        lab->rs[i].echo = true;
        lab->sessions[i] = (struct server_session){
            .name = i == 0 ? "rs1" : "rs2",
            .index = (uint8_t)i,
            .host = &lab_host,
            .user = lab,
            .rib = lab->bench.rib,
            .server = i == 0 ? lab->bench.rs1 : lab->bench.rs2,
            .publications = &lab->publications,
        };
        server_session_init(&lab->sessions[i]);
    }
    return lab;
}

static void
want_red(struct lab *lab)
{
    assert_int_equal(subscription_add(&lab->publications, lab->bench.red, "red", 7, &lab->red), 0);
    for (int i = 0; i < 2; i++)
        server_session_subscribe_anew(&lab->sessions[i], lab->red);
}

static void
publish(struct lab *lab, const struct route *route)
{
    struct publication *publication = publication_set(&lab->publications, lab->red, route);

    assert_non_null(publication);
    for (int i = 0; i < 2; i++)
        server_session_queue_route(&lab->sessions[i], publication);
}

static void
publish_p(struct lab *lab, uint8_t next_hop)
{
    struct route route = bench_route(P, next_hop);

    publish(lab, &route);
}

static void
retract_p(struct lab *lab)
{
    struct ip_prefix prefix = bench_prefix(P);
    struct publication *publication = publication_find(lab->red, &prefix);

    assert_non_null(publication);
    publication->wanted = false;
    for (int i = 0; i < 2; i++)
        server_session_queue_route(&lab->sessions[i], publication);
    publication_release(&lab->publications, publication);
}

static void
drop_red(struct lab *lab)
{
    struct publication *publication, *next;

    subscription_drop(&lab->publications, lab->red);
    for (publication = TAILQ_FIRST(&lab->red->order); publication != NULL; publication = next) {
        next = TAILQ_NEXT(publication, link);
        for (int i = 0; i < 2; i++)
            server_session_queue_route(&lab->sessions[i], publication);
        publication_release(&lab->publications, publication);
    }
    for (int i = 0; i < 2; i++)
        server_session_queue_subscription(&lab->sessions[i], lab->red);
    subscription_release(&lab->publications, lab->red);
}

static void
lab_close(struct lab *lab)
{
    for (int i = 0; i < 2; i++) {
        server_session_release(&lab->sessions[i]);
        xmpp_server_free(lab->rs[i].server);
    }
    publications_clear(&lab->publications);
    bench_close(&lab->bench);
    free(lab);
}

static void
c26_c27_c30_subscribes_at_every_server_with_one_instance_id(void **state)
{
    struct lab *lab = lab_open();
    (void)state;

    connect_session(lab, 0);
    assert_string_equal(rs_heard(&lab->rs[0]), "");
    want_red(lab);
    settle(lab);
    connect_session(lab, 1);
    assert_string_equal(rs_heard(&lab->rs[0]), "subscribe red 7; items red");
    assert_string_equal(rs_heard(&lab->rs[1]), "subscribe red 7; items red");
    assert_true(rib_is_in_sync(lab->bench.red, lab->bench.rs1));
    assert_int_equal(lab->sessions[1].state, SERVER_IN_SYNC);
    assert_string_equal(lab->sessions[0].jid, "compute1@ietf.org/millrace");
    lab_close(lab);
}

static void
c30_without_an_instance_id_none_is_sent(void **state)
{
    struct lab *lab = lab_open();
    (void)state;

    assert_int_equal(subscription_add(&lab->publications, lab->bench.red, "red", 0, &lab->red), 0);
    connect_session(lab, 0);
    assert_string_equal(rs_heard(&lab->rs[0]), "subscribe red -; items red");
    lab_close(lab);
}

static void
c28_a_second_interface_does_not_subscribe_again(void **state)
{
    struct lab *lab = lab_open();
    struct subscription *again;
    (void)state;

    want_red(lab);
    assert_int_equal(subscription_add(&lab->publications, lab->bench.red, "red", 7, &again),
                     -EEXIST);
    lab_close(lab);
}

static void
c29_leaves_after_the_last_retraction(void **state)
{
    struct lab *lab = lab_open();
    (void)state;

    want_red(lab);
    publish_p(lab, 11);
    connect_session(lab, 0);
    rs_heard(&lab->rs[0]);
    drop_red(lab);
    rib_vpn_remove(lab->bench.rib, lab->bench.red);
    settle(lab);
    assert_string_equal(rs_heard(&lab->rs[0]), "retract red " ITEM "; unsubscribe red");
    assert_true(TAILQ_EMPTY(&lab->publications.order));
    assert_int_equal(lab->sessions[0].n_known, 0);
    lab_close(lab);
}

static void
a_vpn_that_comes_back_at_once_is_subscribed_anew(void **state)
{
    struct lab *lab = lab_open();
    (void)state;

    want_red(lab);
    publish_p(lab, 11);
    connect_session(lab, 0);
    rs_heard(&lab->rs[0]);
    drop_red(lab);
    rib_vpn_remove(lab->bench.rib, lab->bench.red);
    lab->bench.red = rib_vpn_add(lab->bench.rib, "red", &lab->bench);
    want_red(lab);
    publish_p(lab, 12);
    settle(lab);
    assert_string_equal(rs_heard(&lab->rs[0]), "subscribe red 7; publish red " ITEM "; items red");
    assert_string_equal(bench_told(&lab->bench, P), "12");
    assert_int_equal(lab->sessions[0].state, SERVER_IN_SYNC);
    lab_close(lab);
}

/* An IPv6 address has colons, too: two item ids never mean the same text. */
static void
c34_item_ids_of_ipv6_forwarders_stay_apart(void **state)
{
    struct lab *lab = lab_open();
    struct ip_addr forwarder = { IP_V6, { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x11 } };
    struct publication *publication;
    struct route route = bench_route("2001:db8:a::/48", 16);
    (void)state;

    publications_init(&lab->publications, 2, &forwarder);
    want_red(lab);
    publication = publication_set(&lab->publications, lab->red, &route);
    assert_non_null(publication);
    assert_string_equal(publication->item_id, "[2001:db8::11]:7:2001:db8:a::/48");
    lab_close(lab);
}

static void
c16_c33_c34_publishes_at_every_server_and_after_each_reconnect(void **state)
{
    struct lab *lab = lab_open();
    (void)state;

    want_red(lab);
    connect_session(lab, 0);
    publish_p(lab, 11);
    settle(lab);
    assert_string_equal(rs_heard(&lab->rs[0]), "subscribe red 7; items red; publish red " ITEM);
    connect_session(lab, 1);
    assert_string_equal(rs_heard(&lab->rs[1]), "subscribe red 7; publish red " ITEM "; items red");
    assert_int_equal(lab->sessions[0].n_known, 1);
    assert_string_equal(bench_told(&lab->bench, P), "11");

    kill_session(lab, 0);
    rs_forget(&lab->rs[0]);
    connect_session(lab, 0);
    assert_string_equal(rs_heard(&lab->rs[0]), "subscribe red 7; publish red " ITEM "; items red");
    assert_string_equal(rs_heard(&lab->rs[1]), "");

    /* The same item is replaced. */
    publish_p(lab, 12);
    settle(lab);
    assert_string_equal(rs_heard(&lab->rs[1]), "publish red " ITEM);
    assert_string_equal(bench_told(&lab->bench, P), "12");
    lab_close(lab);
}

static void
c35_retracts_at_every_server(void **state)
{
    struct lab *lab = lab_open();
    (void)state;

    want_red(lab);
    publish_p(lab, 11);
    connect_session(lab, 0);
    connect_session(lab, 1);
    rs_heard(&lab->rs[0]);
    rs_heard(&lab->rs[1]);
    retract_p(lab);
    settle(lab);
    assert_string_equal(rs_heard(&lab->rs[0]), "retract red " ITEM);
    assert_string_equal(rs_heard(&lab->rs[1]), "retract red " ITEM);
    assert_string_equal(bench_told(&lab->bench, P), "");

    /* What was never said need not be taken back. */
    kill_session(lab, 1);
    publish_p(lab, 11);
    retract_p(lab);
    settle(lab);
    assert_string_equal(rs_heard(&lab->rs[0]), "");
    assert_null(TAILQ_FIRST(&lab->red->order));
    lab_close(lab);
}

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
        cmocka_unit_test(c26_c27_c30_subscribes_at_every_server_with_one_instance_id),
        cmocka_unit_test(c30_without_an_instance_id_none_is_sent),
        cmocka_unit_test(c28_a_second_interface_does_not_subscribe_again),
        cmocka_unit_test(c29_leaves_after_the_last_retraction),
        cmocka_unit_test(a_vpn_that_comes_back_at_once_is_subscribed_anew),
        cmocka_unit_test(c34_item_ids_of_ipv6_forwarders_stay_apart),
        cmocka_unit_test(c16_c33_c34_publishes_at_every_server_and_after_each_reconnect),
        cmocka_unit_test(c35_retracts_at_every_server),
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
