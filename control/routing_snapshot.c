/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The keeper of the RIB's snapshot: idle until the RIB has changed, then slice after slice until
 * the text is whole, then waiting for the helper to write it.
 */

#define LOG_AREA "snapshot"

#include "control/routing_snapshot.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "control/control.h"
#include "control/rib.h"
#include "control/snapshot.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"

#define FILE_NAME "routes"

static const struct timeval look_interval = { .tv_sec = 1 };
static const struct timeval at_once = { .tv_sec = 0 };

struct routing_snapshot {
    struct control *control;
    struct rib *rib;
    struct event *timer;
    struct snapshot *making; /* NULL while none is being made */
    char *text;              /* being written by the helper, else NULL */
    size_t length;
    int write_error;
    uint64_t generation; /* of the RIB, when the last one was begun */
    bool failed;         /* the last one did not reach the file: made again */
    bool loaded;
    char path[PATH_MAX];
};

static uint64_t
generation_of(const struct rib *rib)
{
    struct rib_counts counts;

    rib_counts(rib, &counts);
    return counts.generation;
}

static void
write_text(void *argument)
{
    struct routing_snapshot *keeper = argument;

    keeper->write_error = file_write_atomic(keeper->path, keeper->text, keeper->length);
}

static void
text_written(void *argument)
{
    struct routing_snapshot *keeper = argument;

    if (keeper->write_error != 0)
        log_error("%s: %s", keeper->path, strerror(-keeper->write_error));
    keeper->failed = keeper->write_error != 0;
    free(keeper->text);
    keeper->text = NULL;
}

/* Makes a slice. @return true if the next one should follow at once. */
static bool
make_slice(struct routing_snapshot *keeper)
{
    int more = snapshot_step(keeper->making);

    if (more > 0)
        return true;
    if (more < 0) {
        log_error("no memory for a snapshot of the routes");
        snapshot_cancel(keeper->making);
        keeper->failed = true;
    } else {
        keeper->text = snapshot_take(keeper->making, &keeper->length);
        if (helper_submit(keeper->control->helper, write_text, text_written, keeper) != 0) {
            free(keeper->text);
            keeper->text = NULL;
            keeper->failed = true;
        }
    }
    keeper->making = NULL;
    return false;
}

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
    struct routing_snapshot *keeper = context;
    bool again = false;

    (void)fd;
    (void)what;
    if (keeper->making == NULL && keeper->text == NULL &&
        (keeper->failed || generation_of(keeper->rib) != keeper->generation)) {
        keeper->generation = generation_of(keeper->rib);
        keeper->making =
            snapshot_begin(keeper->rib, (int64_t)clock_monotonic_ms(), clock_unix_seconds());
        keeper->failed = keeper->making == NULL;
    }
    if (keeper->making != NULL)
        again = make_slice(keeper);
    event_add(keeper->timer, again ? &at_once : &look_interval);
}

struct routing_snapshot *
routing_snapshot_create(struct control *control, struct rib *rib)
{
    struct routing_snapshot *keeper = calloc(1, sizeof(*keeper));

    if (keeper == NULL)
        return NULL;
    keeper->control = control;
    keeper->rib = rib;
    keeper->timer = event_new(control->base, -1, 0, on_timer, keeper);
    if (keeper->timer == NULL ||
        state_path(control->state, FILE_NAME, keeper->path, sizeof(keeper->path)) != 0) {
        routing_snapshot_destroy(keeper);
        return NULL;
    }
    return keeper;
}

void
routing_snapshot_load(struct routing_snapshot *keeper)
{
    struct snapshot_outcome outcome = { 0 };
    int error = snapshot_load(keeper->rib, keeper->path, (int64_t)clock_monotonic_ms(),
                              clock_unix_seconds(), &outcome);

    if (error != 0)
        log_error("%s: %s", keeper->path, strerror(-error));
    keeper->loaded = true;
    event_add(keeper->timer, &look_interval);
}

void
routing_snapshot_save(struct routing_snapshot *keeper)
{
    if (!keeper->loaded)
        return;
    int error = snapshot_save(keeper->rib, keeper->path, (int64_t)clock_monotonic_ms(),
                              clock_unix_seconds());
    if (error != 0)
        log_error("%s: %s", keeper->path, strerror(-error));
}

void
routing_snapshot_destroy(struct routing_snapshot *keeper)
{
    if (keeper == NULL)
        return;
    snapshot_cancel(keeper->making);
    if (keeper->timer != NULL)
        event_free(keeper->timer);
    free(keeper->text);
    free(keeper);
}
