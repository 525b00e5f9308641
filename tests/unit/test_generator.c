/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The parts of the scenarios' traffic generator: when packets are due, which of them are missing,
 * percentiles, and the search for the highest rate without loss, all without a port.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pktgen-scenarios/generator/pace.h"
#include "pktgen-scenarios/generator/plan.h"
#include "pktgen-scenarios/generator/search.h"
#include "pktgen-scenarios/generator/stamp.h"

#define HERTZ 1000000000u

static void
test_a_rate_is_kept_over_many_turns(void **state)
{
    struct pace pace;
    uint64_t given = 0;

    (void)state;
    pace_begin(&pace, 1e6, HERTZ, 5000);
    for (uint64_t now = 5000; now <= 5000 + HERTZ; now += 7919)
        given += pace_take(&pace, now, 32);
    assert_in_range(given, 999980, 1000000);
    assert_int_equal(pace.forgone, 0);
}

static void
test_a_sender_that_was_held_up_makes_no_burst(void **state)
{
    struct pace pace;
    uint32_t given = 0, now_given;

    (void)state;
    pace_begin(&pace, 1e6, HERTZ, 0);
    while ((now_given = pace_take(&pace, HERTZ / 10, 32)) != 0)
        given += now_given;
    assert_int_equal(given, PACE_BACKLOG);
    assert_int_equal(pace.forgone, 100000 - PACE_BACKLOG);
    assert_int_equal(pace_take(&pace, HERTZ / 10 + 2000, 32), 2);
}

static void
test_without_a_rate_there_is_always_room(void **state)
{
    struct pace pace;

    (void)state;
    pace_begin(&pace, 0, HERTZ, 0);
    assert_int_equal(pace_take(&pace, 0, 32), 32);
    assert_int_equal(pace_take(&pace, 0, 32), 32);
}

static void
test_missing_and_late_numbers_are_found(void **state)
{
    static const uint64_t numbers[] = { 0, 1, 4, 3, 5, 7 };
    static struct account account;

    (void)state;
    memset(&account, 0, sizeof(account));
    account.sent = 8;
    account.refused = 2;
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        account_take(&account, &(struct stamp){ STAMP_MAGIC, numbers[i], 100 }, 100 + 50 * i);
    assert_int_equal(account.received, 6);
    assert_int_equal(account.reordered, 1);
    assert_int_equal(account_lost(&account, false), 2);
    assert_int_equal(account_lost(&account, true), 4);
    assert_int_equal(account.ticks.highest, 250);
}

static void
test_percentiles_are_within_a_64th(void **state)
{
    static struct histogram histogram;

    (void)state;
    memset(&histogram, 0, sizeof(histogram));
    assert_int_equal(histogram_percentile(&histogram, 50), 0);
    for (uint64_t value = 1; value <= 1000000; value++)
        histogram_add(&histogram, value);
    assert_int_equal(histogram_percentile(&histogram, 100), 1000000);
    static const double percents[] = { 1, 50, 90, 99, 99.9 };
    for (unsigned i = 0; i < 5; i++) {
        const uint64_t exact = (uint64_t)(percents[i] * 10000);

        assert_in_range(histogram_percentile(&histogram, percents[i]), exact,
                        exact + exact / 64 + 1);
    }
    histogram_add(&histogram, UINT64_MAX);
    assert_true(histogram_percentile(&histogram, 100) == UINT64_MAX);
}

static void
test_small_values_have_exact_percentiles(void **state)
{
    static struct histogram histogram;

    (void)state;
    memset(&histogram, 0, sizeof(histogram));
    for (uint64_t value = 0; value < 10; value++)
        histogram_add(&histogram, value);
    assert_int_equal(histogram_percentile(&histogram, 10), 0);
    assert_int_equal(histogram_percentile(&histogram, 50), 4);
    assert_int_equal(histogram_percentile(&histogram, 100), 9);
}

/* What a device that carries `capacity` packets a second would lose of an offered rate. */
static bool
simulated_loss(double rate, double capacity)
{
    return rate > capacity;
}

static void
test_no_drop_rate_search_on_a_simulated_loss_curve(void **state)
{
    static const double capacities[] = { 3.7e6, 9.99e6, 1e7, 2e7, 1.0 };

    (void)state;
    for (unsigned i = 0; i < sizeof(capacities) / sizeof(capacities[0]); i++) {
        const double capacity = capacities[i];
        struct rate_search search;
        unsigned trials = 0;

        rate_search_begin(&search, 1e7, 0.01);
        while (!search.done) {
            rate_search_take(&search, simulated_loss(search.next, capacity));
            assert_true(++trials <= 8);
        }
        assert_true(search.lossless <= capacity);
        assert_true(search.lossless >= (capacity < 1e7 ? capacity : 1e7) - 1e5);
    }
}

static void
test_a_plan_is_read_with_its_capture_and_a_wrong_one_is_refused(void **state)
{
    static const uint32_t file[] = { 0xa1b2c3d4, 2u | 4u << 16,
                                     0,          0,
                                     65535,      1,
                                     0,          0,
                                     24,         24,
                                     1,          2,
                                     3,          4,
                                     5,          6,
                                     0,          0,
                                     28,         28,
                                     1,          2,
                                     3,          4,
                                     5,          6,
                                     7 };
    static const char *const wrong[] = { "", "{}", "[]", "{\"ports\": [], \"streams\": []}" };
    char directory[] = "/tmp/test-generator-XXXXXX", capture[64], path[64], text[512];
    static struct plan plan;

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(capture, sizeof(capture), "%s/frames.pcap", directory);
    snprintf(path, sizeof(path), "%s/plan.json", directory);
    FILE *out = fopen(capture, "wb");
    assert_int_equal(fwrite(file, sizeof(file), 1, out), 1);
    fclose(out);
    snprintf(text, sizeof(text),
             "{\"ports\": [\"net_null0\"], \"seconds\": 2, \"warm_up\": 0.5, \"search\": true, "
             "\"resolution\": 0.01, \"streams\": [{\"name\": \"a\", \"from\": 0, \"to\": 0, "
             "\"frames\": \"%s\", \"rate\": 1000, \"judged\": true}]}",
             capture);
    out = fopen(path, "w");
    fputs(text, out);
    fclose(out);
    assert_null(plan_read(&plan, path));
    assert_int_equal(plan.streams[0].frames.count, 2);
    assert_int_equal(plan.streams[0].frames.begins[1], 24);
    assert_int_equal(plan.streams[0].frames.longest, 28);
    assert_true(plan.search && plan.streams[0].rate == 1000);
    plan_free(&plan);
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        out = fopen(path, "w");
        fputs(wrong[i], out);
        fclose(out);
        assert_non_null(plan_read(&plan, path));
        plan_free(&plan);
    }
    unlink(path);
    unlink(capture);
    rmdir(directory);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_rate_is_kept_over_many_turns),
        cmocka_unit_test(test_a_sender_that_was_held_up_makes_no_burst),
        cmocka_unit_test(test_without_a_rate_there_is_always_room),
        cmocka_unit_test(test_missing_and_late_numbers_are_found),
        cmocka_unit_test(test_percentiles_are_within_a_64th),
        cmocka_unit_test(test_small_values_have_exact_percentiles),
        cmocka_unit_test(test_no_drop_rate_search_on_a_simulated_loss_curve),
        cmocka_unit_test(test_a_plan_is_read_with_its_capture_and_a_wrong_one_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
