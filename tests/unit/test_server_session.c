/* SPDX-License-Identifier: BSD-3-Clause */

/* control/server_session.h: what a vRouter subscribes to, publishes and retracts at its servers. */

#include "tests/unit/session_lab.h"

#include <errno.h>

#define ITEM "192.0.2.11:7:10.0.0.1/32"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
