/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The watches of clients (lib/ring/watch.h): started, read page by page, stopped. One that nobody
 * reads for WATCH_SILENCE_MS ends by itself: its client is gone. One of an interface ends with it.
 * Control thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "control/filter.h"
#include "lib/rpc/server.h"
#include "lib/ring/watch.h"
#include "lib/table/vif.h"

#define WATCH_SILENCE_MS 10000

struct control;
struct watches;

/* A watch, and its client's reading of it. */
struct watcher {
    uint64_t id;
    struct watch watch;
    struct filter filter;
    char name[VIF_NAME_MAX];      /* of what it looks at, for people */
    bool ended;                   /* there will be no more: what it looked at is gone */
    uint64_t read;                /* records that were read */
    uint64_t last_ms;             /* of the client's last call, monotonic */
    uint64_t begin_tsc, begin_ns; /* the same moment twice: ns since 1970-01-01 UTC */

    /* a read that waits for something to be seen */
    struct rpc_request *waiting; /* NULL: none */
    uint32_t limit;
    uint64_t until_ms;
};

/**
 * @param answer called when a waiting read has something to be answered with, or has waited long
 * enough: answers `watcher->waiting`
 * @return NULL without memory.
 */
struct watches *watches_create(struct control *control,
                               void (*answer)(struct control *control, struct watcher *watcher));

/** Ends them all. The workers have ended. */
void watches_destroy(struct watches *watches);

/**
 * Starts a watch.
 * @param name of what it looks at; of a WATCH_VIF the interface's
 * @param filter NULL: everything; taken over if this succeeds
 * @return 0 and its id, -ENOSPC (WATCHES_MAX), or -ENOMEM.
 */
int watches_start(struct watches *watches, const struct watch *what, const char *name,
                  struct filter *filter, uint64_t *id);

/** The watch of an id and a kind, or NULL; looks whether it has ended. */
struct watcher *watches_find(struct watches *watches, uint64_t id, enum watch_kind kind);

/** The first one from an id on, or NULL. */
struct watcher *watches_after(struct watches *watches, uint64_t id);

/** Stops a watch; a read that waits is answered. */
void watches_stop(struct watches *watches, struct watcher *watcher);

/** Keeps a read waiting until there is something, for `wait_ms` at most. None may be waiting. */
void watches_wait(struct watches *watches, struct watcher *watcher, struct rpc_request *request,
                  uint32_t limit, unsigned wait_ms);

/** The time of a record, nanoseconds since 1970-01-01 UTC. */
uint64_t watcher_time(const struct watcher *watcher, uint64_t tsc);
