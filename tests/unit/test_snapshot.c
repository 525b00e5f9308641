/* SPDX-License-Identifier: BSD-3-Clause */

/* control/snapshot.h: what was known comes back, or nothing does. */

#include "tests/unit/rib_bench.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/snapshot.h"
#include "lib/base/file.h"
#include "lib/base/log.h"

#define UNIX  1790000000u
#define HOUR  (3600 * 1000ll)
#define MONTH (30 * 24 * HOUR)

/* Both servers, a path each to P, an odd item, one path stale for an hour. */
static void
fill(struct bench *bench)
{
    struct route odd = bench_route("2001:db8::/64", 3);

    bench_open(bench, NULL);
    bench_live(bench, bench->rs1);
    bench_live(bench, bench->rs2);
    bench_announce(bench, bench->rs1, 1);
    bench_announce(bench, bench->rs2, 2);
    odd.n_next_hops = 2;
    odd.next_hops[1] = bench_route(P, 4).next_hops[0];
    odd.next_hops[1].addr = bench_prefix("2001:db8::7").addr;
    odd.next_hops[1].encapsulations = ENCAP_GRE | ENCAP_VXLAN;
    odd.sequence_number = 4294967295u;
    odd.local_preference = 0;
    bench_item(bench, bench->rs2, "an odd\n100 % item \x7f\xc3\xa4", &odd);
    bench_lose(bench, bench->rs1);
    bench_wait(bench, HOUR);
}

static char *
make_text(struct bench *bench, size_t *length)
{
    struct snapshot *snapshot = snapshot_begin(bench->rib, bench->now, UNIX);
    int more;

    assert_non_null(snapshot);
    while ((more = snapshot_step(snapshot)) == 1)
        ;
    assert_int_equal(more, 0);
    return snapshot_take(snapshot, length);
}

static bool
collect_view(void *user, const struct rib_path_view *view)
{
    struct rib_path_view *views = user;

    while (views->prefix != NULL)
        views++;
    *views = *view;
    return true;
}

static void
what_was_known_comes_back_stale(void **state)
{
    struct bench before, after;
    struct snapshot_outcome outcome;
    struct rib_path_view was[4] = { { .prefix = NULL } }, is[4] = { { .prefix = NULL } };
    size_t length;
    (void)state;

    fill(&before);
    char *text = make_text(&before, &length);
    bench_open(&after, NULL);
    after.now = 77;
    /* Ten seconds later, on another clock. */
    assert_int_equal(snapshot_restore(after.rib, text, length, after.now, UNIX + 10, &outcome), 0);
    assert_int_equal(outcome.restored, 3);
    assert_int_equal(outcome.skipped, 0);
    assert_string_equal(bench_told(&after, P), "2");
    assert_string_equal(bench_told(&after, "2001:db8::/64"), "3,184");
    rib_list(before.rib, before.red, NULL, 9, collect_view, was);
    rib_list(after.rib, after.red, NULL, 9, collect_view, is);
    for (int i = 0; i < 3; i++) {
        /* rs1's path was stale already: in the list it stands behind rs2's in both. */
        assert_string_equal(is[i].server, was[i].server);
        assert_string_equal(is[i].item_id, was[i].item_id);
        assert_true(ip_prefix_equal(is[i].prefix, was[i].prefix));
        assert_int_equal(is[i].route.n_next_hops, was[i].route.n_next_hops);
        for (unsigned hop = 0; hop < is[i].route.n_next_hops; hop++) {
            const struct route_next_hop *a = &is[i].route.next_hops[hop],
                                        *b = &was[i].route.next_hops[hop];
            assert_true(ip_addr_equal(&a->addr, &b->addr));
            assert_int_equal(a->label, b->label);
            assert_int_equal(a->encapsulations, b->encapsulations);
        }
        assert_int_equal(is[i].route.sequence_number, was[i].route.sequence_number);
        assert_int_equal(is[i].route.local_preference, was[i].route.local_preference);
        assert_int_equal(after.now - is[i].received, before.now - was[i].received + 10000);
        if (was[i].stale_since == RIB_NEVER)
            assert_int_equal(is[i].stale_since, after.now);
        else
            assert_int_equal(after.now - is[i].stale_since,
                             before.now - was[i].stale_since + 10000);
    }
    free(text);
    bench_close(&before);
    bench_close(&after);
}

static void
restarted_with_both_dead_it_forwards_for_a_month(void **state)
{
    struct bench before, after;
    struct snapshot_outcome outcome;
    size_t length;
    (void)state;

    fill(&before);
    char *text = make_text(&before, &length);
    bench_close(&before);
    bench_open(&after, NULL);
    assert_int_equal(snapshot_restore(after.rib, text, length, after.now, UNIX, &outcome), 0);
    bench_run(&after);
    assert_string_equal(bench_told(&after, P), "2");
    assert_string_equal(bench_why(&after, P), "*rs2 received later; rs1 received earlier");
    bench_wait(&after, MONTH - HOUR); /* rs1's was stale for an hour before */
    assert_string_equal(bench_why(&after, P), "*rs2 only path");
    bench_wait(&after, HOUR);
    assert_string_equal(bench_told(&after, P), "");

    /* And a server that comes back takes over what it still has. */
    bench_close(&after);
    bench_open(&after, NULL);
    assert_int_equal(snapshot_restore(after.rib, text, length, after.now, UNIX, &outcome), 0);
    bench_live(&after, after.rs2);
    bench_announce(&after, after.rs2, 2);
    bench_sync(&after, after.rs2);
    assert_int_equal(after.n_told, 3); /* two from the snapshot; the odd one was swept */
    assert_string_equal(bench_told(&after, P), "2");
    assert_string_equal(bench_told(&after, "2001:db8::/64"), "");
    bench_close(&after);
    free(text);
}

static void
a_server_that_was_faster_keeps_what_it_said(void **state)
{
    struct bench before, after;
    struct snapshot_outcome outcome;
    size_t length;
    (void)state;

    fill(&before);
    char *text = make_text(&before, &length);
    bench_open(&after, NULL);
    bench_live(&after, after.rs2);
    bench_announce(&after, after.rs2, 9);
    assert_int_equal(snapshot_restore(after.rib, text, length, after.now, UNIX, &outcome), 0);
    assert_int_equal(outcome.restored, 2);
    assert_int_equal(outcome.skipped, 1);
    assert_string_equal(bench_told(&after, P), "9");
    bench_sync(&after, after.rs2);
    assert_string_equal(bench_told(&after, "2001:db8::/64"), "");
    assert_string_equal(bench_why(&after, P), "*rs2 live beats stale; rs1 stale");
    free(text);
    bench_close(&before);
    bench_close(&after);
}

static void
a_vpn_that_is_no_more_is_skipped_and_an_unknown_server_added(void **state)
{
    struct bench before;
    struct snapshot_outcome outcome;
    static const struct rib_events events = { .best_changed = NULL };
    struct rib *rib;
    struct ip_addr moved = ip_addr_from_v4(0x01020304u);
    size_t length;
    (void)state;

    fill(&before);
    char *text = make_text(&before, &length);
    rib = rib_new(NULL, &events, NULL);
    rib_server_add(rib, "rs2", &moved);
    assert_int_equal(snapshot_restore(rib, text, length, 0, UNIX, &outcome), 0);
    assert_int_equal(outcome.skipped, 3);
    rib_vpn_add(rib, "red", NULL);
    assert_int_equal(snapshot_restore(rib, text, length, 0, UNIX, &outcome), 0);
    assert_int_equal(outcome.restored, 3);
    assert_non_null(rib_server_find(rib, "rs1"));
    assert_true(ip_addr_equal(rib_server_address(rib_server_find(rib, "rs2")), &moved));
    free(text);
    rib_free(rib);
    bench_close(&before);
}

static void
damage_anywhere_restores_nothing(void **state)
{
    struct bench before, after;
    struct snapshot_outcome outcome;
    size_t length;
    (void)state;

    fill(&before);
    char *text = make_text(&before, &length);
    bench_open(&after, NULL);
    for (size_t i = 0; i < length; i++) {
        char *damaged = malloc(length);
        memcpy(damaged, text, length);
        damaged[i] ^= 1 << (i % 7);
        assert_int_equal(snapshot_restore(after.rib, damaged, length, 0, UNIX, &outcome), -EBADMSG);
        free(damaged);
        damaged = malloc(i + 1);
        memcpy(damaged, text, i);
        assert_int_equal(snapshot_restore(after.rib, damaged, i, 0, UNIX, &outcome), -EBADMSG);
        free(damaged);
    }
    assert_int_equal(bench_counts(&after).paths, 0);
    free(text);
    bench_close(&before);
    bench_close(&after);
}

/* FNV-1a, so that lines which a snapshot never has can be tried, too. */
static size_t
seal(char *text, size_t size)
{
    uint64_t sum = 0xcbf29ce484222325u;
    size_t length = strlen(text);

    for (size_t i = 0; i < length; i++)
        sum = (sum ^ (unsigned char)text[i]) * 0x100000001b3u;
    snprintf(text + length, size - length, "e 1 %016llx\n", (unsigned long long)sum);
    return strlen(text);
}

static void
lines_without_sense_are_skipped(void **state)
{
    static const char *const lines[] = {
        "p",
        "p ",
        "p 0",
        "p 0 1 -",
        "p 0 1 - 100 0 10.0.0.1/32",
        "p 0 1 - 100 0 10.0.0.1/32 x",
        "p 9 1 - 100 0 10.0.0.1/32 192.0.2.1,16,1 id",  /* no such server */
        "p 1 1 - 100 0 10.0.0.1/32 192.0.2.1,16,1 id",  /* not in this text */
        "p 0 -1 - 100 0 10.0.0.1/32 192.0.2.1,16,1 id", /* age */
        "p 0 99999999999999999999 - 1 0 10.0.0.1/32 192.0.2.1,16,1 id",
        "p 0 1 x 100 0 10.0.0.1/32 192.0.2.1,16,1 id", /* stale */
        "p 0 1 - 4294967296 0 10.0.0.1/32 192.0.2.1,16,1 id",
        "p 0 1 - 100 0 10.0.0.1/24 192.0.2.1,16,1 id", /* host bits */
        "p 0 1 - 100 0 10.0.0.1/32 192.0.2.1,15,1 id", /* reserved label */
        "p 0 1 - 100 0 10.0.0.1/32 192.0.2.1,1048576,1 id",
        "p 0 1 - 100 0 10.0.0.1/32 192.0.2.1,16,8 id",
        "p 0 1 - 100 0 10.0.0.1/32 192.0.2.1,16,0 id",
        "p 0 1 - 100 0 10.0.0.1/32 192.0.2.1,16 id",
        "p 0 1 - 100 0 10.0.0.1/32 192.0.2.1,16,1, id",
        "p 0 1 - 100 0 10.0.0.1/32 192.0.2.1,16,1 ", /* no item id */
        "p 0 1 - 100 0 10.0.0.1/32 192.0.2.1,16,1 %0",
        "p 0 1 - 100 0 10.0.0.1/32 192.0.2.1,16,1 %00",
        "p 0 1 - 100 0 10.0.0.1/32 192.0.2.1,16,1 %zz",
        "s 9 1.2.3.4 far",
        "s 1 x y",
        "s 1",
        "v",
        "v ",
        "what",
        "",
    };
    struct bench bench;
    struct snapshot_outcome outcome;
    char text[1024];
    (void)state;

    log_level_set(LOG_LEVEL_ERROR);
    bench_open(&bench, NULL);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        snprintf(text, sizeof(text), "millrace-rib 1 1\ns 0 1.2.3.4 rs1\nv red\n%s\n", lines[i]);
        size_t length = seal(text, sizeof(text));
        assert_int_equal(snapshot_restore(bench.rib, text, length, 0, UNIX, &outcome), 0);
        assert_int_equal(outcome.restored, 0);
    }
    snprintf(text, sizeof(text), "millrace-rib 1 1\ns 0 1.2.3.4 rs1\nv red\n%s\n",
             "p 0 1 5 100 0 10.0.0.1/32 192.0.2.1,16,1 i%20d");
    size_t length = seal(text, sizeof(text));
    assert_int_equal(snapshot_restore(bench.rib, text, length, 0, UNIX, &outcome), 0);
    assert_int_equal(outcome.restored, 1);

    snprintf(text, sizeof(text), "millrace-rib 2 1\n");
    length = seal(text, sizeof(text));
    assert_int_equal(snapshot_restore(bench.rib, text, length, 0, UNIX, &outcome), -EBADMSG);
    bench_close(&bench);
}

static void
a_damaged_file_is_set_aside(void **state)
{
    struct bench bench, after;
    struct snapshot_outcome outcome;
    char directory[] = "/tmp/millrace-snapshot-XXXXXX", path[64], aside[80];
    (void)state;

    log_level_set(LOG_LEVEL_ERROR);
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/rib", directory);
    snprintf(aside, sizeof(aside), "%s.corrupt", path);
    fill(&bench);
    bench_open(&after, NULL);
    assert_int_equal(snapshot_load(after.rib, path, 0, UNIX, &outcome), 0); /* there is none */
    assert_int_equal(snapshot_save(bench.rib, path, bench.now, UNIX), 0);
    assert_int_equal(snapshot_load(after.rib, path, 0, UNIX, &outcome), 0);
    assert_int_equal(outcome.restored, 3);
    assert_int_equal(file_write_atomic(path, "garbage\n", 8), 0);
    assert_int_equal(snapshot_load(after.rib, path, 0, UNIX, &outcome), -EBADMSG);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(access(aside, F_OK), 0);
    unlink(aside);
    assert_int_equal(mkdir(path, 0700), 0); /* nothing could take its place for ever */
    assert_int_equal(snapshot_load(after.rib, path, 0, UNIX, &outcome), -EISDIR);
    assert_int_equal(snapshot_save(bench.rib, path, bench.now, UNIX), 0);
    unlink(path);
    rmdir(aside);
    rmdir(directory);
    bench_close(&bench);
    bench_close(&after);
}

static void
a_snapshot_is_made_in_slices_while_things_change(void **state)
{
    struct bench bench;
    struct snapshot *snapshot;
    const int n = 4000;
    int steps = 0;
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
    snapshot = snapshot_begin(bench.rib, bench.now, UNIX);
    for (; snapshot_step(snapshot) == 1; steps++) {
        /* The prefix that it stands at goes, and one that is gone already. */
        for (int i = 0; i < 2; i++) {
            char id[16];
            snprintf(id, sizeof(id), "%d", (steps + 1) * 500 - i);
            rib_retract(bench.rib, bench.red, bench.rs1, id);
        }
        if (steps == 5) {
            rib_vpn_remove(bench.rib, bench.red);
            bench_run(&bench);
            bench.red = rib_vpn_add(bench.rib, "red", &bench);
        }
    }
    assert_in_range(steps, 5, 10);
    snapshot_cancel(snapshot);
    bench_close(&bench);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_known_comes_back_stale),
        cmocka_unit_test(restarted_with_both_dead_it_forwards_for_a_month),
        cmocka_unit_test(a_server_that_was_faster_keeps_what_it_said),
        cmocka_unit_test(a_vpn_that_is_no_more_is_skipped_and_an_unknown_server_added),
        cmocka_unit_test(damage_anywhere_restores_nothing),
        cmocka_unit_test(lines_without_sense_are_skipped),
        cmocka_unit_test(a_damaged_file_is_set_aside),
        cmocka_unit_test(a_snapshot_is_made_in_slices_while_things_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
