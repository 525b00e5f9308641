/* SPDX-License-Identifier: BSD-3-Clause */

/* Watches of clients: see watches.h. */

#define LOG_AREA "watch"

#include "control/watches.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include <event2/event.h>
#include <rte_cycles.h>

#include "control/control.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

/* How often rings are looked at while a client waits, and clients while none does. */
#define LOOK_MS  10
#define CHECK_MS 1000

struct entry {
    struct watcher watcher; /* first: who has one has the other */
    struct watch_set *last; /* room for the set without this one, so that stopping cannot fail */
    TAILQ_ENTRY(entry) link;
};

struct watches {
    struct control *control;
    void (*answer)(struct control *control, struct watcher *watcher);
    TAILQ_HEAD(, entry) entries; /* by id */
    unsigned n;
    uint64_t last_id;
    struct event *timer;
};

static void
plan(struct watches *watches)
{
    unsigned ms = CHECK_MS;
    struct entry *entry;

    TAILQ_FOREACH(entry, &watches->entries, link)
    {
        if (entry->watcher.waiting != NULL)
            ms = LOOK_MS;
    }

    const struct timeval when = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

    if (watches->n == 0)
        event_del(watches->timer);
    else
        event_add(watches->timer, &when);
}

/* ---- What workers see ---- */

/* Publishes the set of all watches in `set`; the one before it is freed after grace. */
static void
publish(struct watches *watches, struct watch_set *set)
{
    struct watch_board *board = &watches->control->watches_board;
    struct watch_set *before = atomic_load(&board->set);
    struct entry *entry;

    *set = (struct watch_set){ .keep = WATCH_TRACE_OCTETS };
    TAILQ_FOREACH(entry, &watches->entries, link)
    {
        struct watch *watch = &entry->watcher.watch;

        set->watches[set->n++] = watch;
        if (watch->snaplen > set->keep)
            set->keep = watch->snaplen;
    }
    if (set->n == 0) {
        free(set);
        set = NULL;
    }
    atomic_store_explicit(&board->set, set, memory_order_release);
    if (before != NULL)
        reclaim_defer(watches->control->tables->reclaim, free, before);
}

static void
entry_free(void *argument)
{
    struct entry *entry = argument;

    watch_rings_destroy(&entry->watcher.watch);
    filter_free(&entry->watcher.filter);
    free(entry->last);
    free(entry);
}

/* ---- Starting and stopping ---- */

static uint64_t
unix_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int
watches_start(struct watches *watches, const struct watch *what, const char *name,
              struct filter *filter, uint64_t *id)
{
    struct watch_set *set;
    struct watcher *watcher;
    struct entry *entry;

    if (watches->n == WATCHES_MAX)
        return -ENOSPC;
    entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return -ENOMEM;
    watcher = &entry->watcher;
    watcher->watch = *what;
    set = malloc(sizeof(*set));
    entry->last = malloc(sizeof(*entry->last));
    if (set == NULL || entry->last == NULL ||
        watch_rings_create(&watcher->watch, watches->control->config->n_workers) != 0) {
        free(set);
        entry_free(entry);
        return -ENOMEM;
    }
    for (unsigned link = 0; filter != NULL && link < WATCH_LINKS; link++) {
        watcher->watch.filters[link].program = filter->programs[link].bf_insns;
        watcher->watch.filters[link].never = !filter->compiled[link];
    }
    if (filter != NULL)
        watcher->filter = *filter;
    watcher->id = ++watches->last_id;
    watcher->last_ms = clock_monotonic_ms();
    watcher->begin_tsc = rte_rdtsc();
    watcher->begin_ns = unix_ns();
    snprintf(watcher->name, sizeof(watcher->name), "%s", name);
    TAILQ_INSERT_TAIL(&watches->entries, entry, link);
    watches->n++;
    publish(watches, set);
    plan(watches);
    *id = watcher->id;
    log_info("watch %llu of %s begins", (unsigned long long)watcher->id, name);
    return 0;
}

void
watches_stop(struct watches *watches, struct watcher *watcher)
{
    struct entry *entry = (struct entry *)watcher;

    log_info("watch %llu ends: %llu records read, %llu lost", (unsigned long long)watcher->id,
             (unsigned long long)watcher->read, (unsigned long long)watch_lost(&watcher->watch));
    watcher->ended = true;
    if (watcher->waiting != NULL)
        watches->answer(watches->control, watcher);
    TAILQ_REMOVE(&watches->entries, entry, link);
    watches->n--;
    publish(watches, entry->last);
    entry->last = NULL;
    reclaim_defer(watches->control->tables->reclaim, entry_free, entry);
    plan(watches);
}

/* ---- Reading ---- */

/* True if what the watch looks at is there: a number may by now be another interface's. */
static bool
is_alive(const struct watches *watches, const struct watcher *watcher)
{
    const struct interface *interface;

    if (watcher->ended || watcher->watch.where != WATCH_VIF)
        return !watcher->ended;
    interface = interface_at(watches->control->interfaces, watcher->watch.vif);
    return interface != NULL && strcmp(interface->config.name, watcher->name) == 0;
}

struct watcher *
watches_find(struct watches *watches, uint64_t id, enum watch_kind kind)
{
    struct entry *entry;

    TAILQ_FOREACH(entry, &watches->entries, link)
    {
        if (entry->watcher.id == id && entry->watcher.watch.kind == kind) {
            entry->watcher.ended = !is_alive(watches, &entry->watcher);
            return &entry->watcher;
        }
    }
    return NULL;
}

struct watcher *
watches_after(struct watches *watches, uint64_t id)
{
    struct watcher *next = NULL;
    struct entry *entry;

    TAILQ_FOREACH(entry, &watches->entries, link)
    {
        if (entry->watcher.id >= id && (next == NULL || entry->watcher.id < next->id))
            next = &entry->watcher;
    }
    return next;
}

void
watches_wait(struct watches *watches, struct watcher *watcher, struct rpc_request *request,
             uint32_t limit, unsigned wait_ms)
{
    watcher->waiting = request;
    watcher->limit = limit;
    watcher->until_ms = clock_monotonic_ms() + wait_ms;
    plan(watches);
}

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
    const uint64_t now = clock_monotonic_ms();
    struct watches *watches = context;
    struct entry *entry, *next;
    unsigned ring;

    (void)fd;
    (void)what;
    for (entry = TAILQ_FIRST(&watches->entries); entry != NULL; entry = next) {
        struct watcher *watcher = &entry->watcher;

        next = TAILQ_NEXT(entry, link);
        watcher->ended = !is_alive(watches, watcher);
        if (watcher->waiting != NULL && (watcher->ended || now >= watcher->until_ms ||
                                         watch_oldest(&watcher->watch, &ring) != NULL))
            watches->answer(watches->control, watcher);
        /* who was answered just now was heard of after `now` */
        if (watcher->waiting == NULL && now > watcher->last_ms + WATCH_SILENCE_MS)
            watches_stop(watches, watcher);
    }
    plan(watches);
}

uint64_t
watcher_time(const struct watcher *watcher, uint64_t tsc)
{
    const int64_t hz = (int64_t)rte_get_tsc_hz();
    /* below zero if another core's clock is a little behind this one's */
    const int64_t cycles = (int64_t)(tsc - watcher->begin_tsc);

    return watcher->begin_ns + (uint64_t)(cycles / hz * 1000000000 + cycles % hz * 1000000000 / hz);
}

struct watches *
watches_create(struct control *control,
               void (*answer)(struct control *control, struct watcher *watcher))
{
    struct watches *watches = calloc(1, sizeof(*watches));

    if (watches == NULL)
        return NULL;
    watches->control = control;
    watches->answer = answer;
    TAILQ_INIT(&watches->entries);
    watches->timer = event_new(control->base, -1, 0, on_timer, watches);
    if (watches->timer == NULL) {
        free(watches);
        return NULL;
    }
    return watches;
}

void
watches_destroy(struct watches *watches)
{
    struct entry *entry;

    if (watches == NULL)
        return;
    free(atomic_exchange(&watches->control->watches_board.set, NULL));
    while ((entry = TAILQ_FIRST(&watches->entries)) != NULL) {
        if (entry->watcher.waiting != NULL)
            rpc_reply(entry->watcher.waiting, json_object());
        TAILQ_REMOVE(&watches->entries, entry, link);
        entry_free(entry);
    }
    event_free(watches->timer);
    free(watches);
}
