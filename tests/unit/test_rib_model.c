/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The RIB against a statement of the rules in a few lines: every order of up to five events of two
 * servers about one prefix, from nothing and from a settled state, with time between the events and
 * without.
 */

#include "tests/unit/rib_bench.h"

#define DEPTH    5
#define STALE_MS 1000 /* the short timer here; WAIT outlasts it */

enum event { TOGGLE, SYNC, ANNOUNCE_A, ANNOUNCE_B, RETRACT, EVENTS_PER_SERVER };
#define WAIT   (2 * EVENTS_PER_SERVER)
#define EVENTS (WAIT + 1)

/* What one server is and says. */
struct model_server {
    bool up, in_sync;
    int64_t in_sync_since;
    bool has, live; /* a path, of the present session */
    uint8_t next_hop;
    int64_t received, stale_since;
};

struct model {
    struct model_server server[2];
};

static void
model_apply(struct model *model, int event, int64_t now)
{
    struct model_server *s = &model->server[event / EVENTS_PER_SERVER & 1];
    struct model_server *other = &model->server[!(event / EVENTS_PER_SERVER & 1)];
    int what = event == WAIT ? -1 : event % EVENTS_PER_SERVER;

    if (what == TOGGLE) {
        if (s->up && s->live) {
            s->live = false;
            s->stale_since = now;
        }
        s->up = !s->up;
        s->in_sync = false;
    } else if (what == SYNC && s->up && !s->in_sync) {
        s->in_sync = true;
        s->in_sync_since = now;
        s->has &= s->live;
    } else if ((what == ANNOUNCE_A || what == ANNOUNCE_B) && s->up) {
        uint8_t next_hop = what == ANNOUNCE_A ? 1 : 2;
        if (!s->has || s->next_hop != next_hop)
            s->received = now;
        s->has = s->live = true;
        s->next_hop = next_hop;
    } else if (what == RETRACT && s->up && s->has) {
        s->has = s->live = false;
        if (s->in_sync)
            other->has &= other->live;
    }
    for (int i = 0; i < 2; i++) { /* the timer */
        struct model_server *own = &model->server[i], *rs = &model->server[!i];
        int64_t from = rs->in_sync_since > own->stale_since ? rs->in_sync_since : own->stale_since;
        if (own->has && !own->live && rs->up && rs->in_sync && now >= from + STALE_MS)
            own->has = false;
    }
}

static const char *
model_best(const struct model *model)
{
    const struct model_server *a = &model->server[0], *b = &model->server[1];
    bool first = a->has;

    if (a->has && b->has)
        first = a->live != b->live ? a->live : a->received >= b->received;
    else if (!a->has && !b->has)
        return "";
    return (first ? a : b)->next_hop == 1 ? "1" : "2";
}

static void
rib_apply(struct bench *bench, int event)
{
    struct rib_server *server = event / EVENTS_PER_SERVER == 0 ? bench->rs1 : bench->rs2;
    static struct route routes[2];

    if (routes[0].n_next_hops == 0) {
        routes[0] = bench_route(P, 1);
        routes[1] = bench_route(P, 2);
    }
    if (event == WAIT)
        return;
    switch (event % EVENTS_PER_SERVER) {
    case TOGGLE:
        if (rib_server_is_live(server))
            rib_session_lost(bench->rib, server, bench->now);
        else
            rib_server_live(bench->rib, server);
        break;
    case SYNC:
        rib_in_sync(bench->rib, bench->red, server, bench->now);
        break;
    case ANNOUNCE_A:
        rib_item(bench->rib, bench->red, server, "p", &routes[0], bench->now);
        break;
    case ANNOUNCE_B:
        rib_item(bench->rib, bench->red, server, "p", &routes[1], bench->now);
        break;
    case RETRACT:
        if (rib_server_is_live(server))
            rib_retract(bench->rib, bench->red, server, "p");
        break;
    }
}

static void
check(const int *events, int n, int64_t step)
{
    static const struct rib_limits limits = { 100, 100, STALE_MS, RIB_HEADLESS_MS_DEFAULT };
    struct model model = { 0 };
    struct bench bench;

    bench_open(&bench, &limits);
    for (int i = 0; i < n; i++) {
        bench.now += events[i] == WAIT ? STALE_MS : step;
        model_apply(&model, events[i], bench.now);
        rib_apply(&bench, events[i]);
        bench_run(&bench);
        if (strcmp(bench_told(&bench, P), model_best(&model)) == 0)
            continue;
        for (int k = 0; k <= i; k++)
            print_error("event %d\n", events[k]);
        print_error("%s, should be %s\n", bench_told(&bench, P), model_best(&model));
        fail();
    }
    bench_close(&bench);
}

/* Every order of `depth` events after those that are there; shorter ones are their beginnings. */
static void
check_all(int *events, int n, int depth, int64_t step)
{
    if (depth == 0) {
        check(events, n, step);
        return;
    }
    for (events[n] = 0; events[n] < EVENTS; events[n]++)
        check_all(events, n + 1, depth - 1, step);
}

static void
every_order_of_events_from_nothing(void **state)
{
    int events[DEPTH];
    (void)state;

    check_all(events, 0, DEPTH, 1);
}

static void
every_order_of_events_from_a_settled_state(void **state)
{
    static const int settled[] = { TOGGLE,     EVENTS_PER_SERVER + TOGGLE,
                                   ANNOUNCE_A, EVENTS_PER_SERVER + ANNOUNCE_A,
                                   SYNC,       EVENTS_PER_SERVER + SYNC };
    int events[sizeof(settled) / sizeof(settled[0]) + DEPTH];
    int n = sizeof(settled) / sizeof(settled[0]);
    (void)state;

    memcpy(events, settled, sizeof(settled));
    check_all(events, n, DEPTH, 1);
    check_all(events, n, DEPTH - 1, 0);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_of_events_from_nothing),
        cmocka_unit_test(every_order_of_events_from_a_settled_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
