/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A RIB on the bench: two route servers, one VPN "red", and what the user was told, written down
 * as text. Next hops are named by their last octet: 192.0.2.N, label 1000 + N.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/rib.h"

#define BENCH_PREFIXES 64
#define P              "10.0.0.1/32"

struct bench {
    struct rib *rib;
    struct rib_server *rs1, *rs2;
    struct rib_vpn *red;
    int64_t now;
    unsigned n_told;        /* events */
    uint32_t refused_label; /* acceptable() says no to it */
    struct {
        struct ip_prefix prefix;
        char next_hops[64]; /* "1,2"; empty: none */
    } told[BENCH_PREFIXES];
    unsigned n_prefixes;
};

static inline struct ip_prefix
bench_prefix(const char *text)
{
    struct ip_prefix prefix;

    assert_int_equal(ip_prefix_parse(text, &prefix), 0);
    return prefix;
}

static inline struct route
bench_route(const char *prefix, uint8_t next_hop)
{
    struct route route = {
        .prefix = bench_prefix(prefix),
        .local_preference = ROUTE_PREF_DEFAULT,
        .sequence_number = ROUTE_SEQUENCE_DEFAULT,
        .n_next_hops = 1,
    };

    route.next_hops[0].addr = ip_addr_from_v4(0xc0000200u + next_hop);
    route.next_hops[0].label = 1000u + next_hop;
    route.next_hops[0].encapsulations = ENCAP_UDP;
    return route;
}

static inline void
bench_best_changed(void *user, void *vpn_user, const struct ip_prefix *prefix,
                   const struct route *best)
{
    struct bench *bench = user;
    unsigned i = 0;
    (void)vpn_user;

    bench->n_told++;
    while (i < bench->n_prefixes && !ip_prefix_equal(&bench->told[i].prefix, prefix))
        i++;
    if (i == BENCH_PREFIXES)
        return;
    if (i == bench->n_prefixes)
        bench->n_prefixes++;
    bench->told[i].prefix = *prefix;
    bench->told[i].next_hops[0] = '\0';
    for (unsigned hop = 0; best != NULL && hop < best->n_next_hops; hop++) {
        size_t length = strlen(bench->told[i].next_hops);
        snprintf(bench->told[i].next_hops + length, sizeof(bench->told[i].next_hops) - length,
                 "%s%u", hop > 0 ? "," : "", best->next_hops[hop].addr.octets[3]);
    }
}

static inline bool
bench_acceptable(void *user, void *vpn_user, const struct ip_prefix *prefix,
                 const struct route_next_hop *next_hop)
{
    const struct bench *bench = user;
    (void)vpn_user;
    (void)prefix;

    return next_hop->label != bench->refused_label;
}

static inline void
bench_open(struct bench *bench, const struct rib_limits *limits)
{
    static const struct rib_events events = {
        .best_changed = bench_best_changed,
        .acceptable = bench_acceptable,
    };
    struct ip_addr first = ip_addr_from_v4(0xc6336401u), second = ip_addr_from_v4(0xc6336402u);

    memset(bench, 0, sizeof(*bench));
    bench->now = 1000000;
    bench->rib = rib_new(limits, &events, bench);
    assert_non_null(bench->rib);
    bench->rs1 = rib_server_add(bench->rib, "rs1", &first);
    bench->rs2 = rib_server_add(bench->rib, "rs2", &second);
    bench->red = rib_vpn_add(bench->rib, "red", bench);
    assert_non_null(bench->rs1);
    assert_non_null(bench->rs2);
    assert_non_null(bench->red);
}

/* Lets all work that is due be done. */
static inline int64_t
bench_run(struct bench *bench)
{
    int64_t next;

    while ((next = rib_run(bench->rib, bench->now)) <= bench->now)
        ;
    return next;
}

/* Time passes. */
static inline void
bench_wait(struct bench *bench, int64_t milliseconds)
{
    bench->now += milliseconds;
    bench_run(bench);
}

static inline void
bench_live(struct bench *bench, struct rib_server *server)
{
    assert_int_equal(rib_server_live(bench->rib, server), 0);
}

static inline void
bench_sync(struct bench *bench, struct rib_server *server)
{
    rib_in_sync(bench->rib, bench->red, server, bench->now);
    bench_run(bench);
}

static inline void
bench_lose(struct bench *bench, struct rib_server *server)
{
    rib_session_lost(bench->rib, server, bench->now);
    bench_run(bench);
}

/* Each item a millisecond after the one before. */
static inline void
bench_item(struct bench *bench, struct rib_server *server, const char *id,
           const struct route *route)
{
    assert_int_equal(rib_item(bench->rib, bench->red, server, id, route, ++bench->now), 0);
}

/* The item of prefix P by the forwarder 192.0.2.N. */
static inline void
bench_announce(struct bench *bench, struct rib_server *server, uint8_t next_hop)
{
    struct route route = bench_route(P, next_hop);

    bench_item(bench, server, "p", &route);
}

static inline void
bench_retract(struct bench *bench, struct rib_server *server)
{
    assert_int_equal(rib_retract(bench->rib, bench->red, server, "p"), 0);
}

/* What the user was told last for a prefix, "" if nothing or none. */
static inline const char *
bench_told(const struct bench *bench, const char *text)
{
    struct ip_prefix prefix = bench_prefix(text);

    for (unsigned i = 0; i < bench->n_prefixes; i++) {
        if (ip_prefix_equal(&bench->told[i].prefix, &prefix))
            return bench->told[i].next_hops;
    }
    return "";
}

/* Why text and server of the paths of a prefix: "*rs1 only path; rs2 stale". */
static inline bool
bench_write_view(void *user, const struct rib_path_view *view)
{
    char *text = user;
    size_t length = strlen(text);

    snprintf(text + length, 512 - length, "%s%s%s %s", length > 0 ? "; " : "",
             view->chosen ? "*" : "", view->server, view->why);
    return true;
}

static inline const char *
bench_why(const struct bench *bench, const char *text)
{
    static char why[512];
    struct ip_prefix prefix = bench_prefix(text);

    why[0] = '\0';
    rib_show(bench->rib, bench->red, &prefix, bench_write_view, why);
    return why;
}

static inline struct rib_counts
bench_counts(const struct bench *bench)
{
    struct rib_counts counts;

    rib_counts(bench->rib, &counts);
    return counts;
}

static inline void
bench_close(struct bench *bench)
{
    rib_free(bench->rib);
}

/* Both servers live and in sync, both with the same path to P. */
static inline void
bench_open_with_both(struct bench *bench)
{
    bench_open(bench, NULL);
    bench_live(bench, bench->rs1);
    bench_live(bench, bench->rs2);
    bench_announce(bench, bench->rs1, 1);
    bench_announce(bench, bench->rs2, 1);
    bench_sync(bench, bench->rs1);
    bench_sync(bench, bench->rs2);
    assert_string_equal(bench_told(bench, P), "1");
}
