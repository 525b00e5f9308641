/* SPDX-License-Identifier: BSD-3-Clause */

/* control/rib.h: what outlives the session that brought it, and until when. */

#include "tests/unit/rib_bench.h"

#define MINUTES (60 * 1000ll)
#define DAYS    (24 * 60 * MINUTES)

static void
rs1_dies_comes_back_empty_and_rs2_dies_at_once(void **state)
{
    struct bench bench;
    (void)state;

    bench_open_with_both(&bench);
    bench_lose(&bench, bench.rs1);
    bench_live(&bench, bench.rs1); /* and has nothing yet */
    bench_lose(&bench, bench.rs2);
    assert_string_equal(bench_told(&bench, P), "1");
    bench_sync(&bench, bench.rs1); /* even if it believes to be in sync */
    assert_string_equal(bench_told(&bench, P), "1");
    assert_string_equal(bench_why(&bench, P), "*rs2 only path");
    bench_announce(&bench, bench.rs1, 1);
    assert_string_equal(bench_why(&bench, P), "*rs1 live beats stale; rs2 stale");
    assert_int_equal(bench.n_told, 1);
    bench_close(&bench);
}

static void
both_die_and_everything_stays(void **state)
{
    struct bench bench;
    struct rib_server_counts counts;
    (void)state;

    bench_open_with_both(&bench);
    bench_lose(&bench, bench.rs1);
    bench_lose(&bench, bench.rs2);
    bench_wait(&bench, 29 * DAYS);
    assert_string_equal(bench_told(&bench, P), "1");
    rib_server_counts(bench.rs2, &counts);
    assert_int_equal(counts.paths, 1);
    assert_int_equal(counts.stale, 1);
    assert_int_equal(counts.chosen, 1);
    bench_wait(&bench, 1 * DAYS);
    assert_string_equal(bench_told(&bench, P), "");
    assert_int_equal(bench_counts(&bench).expired, 2);
    bench_close(&bench);
}

static void
own_server_in_sync_without_it_sweeps_a_stale_path(void **state)
{
    struct bench bench;
    (void)state;

    bench_open_with_both(&bench);
    bench_retract(&bench, bench.rs2);
    bench_lose(&bench, bench.rs1);
    bench_wait(&bench, 4 * MINUTES);
    bench_live(&bench, bench.rs1);
    assert_string_equal(bench_told(&bench, P), "1");
    bench_sync(&bench, bench.rs1);
    assert_string_equal(bench_told(&bench, P), "");
    assert_int_equal(bench_counts(&bench).swept, 1);
    bench_close(&bench);
}

static void
a_retract_by_a_live_server_in_sync_removes_stale_ones(void **state)
{
    struct bench bench;
    (void)state;

    bench_open_with_both(&bench);
    bench_lose(&bench, bench.rs2);
    bench_retract(&bench, bench.rs1);
    assert_string_equal(bench_told(&bench, P), "");
    assert_int_equal(bench_counts(&bench).retracted_stale, 1);
    bench_close(&bench);
}

static void
a_retract_before_in_sync_leaves_stale_ones(void **state)
{
    struct bench bench;
    (void)state;

    bench_open_with_both(&bench);
    bench_lose(&bench, bench.rs1);
    bench_lose(&bench, bench.rs2);
    bench_live(&bench, bench.rs1);
    bench_announce(&bench, bench.rs1, 1);
    bench_retract(&bench, bench.rs1);
    assert_string_equal(bench_told(&bench, P), "1");
    assert_string_equal(bench_why(&bench, P), "*rs2 only path");
    bench_close(&bench);
}

static void
a_retract_of_one_item_of_two_leaves_stale_ones(void **state)
{
    struct bench bench;
    struct route second = bench_route(P, 2);
    (void)state;

    bench_open_with_both(&bench);
    bench_item(&bench, bench.rs1, "second", &second);
    bench_lose(&bench, bench.rs2);
    bench_retract(&bench, bench.rs1);
    assert_string_equal(bench_why(&bench, P), "*rs1 live beats stale; rs2 stale");
    bench_close(&bench);
}

static void
an_unusable_replacement_is_no_retraction(void **state)
{
    struct bench bench;
    (void)state;

    bench_open_with_both(&bench);
    bench_lose(&bench, bench.rs2);
    rib_item_unusable(bench.rib, bench.red, bench.rs1, "p");
    assert_string_equal(bench_told(&bench, P), "1");
    assert_string_equal(bench_why(&bench, P), "*rs2 only path");
    bench_close(&bench);
}

static void
absence_at_another_server_is_no_withdrawal(void **state)
{
    struct bench bench;
    (void)state;

    bench_open(&bench, NULL);
    bench_live(&bench, bench.rs1);
    bench_live(&bench, bench.rs2);
    bench_announce(&bench, bench.rs1, 1);
    bench_sync(&bench, bench.rs1);
    bench_sync(&bench, bench.rs2);
    bench_lose(&bench, bench.rs1);
    bench_lose(&bench, bench.rs2);
    bench_live(&bench, bench.rs2);
    bench_sync(&bench, bench.rs2);
    assert_string_equal(bench_told(&bench, P), "1");
    bench_close(&bench);
}

static void
the_short_timer_runs_while_another_server_is_in_sync(void **state)
{
    struct bench bench;
    (void)state;

    bench_open(&bench, NULL);
    bench_live(&bench, bench.rs1);
    bench_live(&bench, bench.rs2);
    bench_announce(&bench, bench.rs1, 1);
    bench_sync(&bench, bench.rs2);
    bench_lose(&bench, bench.rs1);
    bench_wait(&bench, 5 * MINUTES - 1);
    assert_string_equal(bench_told(&bench, P), "1");
    assert_int_equal(bench_run(&bench), bench.now + 1);
    bench_wait(&bench, 1);
    assert_string_equal(bench_told(&bench, P), "");
    assert_int_equal(bench_counts(&bench).expired, 1);
    bench_close(&bench);
}

static void
the_short_timer_starts_anew_when_the_other_server_comes_later(void **state)
{
    struct bench bench;
    (void)state;

    bench_open_with_both(&bench);
    bench_lose(&bench, bench.rs1);
    bench_lose(&bench, bench.rs2);
    bench_wait(&bench, 60 * MINUTES);
    bench_live(&bench, bench.rs1);
    bench_sync(&bench, bench.rs1);
    assert_string_equal(bench_told(&bench, P), "1");
    bench_wait(&bench, 4 * MINUTES);
    bench_lose(&bench, bench.rs1); /* the clock stops */
    bench_wait(&bench, 60 * MINUTES);
    bench_live(&bench, bench.rs1);
    bench_sync(&bench, bench.rs1);
    bench_wait(&bench, 5 * MINUTES - 1);
    assert_string_equal(bench_told(&bench, P), "1");
    bench_wait(&bench, 1);
    assert_string_equal(bench_told(&bench, P), "");
    bench_close(&bench);
}

static void
sessions_that_end_before_sync_lose_nothing(void **state)
{
    struct bench bench;
    struct route q = bench_route("10.0.0.2/32", 2);
    (void)state;

    bench_open_with_both(&bench);
    bench_retract(&bench, bench.rs2);
    for (int i = 0; i < 40; i++) {
        bench_lose(&bench, bench.rs1);
        bench_wait(&bench, 1000);
        bench_live(&bench, bench.rs1);
        bench_item(&bench, bench.rs1, "q", &q);
    }
    assert_string_equal(bench_told(&bench, P), "1");
    assert_string_equal(bench_told(&bench, "10.0.0.2/32"), "2");
    bench_sync(&bench, bench.rs1);
    assert_string_equal(bench_told(&bench, P), "");
    assert_string_equal(bench_told(&bench, "10.0.0.2/32"), "2");
    bench_close(&bench);
}

static void
a_purged_node_retracts_each_item(void **state)
{
    struct bench bench;
    struct route q = bench_route("10.0.0.2/32", 2);
    (void)state;

    bench_open_with_both(&bench);
    bench_item(&bench, bench.rs1, "q", &q);
    bench_item(&bench, bench.rs1, "q2", &q);
    rib_purge(bench.rib, bench.red, bench.rs1);
    assert_string_equal(bench_told(&bench, P), "1");
    assert_string_equal(bench_told(&bench, "10.0.0.2/32"), "");
    assert_int_equal(bench_counts(&bench).paths, 1);
    bench_close(&bench);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rs1_dies_comes_back_empty_and_rs2_dies_at_once),
        cmocka_unit_test(both_die_and_everything_stays),
        cmocka_unit_test(own_server_in_sync_without_it_sweeps_a_stale_path),
        cmocka_unit_test(a_retract_by_a_live_server_in_sync_removes_stale_ones),
        cmocka_unit_test(a_retract_before_in_sync_leaves_stale_ones),
        cmocka_unit_test(a_retract_of_one_item_of_two_leaves_stale_ones),
        cmocka_unit_test(an_unusable_replacement_is_no_retraction),
        cmocka_unit_test(absence_at_another_server_is_no_withdrawal),
        cmocka_unit_test(the_short_timer_runs_while_another_server_is_in_sync),
        cmocka_unit_test(the_short_timer_starts_anew_when_the_other_server_comes_later),
        cmocka_unit_test(sessions_that_end_before_sync_lose_nothing),
        cmocka_unit_test(a_purged_node_retracts_each_item),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
