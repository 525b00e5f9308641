/* SPDX-License-Identifier: BSD-3-Clause */

/* The slow path's thread: it answers, it lets go of what was taken out of a table while it idles
 * and while it works, and it ends when it is asked to. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "lib/base/clock.h"
#include "slowpath_rig.h"

#define DEADLINE_MS 60000

struct runner {
    struct rig rig;
    pthread_t thread;
};

static void *
thread_main(void *argument)
{
    struct runner *runner = argument;

    (void)slowpath_run(runner->rig.slowpath);
    return NULL;
}

static void
start(struct runner *runner)
{
    rig_open(&runner->rig);
    assert_int_equal(pthread_create(&runner->thread, NULL, thread_main, runner), 0);
}

static void
end(struct runner *runner)
{
    slowpath_stop(runner->rig.slowpath);
    assert_int_equal(pthread_join(runner->thread, NULL), 0);
    rig_close(&runner->rig);
}

static void
ask(struct rig *rig)
{
    uint8_t frame[64];
    const size_t length = rig_arp(frame, &RIG_ANY_MAC, &RIG_GUEST_MAC, 0, ARP_REQUEST,
                                  &RIG_GUEST_MAC, 0x0a00000b, 0xa9fe0001);

    rig_punt(rig, PUNT_ARP, frame, length);
}

/* Waits for an answer to the guest. */
static bool
hear(struct rig *rig)
{
    const uint64_t deadline = clock_monotonic_ms() + DEADLINE_MS;

    while (clock_monotonic_ms() < deadline) {
        uint8_t frame[1500];
        uint16_t port;

        if (rig_take(rig, frame, sizeof(frame), &port) > 0 && port == RIG_ACCESS)
            return true;
        sched_yield();
    }
    return false;
}

static void
the_thread_answers(void **state)
{
    struct runner runner;
    (void)state;

    start(&runner);
    for (unsigned i = 0; i < 1000; i++) {
        ask(&runner.rig);
        assert_true(hear(&runner.rig));
    }
    end(&runner);
}

static void
let_go(void *argument)
{
    *(bool *)argument = true;
}

/* Waits for the two grace periods of one object. */
static bool
is_let_go(struct rig *rig)
{
    const uint64_t deadline = clock_monotonic_ms() + DEADLINE_MS;
    bool gone = false;

    reclaim_defer(rig->tables->reclaim, let_go, &gone);
    while (!gone && clock_monotonic_ms() < deadline) {
        reclaim_poll(rig->tables->reclaim);
        sched_yield();
    }
    return gone;
}

static void
it_holds_nothing_back_from_being_freed(void **state)
{
    struct runner runner;
    (void)state;

    start(&runner);
    for (unsigned i = 0; i < 20; i++) {
        assert_true(is_let_go(&runner.rig)); /* mostly asleep */
        ask(&runner.rig);
        assert_true(is_let_go(&runner.rig)); /* at work */
        assert_true(hear(&runner.rig));
    }
    end(&runner);
}

static void
an_interface_may_go_while_its_packets_wait(void **state)
{
    struct runner runner;
    struct rig *rig = &runner.rig;
    const struct vif vif = rig_vif();
    (void)state;

    start(&runner);
    for (unsigned i = 0; i < 200; i++) {
        ask(rig);
        ask(rig);
        rig_replace_vif(rig, &vif);
        reclaim_poll(rig->tables->reclaim);
        /* Each is answered, or dropped because its interface was gone; then the next turn. */
        const uint64_t deadline = clock_monotonic_ms() + DEADLINE_MS;
        while (rig_consumed(rig) + rig_drops(rig, DROP_NO_INTERFACE) < 2 * (i + 1)) {
            assert_true(clock_monotonic_ms() < deadline);
            sched_yield();
        }
        uint8_t frame[1500];
        uint16_t port;
        while (rig_take(rig, frame, sizeof(frame), &port) > 0)
            ;
        assert_true(is_let_go(rig));
    }
    end(&runner);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_thread_answers),
        cmocka_unit_test(it_holds_nothing_back_from_being_freed),
        cmocka_unit_test(an_interface_may_go_while_its_packets_wait),
    };

    rig_start_eal();
    return cmocka_run_group_tests_name("slowpath", tests, NULL, NULL);
}
