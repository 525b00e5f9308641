/* SPDX-License-Identifier: BSD-3-Clause */

/* control/rib.h: each rule of the choice between route servers, bounds and slices. */

#include "tests/unit/rib_bench.h"

#include <errno.h>

static void
c18_a_path_per_prefix_and_server(void **state)
{
    struct bench bench;
    (void)state;

    bench_open_with_both(&bench);
    assert_int_equal(bench_counts(&bench).paths, 2);
    assert_int_equal(bench_counts(&bench).prefixes, 1);
    assert_int_equal(bench.n_told, 1); /* the second path changes no next hop */
    assert_string_equal(bench_why(&bench, P), "*rs2 received later; rs1 received earlier");
    bench_close(&bench);
}

static void
c18_the_choice_is_made_per_entry(void **state)
{
    struct bench bench;
    struct route q1 = bench_route("10.0.0.2/32", 3), q2 = bench_route("10.0.0.2/32", 4);
    (void)state;

    bench_open_with_both(&bench);
    bench_announce(&bench, bench.rs2, 2);
    q1.local_preference = 200;
    bench_item(&bench, bench.rs1, "q", &q1);
    bench_item(&bench, bench.rs2, "q", &q2);
    assert_string_equal(bench_told(&bench, P), "2");
    assert_string_equal(bench_told(&bench, "10.0.0.2/32"), "3");
    bench_close(&bench);
}

static void
c19_not_withdrawn_before_every_server_has_withdrawn(void **state)
{
    struct bench bench;
    (void)state;

    bench_open_with_both(&bench);
    bench_retract(&bench, bench.rs1);
    assert_string_equal(bench_told(&bench, P), "1");
    assert_int_equal(bench.n_told, 1);
    assert_string_equal(bench_why(&bench, P), "*rs2 only path");
    bench_retract(&bench, bench.rs2);
    assert_string_equal(bench_told(&bench, P), "");
    assert_int_equal(bench_counts(&bench).prefixes, 0);
    assert_int_equal(rib_retract(bench.rib, bench.red, bench.rs2, "p"), -ENOENT);
    bench_close(&bench);
}

static void
c20_local_preference_then_sequence_then_server_address(void **state)
{
    static const struct {
        uint32_t preference[2], sequence[2];
        int64_t delay; /* of the second server's item */
        const char *told, *why;
    } cases[] = {
        { { 200, 100 },
          { 1, 9 },
          1,
          "1",
          "*rs1 higher local-preference 200; rs2 lower local-preference 100" },
        { { 100, 200 },
          { 9, 1 },
          1,
          "2",
          "*rs2 higher local-preference 200; rs1 lower local-preference 100" },
        { { 100, 100 },
          { 1790000123, 7 },
          1,
          "1",
          "*rs1 newer sequence 1790000123; rs2 older sequence 7" },
        { { 100, 100 },
          { 7, 4294967295 },
          1,
          "2",
          "*rs2 newer sequence 4294967295; rs1 older sequence 7" },
        { { 100, 100 }, { 7, 7 }, 1, "2", "*rs2 received later; rs1 received earlier" },
        { { 100, 100 }, { 7, 7 }, 0, "1", "*rs1 lower server address; rs2 higher server address" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int order = 0; order < 2; order++) {
            struct bench bench;
            struct rib_server *server[2];
            bench_open(&bench, NULL);
            server[0] = bench.rs1;
            server[1] = bench.rs2;
            /* Received at set times; in either order of calls when together. */
            for (int n = 0; n < 2; n++) {
                int which = cases[i].delay == 0 ? n ^ order : n;
                struct route route = bench_route(P, (uint8_t)(which + 1));
                route.local_preference = cases[i].preference[which];
                route.sequence_number = cases[i].sequence[which];
                bench_live(&bench, server[which]);
                assert_int_equal(rib_item(bench.rib, bench.red, server[which], "p", &route,
                                          bench.now + which * cases[i].delay),
                                 0);
            }
            assert_string_equal(bench_told(&bench, P), cases[i].told);
            assert_string_equal(bench_why(&bench, P), cases[i].why);
            bench_close(&bench);
        }
    }
}

/* Two servers at one address, as in a lab; two items of one server. */
static void
what_arrived_together_is_ordered_to_the_end(void **state)
{
    struct bench bench;
    struct route route = bench_route(P, 1);
    (void)state;

    bench_open(&bench, NULL);
    rib_server_add(bench.rib, "rs2", rib_server_address(bench.rs1));
    bench_live(&bench, bench.rs1);
    bench_live(&bench, bench.rs2);
    rib_item(bench.rib, bench.red, bench.rs1, "p", &route, bench.now);
    rib_item(bench.rib, bench.red, bench.rs2, "p", &route, bench.now);
    assert_string_equal(bench_why(&bench, P), "*rs1 lower server name; rs2 higher server name");
    rib_retract(bench.rib, bench.red, bench.rs1, "p");
    rib_item(bench.rib, bench.red, bench.rs2, "o", &route, bench.now);
    assert_string_equal(bench_why(&bench, P), "*rs2 lower item id; rs2 higher item id");
    bench_close(&bench);
}

static void
c21_among_equals_the_more_recent_positive_update_wins(void **state)
{
    struct bench bench;
    (void)state;

    bench_open_with_both(&bench);
    bench_announce(&bench, bench.rs1, 2);
    assert_string_equal(bench_told(&bench, P), "2");
    bench_announce(&bench, bench.rs2, 3);
    assert_string_equal(bench_told(&bench, P), "3");
    bench_close(&bench);
}

static void
c21_an_item_repeated_unchanged_is_no_news(void **state)
{
    struct bench bench;
    struct rib_counts before;
    (void)state;

    bench_open_with_both(&bench);
    bench_announce(&bench, bench.rs2, 2);
    before = bench_counts(&bench);
    bench_announce(&bench, bench.rs1, 1);
    assert_string_equal(bench_told(&bench, P), "2");
    assert_int_equal(bench_counts(&bench).generation, before.generation);

    /* Nor is a resynchronisation. */
    bench_lose(&bench, bench.rs1);
    bench_live(&bench, bench.rs1);
    bench_announce(&bench, bench.rs1, 1);
    bench_sync(&bench, bench.rs1);
    assert_string_equal(bench_told(&bench, P), "2");
    assert_string_equal(bench_why(&bench, P), "*rs2 received later; rs1 received earlier");
    bench_close(&bench);
}

static void
live_beats_stale_whatever_its_preference(void **state)
{
    struct bench bench;
    struct route preferred = bench_route(P, 5);
    (void)state;

    bench_open_with_both(&bench);
    preferred.local_preference = 500;
    bench_item(&bench, bench.rs1, "p", &preferred);
    assert_string_equal(bench_told(&bench, P), "5");
    bench_lose(&bench, bench.rs1);
    assert_string_equal(bench_told(&bench, P), "1");
    assert_string_equal(bench_why(&bench, P), "*rs2 live beats stale; rs1 stale");
    bench_close(&bench);
}

static void
c06_a_refused_next_hop_lets_the_next_best_through(void **state)
{
    struct bench bench;
    (void)state;

    bench_open_with_both(&bench);
    bench.refused_label = 1002;
    bench_announce(&bench, bench.rs2, 2);
    assert_string_equal(bench_told(&bench, P), "1");
    assert_string_equal(bench_why(&bench, P), "*rs1 only usable path; rs2 next hop refused");

    bench.refused_label = 1001;
    rib_reconsider(bench.rib, bench.red);
    bench_run(&bench);
    assert_string_equal(bench_told(&bench, P), "2");

    bench_retract(&bench, bench.rs2);
    assert_string_equal(bench_told(&bench, P), "");
    assert_string_equal(bench_why(&bench, P), "rs1 next hop refused");
    bench.refused_label = 0;
    rib_reconsider(bench.rib, NULL);
    bench_run(&bench);
    assert_string_equal(bench_told(&bench, P), "1");
    bench_close(&bench);
}

static void
c38_several_next_hops_are_one_path(void **state)
{
    struct bench bench;
    struct route route = bench_route(P, 3);
    (void)state;

    bench_open(&bench, NULL);
    bench_live(&bench, bench.rs1);
    route.n_next_hops = 4;
    route.next_hops[1] = bench_route(P, 1).next_hops[0];
    route.next_hops[2] = bench_route(P, 2).next_hops[0];
    route.next_hops[3] = bench_route(P, 1).next_hops[0];
    bench_item(&bench, bench.rs1, "p", &route);
    assert_string_equal(bench_told(&bench, P), "1,2,3");

    /* Another order of the same next hops is no change. */
    route.next_hops[0] = bench_route(P, 2).next_hops[0];
    route.next_hops[2] = bench_route(P, 3).next_hops[0];
    bench_item(&bench, bench.rs1, "p", &route);
    assert_int_equal(bench.n_told, 1);

    /* The ones that are refused are left out; the others stay. */
    bench.refused_label = 1002;
    rib_reconsider(bench.rib, bench.red);
    bench_run(&bench);
    assert_string_equal(bench_told(&bench, P), "1,3");
    bench_announce(&bench, bench.rs1, 1);
    assert_string_equal(bench_told(&bench, P), "1");
    bench_item(&bench, bench.rs1, "p", &route);
    assert_string_equal(bench_told(&bench, P), "1,3");
    bench_close(&bench);
}

static void
c39_only_servers_fill_the_rib(void **state)
{
    struct bench bench;
    struct route route = bench_route(P, 1);
    (void)state;

    bench_open(&bench, NULL);
    assert_int_equal(rib_item(bench.rib, bench.red, bench.rs1, "p", &route, 0), -EINVAL);
    assert_int_equal(bench.n_told, 0);
    bench_close(&bench);
}

static void
c37_item_ids_are_opaque(void **state)
{
    struct bench bench;
    struct route p = bench_route(P, 1), q = bench_route("10.0.0.2/32", 1);
    char long_id[RIB_ITEM_ID_MAX + 2];
    (void)state;

    bench_open(&bench, NULL);
    bench_live(&bench, bench.rs1);
    /* Two items for one prefix, as a generic server may hold. */
    bench_item(&bench, bench.rs1, "a b\n\xc3\xa4", &p);
    p.next_hops[0].label = 2000;
    bench_item(&bench, bench.rs1, "other", &p);
    assert_int_equal(bench_counts(&bench).paths, 2);
    assert_string_equal(bench_why(&bench, P), "*rs1 received later; rs1 received earlier");

    /* An item that comes again with another prefix moves. */
    bench_item(&bench, bench.rs1, "other", &q);
    assert_int_equal(bench_counts(&bench).paths, 2);
    assert_string_equal(bench_why(&bench, P), "*rs1 only path");
    assert_string_equal(bench_told(&bench, "10.0.0.2/32"), "1");
    bench_item(&bench, bench.rs1, "a b\n\xc3\xa4", &q);
    assert_string_equal(bench_told(&bench, P), "");
    assert_int_equal(bench_counts(&bench).prefixes, 1);

    memset(long_id, 'x', sizeof(long_id));
    long_id[sizeof(long_id) - 1] = '\0';
    assert_int_equal(rib_item(bench.rib, bench.red, bench.rs1, long_id, &p, 0), -EINVAL);
    assert_int_equal(rib_item(bench.rib, bench.red, bench.rs1, "", &p, 0), -EINVAL);
    p.n_next_hops = 0;
    assert_int_equal(rib_item(bench.rib, bench.red, bench.rs1, "x", &p, 0), -EINVAL);
    assert_int_equal(bench_counts(&bench).refused_invalid, 3);
    bench_close(&bench);
}

/* ---- Bounds, slices, VPNs ---- */

static void
limits_refuse_and_count(void **state)
{
    static const struct rib_limits limits = { 2, 3, RIB_STALE_MS_DEFAULT, RIB_HEADLESS_MS_DEFAULT };
    struct bench bench;
    struct route a = bench_route("10.0.0.1/32", 1), b = bench_route("10.0.0.2/32", 1),
                 c = bench_route("10.0.0.3/32", 1);
    (void)state;

    bench_open(&bench, &limits);
    bench_live(&bench, bench.rs1);
    bench_live(&bench, bench.rs2);
    bench_item(&bench, bench.rs1, "a", &a);
    bench_item(&bench, bench.rs1, "b", &b);
    assert_int_equal(rib_item(bench.rib, bench.red, bench.rs1, "c", &c, 0), -ENOSPC);
    bench_item(&bench, bench.rs1, "b", &c); /* a known one may change */
    bench_item(&bench, bench.rs2, "a", &a);
    assert_int_equal(rib_item(bench.rib, bench.red, bench.rs2, "b", &b, 0), -ENOSPC);
    assert_int_equal(bench_counts(&bench).refused_limit, 2);

    /* A server that comes back with other item ids finds room. */
    bench_lose(&bench, bench.rs1);
    bench_live(&bench, bench.rs1);
    bench_item(&bench, bench.rs1, "new-a", &a);
    bench_item(&bench, bench.rs1, "new-c", &c);
    assert_int_equal(bench_counts(&bench).paths, 3);
    bench_close(&bench);
}

static void
long_work_is_done_in_slices(void **state)
{
    struct bench bench;
    const int n = 3 * RIB_SLICE;
    int64_t next;
    int slices = 0;
    (void)state;

    bench_open(&bench, NULL);
    bench_live(&bench, bench.rs1);
    for (int i = 0; i < n; i++) {
        struct route route = bench_route(P, 1);
        char id[16];
        snprintf(id, sizeof(id), "%d", i);
        route.prefix.addr = ip_addr_from_v4(0x0a010000u + (uint32_t)i);
        bench_item(&bench, bench.rs1, id, &route);
    }
    assert_int_equal(bench.n_told, n);
    rib_session_lost(bench.rib, bench.rs1, bench.now);
    while ((next = rib_run(bench.rib, bench.now)) == bench.now)
        slices++;
    assert_true(slices >= 2 && slices <= 4);
    assert_int_equal(next, bench.now + RIB_HEADLESS_MS_DEFAULT);

    /* The session returns with nothing, the sweep begins, and the VPN goes in the middle of it. */
    bench_live(&bench, bench.rs1);
    rib_in_sync(bench.rib, bench.red, bench.rs1, bench.now);
    rib_run(bench.rib, bench.now);
    assert_int_equal(bench_counts(&bench).swept, RIB_SLICE);
    rib_vpn_remove(bench.rib, bench.red);
    rib_run(bench.rib, bench.now);
    assert_null(rib_vpn_find(bench.rib, "red"));

    /* One of the same name does not mind that the former one is still being taken apart. */
    bench.red = rib_vpn_add(bench.rib, "red", &bench);
    assert_non_null(bench.red);
    assert_true(bench_counts(&bench).paths > 0);
    bench_announce(&bench, bench.rs1, 1);
    bench_run(&bench);
    assert_int_equal(bench_counts(&bench).paths, 1);
    assert_int_equal(bench.n_told, n + RIB_SLICE + 1); /* what was swept; nothing of the removed */
    bench_close(&bench);
}

static void
a_removed_vpn_is_taken_apart(void **state)
{
    struct bench bench;
    (void)state;

    bench_open_with_both(&bench);
    assert_null(rib_vpn_add(bench.rib, "red", NULL));
    assert_null(rib_vpn_add(bench.rib, "", NULL));
    assert_null(rib_vpn_add(bench.rib, "r\xc3\xa4", NULL));
    assert_ptr_equal(rib_vpn_find(bench.rib, "red"), bench.red);
    rib_vpn_remove(bench.rib, bench.red);
    bench_run(&bench);
    assert_int_equal(bench.n_told, 1); /* nothing is said of it any more */
    assert_int_equal(bench_counts(&bench).paths, 0);
    assert_int_equal(bench_counts(&bench).vpns, 0);
    bench_close(&bench);
}

static void
vpns_do_not_see_each_other(void **state)
{
    struct bench bench;
    struct rib_vpn *blue;
    struct ip_prefix p = bench_prefix(P);
    (void)state;

    bench_open_with_both(&bench);
    blue = rib_vpn_add(bench.rib, "blue", NULL);
    assert_int_equal(rib_show(bench.rib, blue, &p, bench_write_view, NULL), -ENOENT);
    assert_int_equal(rib_retract(bench.rib, blue, bench.rs1, "p"), -ENOENT);
    bench_close(&bench);
}

static void
paths_are_listed_page_by_page(void **state)
{
    struct bench bench;
    struct ip_prefix after = bench_prefix(P);
    struct route q = bench_route("10.0.0.2/32", 2), r = bench_route("10.0.0.3/32", 2);
    char text[512] = "";
    (void)state;

    bench_open_with_both(&bench);
    bench_item(&bench, bench.rs1, "q", &q);
    bench_item(&bench, bench.rs2, "r", &r);
    assert_int_equal(rib_list(bench.rib, bench.red, NULL, 1, bench_write_view, text), 1);
    assert_string_equal(text, "*rs2 received later; rs1 received earlier");
    text[0] = '\0';
    assert_int_equal(rib_list(bench.rib, bench.red, &after, 9, bench_write_view, text), 2);
    assert_string_equal(text, "*rs1 only path; *rs2 only path");
    after = bench_prefix("10.9.9.9/32");
    assert_int_equal(rib_list(bench.rib, bench.red, &after, 9, bench_write_view, text), -ENOENT);
    bench_close(&bench);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(c18_a_path_per_prefix_and_server),
        cmocka_unit_test(c18_the_choice_is_made_per_entry),
        cmocka_unit_test(c19_not_withdrawn_before_every_server_has_withdrawn),
        cmocka_unit_test(c20_local_preference_then_sequence_then_server_address),
        cmocka_unit_test(what_arrived_together_is_ordered_to_the_end),
        cmocka_unit_test(c21_among_equals_the_more_recent_positive_update_wins),
        cmocka_unit_test(c21_an_item_repeated_unchanged_is_no_news),
        cmocka_unit_test(live_beats_stale_whatever_its_preference),
        cmocka_unit_test(c06_a_refused_next_hop_lets_the_next_best_through),
        cmocka_unit_test(c38_several_next_hops_are_one_path),
        cmocka_unit_test(c39_only_servers_fill_the_rib),
        cmocka_unit_test(c37_item_ids_are_opaque),
        cmocka_unit_test(limits_refuse_and_count),
        cmocka_unit_test(long_work_is_done_in_slices),
        cmocka_unit_test(a_removed_vpn_is_taken_apart),
        cmocka_unit_test(vpns_do_not_see_each_other),
        cmocka_unit_test(paths_are_listed_page_by_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
