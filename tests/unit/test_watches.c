/* SPDX-License-Identifier: BSD-3-Clause */

/* control/watches: a watch lives while its client reads, and no longer. */

#include "interfaces_rig.h"

#include <event2/event.h>
#include <rte_cycles.h>
#include <unistd.h>

#include "control/watches.h"
#include "lib/base/clock.h"

static unsigned answered;

/* As the control socket's verb answers, on a machine so busy that milliseconds pass meanwhile. */
static void
answer_late(struct control *control, struct watcher *watcher)
{
    const uint64_t now = clock_monotonic_ms();

    (void)control;
    while (clock_monotonic_ms() < now + 3)
        ;
    watcher->waiting = NULL;
    watcher->last_ms = clock_monotonic_ms();
    answered++;
}

static uint64_t
watch_everything(struct control *control)
{
    const struct watch everything = { .kind = WATCH_TRACE, .where = WATCH_ALL };
    uint64_t id;

    control->watches = watches_create(control, answer_late);
    assert_non_null(control->watches);
    assert_int_equal(watches_start(control->watches, &everything, "everything", NULL, &id), 0);
    return id;
}

static void
a_read_that_waited_in_vain_leaves_the_watch_alive(void **context)
{
    struct rpc_request *const request = (struct rpc_request *)context; /* is only kept */
    struct rig *rig = *context;
    const uint64_t id = watch_everything(&rig->control);
    struct watcher *watcher = watches_find(rig->control.watches, id, WATCH_TRACE);

    answered = 0;
    for (unsigned reads = 1; reads <= 5; reads++) {
        watches_wait(rig->control.watches, watcher, request, 1, 0);
        wait_for(rig, &answered, reads);
        assert_ptr_equal(watches_find(rig->control.watches, id, WATCH_TRACE), watcher);
    }
    watches_destroy(rig->control.watches);
}

static void
a_watch_that_nobody_reads_ends(void **context)
{
    struct rig *rig = *context;
    const uint64_t id = watch_everything(&rig->control);

    watches_find(rig->control.watches, id, WATCH_TRACE)->last_ms -= WATCH_SILENCE_MS + 1;
    for (unsigned i = 0; i < 5000 && watches_find(rig->control.watches, id, WATCH_TRACE); i++) {
        event_base_loop(rig->control.base, EVLOOP_NONBLOCK);
        usleep(1000);
    }
    assert_null(watches_find(rig->control.watches, id, WATCH_TRACE));
    watches_destroy(rig->control.watches);
}

static void
a_record_of_a_core_whose_clock_is_behind_has_its_time(void **context)
{
    const uint64_t hz = rte_get_tsc_hz();
    const struct watcher watcher = { .begin_tsc = 50 * hz, .begin_ns = 1700000000000000000 };
    (void)context;

    assert_true(watcher_time(&watcher, 52 * hz) == watcher.begin_ns + 2000000000);
    assert_true(watcher_time(&watcher, 50 * hz - hz / 1000) <= watcher.begin_ns - 999000);
    assert_true(watcher_time(&watcher, 50 * hz - hz / 1000) >= watcher.begin_ns - 1001000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_read_that_waited_in_vain_leaves_the_watch_alive, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(a_watch_that_nobody_reads_ends, rig_up, rig_down),
        cmocka_unit_test(a_record_of_a_core_whose_clock_is_behind_has_its_time),
    };
    return cmocka_run_group_tests(tests, everything_up, everything_down);
}
