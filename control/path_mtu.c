/* SPDX-License-Identifier: BSD-3-Clause */

/* Path MTUs from the slow path to the endpoints: see path_mtu.h. */

#define LOG_AREA "path-mtu"

#include "control/path_mtu.h"

#include <stdlib.h>

#include <event2/event.h>

#include "control/control.h"
#include "control/endpoints.h"
#include "control/routing.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/ring/path_mtu.h"

#define INTERVAL_MS 100
#define LIFETIME_MS 600000

struct path_mtus {
    struct endpoints *endpoints;
    struct rings *rings;
    struct event *timer;
};

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
    struct path_mtus *path_mtus = context;
    const uint64_t now_ms = clock_monotonic_ms();
    struct path_mtu told;
    char text[IP_ADDR_TEXT_MAX];

    (void)fd;
    (void)what;
    /* The slow path tells no more than a few in a second. */
    while (path_mtu_take(path_mtus->rings, &told)) {
        if (endpoints_lower_mtu(path_mtus->endpoints, &told.address, told.mtu,
                                now_ms + LIFETIME_MS))
            log_info("the path to %s carries %u octets: no more for ten minutes",
                     ip_addr_format(&told.address, text), told.mtu);
    }
    endpoints_restore_mtus(path_mtus->endpoints, now_ms);
}

struct path_mtus *
path_mtus_create(struct control *control, struct rings *rings)
{
    static const struct timeval interval = { .tv_usec = INTERVAL_MS * 1000 };
    struct path_mtus *path_mtus = calloc(1, sizeof(*path_mtus));

    if (path_mtus == NULL)
        return NULL;
    path_mtus->endpoints = routing_endpoints(control->routing);
    path_mtus->rings = rings;
    path_mtus->timer = event_new(control->base, -1, EV_PERSIST, on_timer, path_mtus);
    if (path_mtus->timer == NULL || event_add(path_mtus->timer, &interval) != 0) {
        path_mtus_destroy(path_mtus);
        return NULL;
    }
    return path_mtus;
}

void
path_mtus_destroy(struct path_mtus *path_mtus)
{
    if (path_mtus == NULL)
        return;
    if (path_mtus->timer != NULL)
        event_free(path_mtus->timer);
    free(path_mtus);
}
