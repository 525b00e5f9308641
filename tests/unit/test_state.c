/* SPDX-License-Identifier: BSD-3-Clause */

/* control/state and control/helper: what is written is there again, what is damaged is set aside,
 * and jobs run in their order with their ends on the event loop. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "control/helper.h"
#include "control/state.h"
#include "lib/base/file.h"
#include "lib/base/log.h"

struct fixture {
    char directory[64];
    struct event_base *base;
    struct helper *helper;
    struct state *state;
};

static int
fixture_up(void **context)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    char error[256];

    log_level_set(LOG_LEVEL_ERROR);
    snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/millrace-state-XXXXXX");
    if (mkdtemp(fixture->directory) == NULL)
        return -1;
    fixture->base = event_base_new();
    fixture->helper = helper_create(fixture->base, 4);
    *context = fixture;
    return state_open(fixture->directory, fixture->helper, &fixture->state, error, sizeof(error));
}

static int
fixture_down(void **context)
{
    struct fixture *fixture = *context;
    char command[128];

    helper_destroy(fixture->helper);
    state_close(fixture->state);
    event_base_free(fixture->base);
    snprintf(command, sizeof(command), "rm -r %s", fixture->directory);
    if (system(command) != 0)
        return -1;
    free(fixture);
    return 0;
}

static unsigned contents_made, writes_done;

static json_t *
content_make(void *source)
{
    contents_made++;
    return json_pack("{s:s}", "text", (const char *)source);
}

static void
write_done(void *argument, int error)
{
    assert_int_equal(error, 0);
    assert_non_null(argument);
    writes_done++;
}

static void
what_is_written_is_read_again(void **context)
{
    struct fixture *fixture = *context;
    char text[] = "first";
    json_t *content;

    assert_null(state_read(fixture->state, "things", 1));
    contents_made = writes_done = 0;
    assert_int_equal(state_write(fixture->state, "things", 1, content_make, text, write_done, text),
                     0);
    memcpy(text, "later", 5);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(
            state_write(fixture->state, "things", 1, content_make, text, write_done, text), 0);
    helper_drain(fixture->helper);
    assert_int_equal(writes_done, 11);
    assert_int_equal(contents_made, 2); /* ten changes in one write */

    content = state_read(fixture->state, "things", 1);
    assert_non_null(content);
    assert_string_equal(json_string_value(json_object_get(content, "text")), "later");
    json_decref(content);
}

static void
a_damaged_file_is_set_aside(void **context)
{
    static const char *const damaged[] = {
        "",
        "{",
        "[]",
        "{\"version\": 2, \"content\": {}}",
        "{\"version\": 1}",
        "{\"version\": 1, \"version\": 1, \"content\": {}}",
        "\xff\xfe",
    };
    struct fixture *fixture = *context;
    char path[128], aside[144];

    assert_int_equal(state_path(fixture->state, "things.json", path, sizeof(path)), 0);
    snprintf(aside, sizeof(aside), "%s.corrupt", path);
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        assert_int_equal(file_write_atomic(path, damaged[i], strlen(damaged[i])), 0);
        assert_null(state_read(fixture->state, "things", 1));
        assert_int_equal(access(path, F_OK), -1);
        assert_int_equal(access(aside, F_OK), 0);
        assert_int_equal(unlink(aside), 0);
    }
}

static void
a_directory_has_one_user(void **context)
{
    struct fixture *fixture = *context;
    struct state *second = NULL;
    char error[256];

    assert_int_equal(state_open(fixture->directory, fixture->helper, &second, error, sizeof(error)),
                     -EBUSY);
    assert_non_null(strstr(error, "another process"));
    assert_int_equal(
        state_open("/nonexistent/deep/state", fixture->helper, &second, error, sizeof(error)),
        -ENOENT);
}

static void
write_failed(void *argument, int error)
{
    *(int *)argument = error;
}

static void
a_write_that_fails_is_told(void **context)
{
    struct fixture *fixture = *context;
    char text[] = "text", path[128];
    int error = 0;

    assert_int_equal(state_path(fixture->state, "other.json.new", path, sizeof(path)), 0);
    assert_int_equal(symlink("/nonexistent/directory/file", path), 0);
    assert_int_equal(
        state_write(fixture->state, "other", 1, content_make, text, write_failed, &error), 0);
    helper_drain(fixture->helper);
    assert_int_equal(error, -ENOENT);
}

struct order {
    unsigned n_run, n_ended;
    pthread_t loop;
};

static void
job_run(void *argument)
{
    struct order *order = argument;

    assert_false(pthread_equal(order->loop, pthread_self()));
    order->n_run++;
}

static void
job_end(void *argument)
{
    struct order *order = argument;

    assert_true(pthread_equal(order->loop, pthread_self()));
    order->n_ended++;
}

static void
jobs_end_on_the_event_loop_and_are_bounded(void **context)
{
    struct fixture *fixture = *context;
    struct order order = { .loop = pthread_self() };

    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(helper_submit(fixture->helper, job_run, job_end, &order), 0);
    assert_int_equal(helper_submit(fixture->helper, job_run, job_end, &order), -EBUSY);
    while (order.n_ended < 4)
        assert_int_equal(event_base_loop(fixture->base, EVLOOP_ONCE), 0);
    assert_int_equal(order.n_run, 4);
    assert_int_equal(helper_submit(fixture->helper, job_run, job_end, &order), 0);
    helper_drain(fixture->helper);
    assert_int_equal(order.n_ended, 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read_again, fixture_up, fixture_down),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_set_aside, fixture_up, fixture_down),
        cmocka_unit_test_setup_teardown(a_directory_has_one_user, fixture_up, fixture_down),
        cmocka_unit_test_setup_teardown(a_write_that_fails_is_told, fixture_up, fixture_down),
        cmocka_unit_test_setup_teardown(jobs_end_on_the_event_loop_and_are_bounded, fixture_up,
                                        fixture_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
