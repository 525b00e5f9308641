/* SPDX-License-Identifier: BSD-3-Clause */

/* millrace-rs: clients, publications, VRFs and what subscribers are told. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/routeserver/prefix_tree.h"
#include "control/routeserver/rib.h"
#include "control/routeserver/target.h"

#define PURGE_MS 60000u

static struct rib *rib;
static unsigned behind_calls, overrun_calls;

static void
count_behind(void *session)
{
    assert_non_null(session);
    behind_calls++;
}

static void
count_overrun(void *session)
{
    assert_non_null(session);
    overrun_calls++;
}

static void
start(const struct rib_limits *limits)
{
    rib = rib_new(limits == NULL ? &RIB_LIMITS_DEFAULT : limits, true, PURGE_MS);
    rib->behind = count_behind;
    rib->overrun = count_overrun;
    behind_calls = overrun_calls = 0;
}

static void
add_vpn(const char *name, const char *export_target, const char *import_target)
{
    uint64_t exports = 0, imports = 0;
    struct rib_policy policy = { &exports, &imports, 1, 1 };

    assert_int_equal(route_target_parse(export_target, &exports), 0);
    assert_int_equal(route_target_parse(import_target, &imports), 0);
    assert_int_equal(rib_vrf_add(rib, name, &policy), 0);
}

static struct rib_client *
come(const char *jid, uint64_t now)
{
    static int session; /* only its address matters */
    struct ip_addr address = ip_addr_from_v4(0xc0000201);
    struct rib_client *client;

    assert_int_equal(rib_client_connect(rib, jid, &address, &session, now, &client), 0);
    return client;
}

static void
subscribe(struct rib_client *client, const char *vpn)
{
    uint16_t instance = 7;

    assert_int_equal(rib_subscribe(rib, client, vpn, &instance), 0);
}

static struct route
make_route(const char *prefix, uint32_t label, uint32_t preference, uint32_t sequence)
{
    struct route route = { .local_preference = preference,
                           .sequence_number = sequence,
                           .n_next_hops = 1 };

    assert_int_equal(ip_prefix_parse(prefix, &route.prefix), 0);
    route.next_hops[0] =
        (struct route_next_hop){ ip_addr_from_v4(0xc0000200 + label % 200), label, ENCAP_UDP };
    return route;
}

static void
publish_full(struct rib_client *client, const char *vpn, const char *item, const char *prefix,
             uint32_t label, uint32_t preference, uint32_t sequence, uint64_t now)
{
    struct route route = make_route(prefix, label, preference, sequence);

    assert_int_equal(rib_publish(rib, client, vpn, item, &route, now), 0);
}

/* The item is the prefix, preference and sequence are the usual ones. */
static void
publish(struct rib_client *client, const char *vpn, const char *prefix, uint32_t label)
{
    publish_full(client, vpn, prefix, prefix, label, 100, 1, 0);
}

/* What a client has to be told of a VPN, as "+PREFIX=LABEL " and "-PREFIX ". */
static const char *
told(struct rib_client *client, const char *vpn)
{
    static char text[65536];
    struct rib_subscription *subscription = rib_subscription_find(client, vpn);
    const struct rib_route *route;
    size_t used = 0;

    text[0] = '\0';
    assert_non_null(subscription);
    while ((route = rib_next_change(rib, subscription)) != NULL) {
        char prefix[IP_PREFIX_TEXT_MAX];
        ip_prefix_format(&route->node.prefix, prefix);
        if (route->best == NULL)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "-%s ", prefix);
        else
            used += (size_t)snprintf(text + used, sizeof(text) - used, "+%s=%u ", prefix,
                                     route->best->publication->route->next_hops[0].label);
        assert_true(used < sizeof(text));
    }
    return text;
}

static const struct rib_route *
find_route(const char *vpn, const char *prefix)
{
    struct ip_prefix parsed;
    struct prefix_node *node;

    assert_int_equal(ip_prefix_parse(prefix, &parsed), 0);
    node = prefix_tree_find(&rib_vrf_find(rib, vpn)->routes, &parsed);
    return node == NULL
               ? NULL
               : (struct rib_route *)(void *)((char *)node - offsetof(struct rib_route, node));
}

static void
r03_a_node_comes_into_being_with_the_first_subscription(void **state)
{
    (void)state;
    start(NULL);
    struct rib_client *a = come("a@x", 0);
    assert_null(rib_vrf_find(rib, "red"));
    subscribe(a, "red");
    assert_non_null(rib_vrf_find(rib, "red"));
    assert_int_equal(rib_unsubscribe(rib, a, "red", 0), 0);
    assert_null(rib_vrf_find(rib, "red"));
    assert_int_equal(rib_unsubscribe(rib, a, "red", 0), -ENOENT);

    rib->auto_vpn = false;
    assert_int_equal(rib_subscribe(rib, a, "red", NULL), -ENOENT);
    add_vpn("blue", "64512:1", "64512:1");
    assert_int_equal(rib_subscribe(rib, a, "blue", NULL), 0);
    rib_free(rib);
}

static void
r05_a_subscription_delivers_every_item(void **state)
{
    (void)state;
    start(NULL);
    struct rib_client *a = come("a@x", 0), *b = come("b@x", 0);
    subscribe(a, "red");
    for (unsigned i = 1; i <= 100; i++) {
        char prefix[32];
        snprintf(prefix, sizeof(prefix), "10.0.0.%u/32", i);
        publish(a, "red", prefix, 100 + i);
    }
    assert_int_equal(rib_retract(rib, a, "red", "10.0.0.50/32", 0), 0);
    behind_calls = 0;
    subscribe(b, "red");
    assert_int_equal(behind_calls, 1);
    const char *text = told(b, "red");
    unsigned items = 0;
    for (const char *c = text; *c != '\0'; c++)
        items += *c == '+';
    assert_int_equal(items, 99);
    assert_null(strchr(text, '-')); /* what was withdrawn before is not told */
    assert_string_equal(told(b, "red"), "");
    subscribe(b, "red"); /* once more: nothing happens */
    assert_string_equal(told(b, "red"), "");
    rib_free(rib);
}

static void
r06_a_change_is_told_to_all_subscribers_and_nothing_else_is(void **state)
{
    (void)state;
    start(NULL);
    struct rib_client *a = come("a@x", 0), *b = come("b@x", 0);
    subscribe(a, "red");
    subscribe(b, "red");
    publish(a, "red", "10.0.0.1/32", 101);
    publish(a, "red", "10.0.0.2/32", 102);
    assert_string_equal(told(a, "red"), "+10.0.0.1/32=101 +10.0.0.2/32=102 "); /* its own, too */
    assert_string_equal(told(b, "red"), "+10.0.0.1/32=101 +10.0.0.2/32=102 ");

    publish(a, "red", "10.0.0.1/32", 101); /* the same again */
    assert_string_equal(told(b, "red"), "");
    publish_full(b, "red", "worse", "10.0.0.1/32", 110, 50, 1, 0); /* not the best */
    assert_string_equal(told(b, "red"), "");
    assert_int_equal(rib_retract(rib, b, "red", "worse", 0), 0);
    assert_string_equal(told(b, "red"), "");
    publish(a, "red", "10.0.0.1/32", 103);
    assert_string_equal(told(b, "red"), "+10.0.0.1/32=103 ");
    assert_int_equal(rib_retract(rib, a, "red", "10.0.0.1/32", 0), 0);
    assert_string_equal(told(b, "red"), "-10.0.0.1/32 ");
    assert_int_equal(rib_retract(rib, a, "red", "10.0.0.1/32", 0), -ENOENT);
    assert_int_equal(rib_retract(rib, b, "red", "10.0.0.2/32", 0), -ENOENT); /* not b's */

    /* The same item for another prefix: one goes, one comes. */
    publish_full(a, "red", "10.0.0.2/32", "10.0.0.3/32", 104, 100, 1, 0);
    assert_string_equal(told(b, "red"), "-10.0.0.2/32 +10.0.0.3/32=104 ");
    assert_string_equal(told(a, "red"),
                        "-10.0.0.1/32 -10.0.0.2/32 +10.0.0.3/32=104 "); /* the last state only */
    assert_int_equal(rib_vrf_find(rib, "red")->n_withdrawn, 0);
    rib_free(rib);
}

static void
a_slow_reader_is_told_the_last_state_of_what_changed(void **state)
{
    struct rib_limits limits = RIB_LIMITS_DEFAULT;
    (void)state;

    limits.lag = 2000;
    start(&limits);
    struct rib_client *a = come("a@x", 0), *slow = come("slow@x", 0), *quick = come("quick@x", 0);
    subscribe(a, "red");
    subscribe(slow, "red");
    subscribe(quick, "red");
    for (unsigned i = 0; i < 1000; i++) {
        publish(a, "red", "10.0.0.1/32", 100 + i);
        publish(a, "red", "10.0.0.2/32", 100 + i);
        told(quick, "red");
        told(a, "red");
    }
    assert_string_equal(told(slow, "red"), "+10.0.0.1/32=1099 +10.0.0.2/32=1099 ");

    /* Withdrawals wait for the slowest, up to a bound: then it is given up. */
    for (unsigned i = 0; i < 2001; i++) {
        assert_int_equal(overrun_calls, 0);
        publish(a, "red", "10.0.1.1/32", 100);
        assert_int_equal(rib_retract(rib, a, "red", "10.0.1.1/32", 0), 0);
        told(quick, "red");
        told(a, "red");
    }
    assert_int_equal(overrun_calls, 1);
    assert_int_equal(rib->counters.overruns, 1);
    rib_client_disconnect(rib, slow, 0);
    assert_int_equal(rib_vrf_find(rib, "red")->n_withdrawn, 0);
    rib_free(rib);
}

static void
a_place_in_the_log_survives_that_its_route_moves(void **state)
{
    (void)state;
    start(NULL);
    struct rib_client *a = come("a@x", 0), *b = come("b@x", 0);
    subscribe(a, "red");
    publish(a, "red", "10.0.0.1/32", 101);
    publish(a, "red", "10.0.0.2/32", 102);
    publish(a, "red", "10.0.0.3/32", 103);
    subscribe(b, "red"); /* its place: 10.0.0.1 */
    publish(a, "red", "10.0.0.1/32", 111);
    assert_int_equal(rib_retract(rib, a, "red", "10.0.0.2/32", 0), 0);
    assert_string_equal(told(b, "red"), "+10.0.0.3/32=103 +10.0.0.1/32=111 -10.0.0.2/32 ");
    publish(a, "red", "10.0.0.1/32", 112);
    publish(a, "red", "10.0.0.1/32", 113); /* the last of the log, and a place */
    assert_string_equal(told(b, "red"), "+10.0.0.1/32=113 ");
    rib_free(rib);
}

static void
r02_what_a_client_published_goes_after_the_purge_time(void **state)
{
    (void)state;
    start(NULL);
    struct rib_client *a = come("a@x", 0), *b = come("b@x", 0);
    subscribe(a, "red");
    subscribe(b, "red");
    publish(a, "red", "10.0.0.1/32", 101);
    publish(b, "red", "10.0.0.2/32", 102);
    told(b, "red");
    rib_client_disconnect(rib, a, 1000);
    assert_string_equal(told(b, "red"), "");
    assert_false(rib_purge(rib, 1000 + PURGE_MS - 1, 100));
    assert_string_equal(told(b, "red"), "");
    assert_true(rib_purge(rib, 1000 + PURGE_MS, 0)); /* due, but no budget */
    assert_false(rib_purge(rib, 1000 + PURGE_MS, 100));
    assert_string_equal(told(b, "red"), "-10.0.0.1/32 ");
    assert_null(rib_client_find(rib, "a@x"));
    assert_int_equal(rib->counters.purged, 1);
    rib_free(rib);
}

static void
r02_a_client_that_comes_back_in_time_loses_only_what_it_does_not_renew(void **state)
{
    (void)state;
    start(NULL);
    struct rib_client *a = come("a@x", 0), *b = come("b@x", 0);
    subscribe(a, "red");
    subscribe(b, "red");
    publish(a, "red", "10.0.0.1/32", 101);
    publish(a, "red", "10.0.0.2/32", 102);
    told(b, "red");
    rib_client_disconnect(rib, a, 1000);
    assert_ptr_equal(come("a@x", 50000), a);
    subscribe(a, "red");
    assert_true(rib_publication_is_stale(TAILQ_FIRST(&a->publications)));
    publish(a, "red", "10.0.0.2/32", 102);
    assert_false(rib_publication_is_stale(TAILQ_LAST(&a->publications, rib_publications)));
    assert_string_equal(told(b, "red"), "");
    rib_purge(rib, 50000 + PURGE_MS - 1, 100);
    assert_string_equal(told(b, "red"), "");
    rib_purge(rib, 50000 + PURGE_MS, 100);
    assert_string_equal(told(b, "red"), "-10.0.0.1/32 ");
    assert_int_equal(a->purge_at, 0);
    assert_int_equal(a->n_publications, 1);
    rib_free(rib);
}

static void
r02_coming_back_again_and_again_keeps_nothing_for_ever(void **state)
{
    (void)state;
    start(NULL);
    struct rib_client *a = come("a@x", 0), *b = come("b@x", 0);
    subscribe(a, "red");
    subscribe(b, "red");
    publish(a, "red", "10.0.0.1/32", 101);
    told(b, "red");
    uint64_t now = 1000;
    for (; now < 1000 + 2 * PURGE_MS; now += 30000) {
        rib_client_disconnect(rib, a, now);
        assert_ptr_equal(come("a@x", now + 1), a);
        rib_purge(rib, now + 2, 100);
        assert_string_equal(told(b, "red"), "");
    }
    rib_purge(rib, now + 2, 100);
    assert_string_equal(told(b, "red"), "-10.0.0.1/32 ");
    rib_free(rib);
}

static void
a_program_that_stood_still_purges_later(void **state)
{
    (void)state;
    start(NULL);
    struct rib_client *a = come("a@x", 0);
    subscribe(a, "red");
    publish(a, "red", "10.0.0.1/32", 101);
    rib_client_disconnect(rib, a, 0);
    rib_postpone(rib, 100000);
    rib_purge(rib, 100000 + PURGE_MS - 1, 100);
    assert_int_equal(rib->n_publications, 1);
    rib_purge(rib, 100000 + PURGE_MS, 100);
    assert_int_equal(rib->n_publications, 0);
    assert_null(rib_vrf_find(rib, "red"));
    rib_free(rib);
}

static void
r04_items_persist_and_a_late_subscriber_hears_them(void **state)
{
    (void)state;
    start(NULL);
    struct rib_client *a = come("a@x", 0);
    subscribe(a, "red");
    publish(a, "red", "10.0.0.1/32", 101);
    rib_client_disconnect(rib, a, 5);
    rib_purge(rib, 10, 100);
    struct rib_client *b = come("b@x", 10);
    subscribe(b, "red");
    assert_string_equal(told(b, "red"), "+10.0.0.1/32=101 ");
    rib_free(rib);
}

static void
c20_c21_local_preference_then_sequence_then_the_more_recent(void **state)
{
    (void)state;
    start(NULL);
    struct rib_client *a = come("a@x", 0), *b = come("b@x", 0);
    subscribe(a, "red");
    subscribe(b, "red");
    publish_full(a, "red", "i", "10.0.0.1/32", 101, 100, 5, 0);
    assert_string_equal(rib_why(find_route("red", "10.0.0.1/32")), "only path");
    publish_full(b, "red", "i", "10.0.0.1/32", 102, 100, 4, 0);
    assert_string_equal(told(b, "red"), "+10.0.0.1/32=101 ");
    assert_string_equal(rib_why(find_route("red", "10.0.0.1/32")), "newer sequence-number");
    publish_full(b, "red", "i", "10.0.0.1/32", 102, 200, 4, 0);
    assert_string_equal(told(b, "red"), "+10.0.0.1/32=102 ");
    assert_string_equal(rib_why(find_route("red", "10.0.0.1/32")), "higher local-preference");
    publish_full(a, "red", "i", "10.0.0.1/32", 101, 200, 4, 0);
    assert_string_equal(told(b, "red"), "+10.0.0.1/32=101 ");
    assert_string_equal(rib_why(find_route("red", "10.0.0.1/32")), "more recent");
    publish_full(b, "red", "i", "10.0.0.1/32", 102, 200, 4, 0); /* renewed, not more recent */
    assert_string_equal(told(b, "red"), "");
    assert_int_equal(rib_retract(rib, a, "red", "i", 0), 0);
    assert_string_equal(told(b, "red"), "+10.0.0.1/32=102 ");
    rib_free(rib);
}

static void
extranet_a_vpn_hears_what_it_imports(void **state)
{
    uint64_t red, shared, both[2];
    struct rib_policy policy = { &red, both, 1, 2 };
    (void)state;

    start(NULL);
    assert_int_equal(route_target_parse("64512:1", &red), 0);
    assert_int_equal(route_target_parse("64512:9", &shared), 0);
    both[0] = red;
    both[1] = shared;
    assert_int_equal(rib_vrf_add(rib, "red", &policy), 0);
    assert_int_equal(rib_vrf_add(rib, "red", &policy), -EEXIST);
    policy.export_targets = &shared;
    assert_int_equal(rib_vrf_add(rib, "shared", &policy), 0);
    add_vpn("blue", "64512:2", "64512:2");
    assert_int_equal(rib_vrf_connect(rib), 0);
    struct rib_client *a = come("a@x", 0);
    subscribe(a, "red");
    subscribe(a, "shared");
    subscribe(a, "blue");
    publish(a, "red", "10.0.0.1/32", 101);
    publish(a, "shared", "10.9.0.1/32", 109);
    publish(a, "blue", "10.0.0.1/32", 102);
    assert_string_equal(told(a, "red"), "+10.0.0.1/32=101 +10.9.0.1/32=109 ");
    assert_string_equal(told(a, "shared"), "+10.0.0.1/32=101 +10.9.0.1/32=109 ");
    assert_string_equal(told(a, "blue"), "+10.0.0.1/32=102 ");
    assert_int_equal(rib_unsubscribe(rib, a, "shared", 0), 0);
    assert_string_equal(told(a, "red"), "-10.9.0.1/32 ");
    rib_free(rib);
}

static void
hub_and_spoke_spokes_hear_the_hub_only(void **state)
{
    (void)state;
    start(NULL);
    add_vpn("spoke", "64512:10", "64512:20");
    add_vpn("hub-in", "64512:20", "64512:30");
    add_vpn("hub-out", "64512:30", "64512:10");
    assert_int_equal(rib_vrf_connect(rib), 0);
    struct rib_client *a = come("a@x", 0), *hub = come("hub@x", 0);
    subscribe(a, "spoke");
    subscribe(hub, "hub-in");
    subscribe(hub, "hub-out");
    publish(a, "spoke", "10.1.0.1/32", 101);
    publish(hub, "hub-in", "10.0.0.0/8", 120);
    publish(hub, "hub-out", "10.9.0.2/32", 130);
    assert_string_equal(told(a, "spoke"), "+10.0.0.0/8=120 "); /* not its own: no way past */
    assert_string_equal(told(hub, "hub-out"), "+10.1.0.1/32=101 ");
    assert_string_equal(told(hub, "hub-in"), "+10.9.0.2/32=130 "); /* nothing imported goes on */
    rib_free(rib);
}

static void
publications_are_checked_and_bounded(void **state)
{
    struct rib_limits limits = { .vpns = 2,
                                 .clients = 2,
                                 .subscriptions_per_client = 2,
                                 .routes_per_client = 2,
                                 .routes = 3,
                                 .lag = 100 };
    struct route route = make_route("10.0.0.1/32", 101, 100, 1);
    struct ip_addr address = ip_addr_from_v4(0xc0000201);
    struct rib_client *third;
    int session;
    (void)state;

    start(&limits);
    struct rib_client *a = come("a@x", 0), *b = come("b@x", 0);
    assert_int_equal(rib_client_connect(rib, "c@x", &address, &session, 0, &third), -ENOSPC);
    assert_int_equal(rib_client_connect(rib, "a@x", &address, &session, 0, &third), -EBUSY);
    subscribe(a, "red");
    subscribe(a, "blue");
    assert_int_equal(rib_subscribe(rib, a, "green", NULL), -ENOSPC);
    assert_int_equal(rib_subscribe(rib, b, "green", NULL), -ENOSPC);

    assert_int_equal(rib_publish(rib, b, "red", "i", &route, 0), -EACCES);
    assert_int_equal(rib_publish(rib, b, "green", "i", &route, 0), -ENOENT);
    subscribe(b, "red");
    route.next_hops[0].addr = ip_addr_from_v4(0xe0000001);
    assert_int_equal(rib_publish(rib, b, "red", "i", &route, 0), -EINVAL);
    route.next_hops[0].addr = ip_addr_from_v4(0xc0000201);
    assert_int_equal(rib_publish(rib, b, "red", "1", &route, 0), 0);
    assert_int_equal(rib_publish(rib, b, "red", "2", &route, 0), 0);
    assert_int_equal(rib_publish(rib, b, "red", "3", &route, 0), -ENOSPC);
    assert_int_equal(rib_publish(rib, a, "red", "1", &route, 0), 0);
    assert_int_equal(rib_publish(rib, a, "blue", "1", &route, 0), -ENOSPC);
    assert_int_equal(rib->counters.refused_limit, 5);
    assert_int_equal(rib->counters.refused_stranger, 2);
    assert_int_equal(rib->counters.refused_next_hop, 1);

    /* The RD is the client's address and the subscription's instance-id. */
    const struct rib_publication *first = TAILQ_FIRST(&a->publications);
    assert_true(first->has_rd);
    assert_int_equal(first->rd_instance, 7);
    assert_true(ip_addr_equal(&first->rd_addr, &address));
    rib_free(rib);
}

static void
prefixes_stand_in_order(void **state)
{
    enum { NODES = 500 };
    static struct prefix_node nodes[NODES];
    struct prefix_tree tree = { NULL };
    struct ip_prefix last = { 0 };
    unsigned seen = 0;
    (void)state;

    for (uint32_t i = 0; i < NODES; i++) {
        struct ip_addr addr = ip_addr_from_v4(0x0a000000 + (i * 7919) % NODES);
        nodes[i].prefix = ip_prefix_of_host(&addr);
        prefix_tree_add(&tree, &nodes[i]);
    }
    for (uint32_t i = 0; i < NODES; i += 5)
        prefix_tree_remove(&tree, &nodes[i]);
    assert_int_equal(prefix_tree_size(&tree), NODES - NODES / 5);
    for (struct prefix_node *node = prefix_tree_after(&tree, NULL); node != NULL;
         node = prefix_tree_after(&tree, &last)) {
        assert_true(seen == 0 || ip_prefix_compare(&last, &node->prefix) < 0);
        assert_int_equal(prefix_tree_rank(&tree, &node->prefix), seen);
        last = node->prefix;
        seen++;
    }
    assert_int_equal(seen, NODES - NODES / 5);
    assert_null(prefix_tree_find(&tree, &nodes[0].prefix));
    assert_ptr_equal(prefix_tree_find(&tree, &nodes[1].prefix), &nodes[1]);
    assert_non_null(prefix_tree_after(&tree, &nodes[0].prefix)); /* of a prefix that is gone */
}

static void
route_targets_are_read_strictly(void **state)
{
    static const struct {
        const char *text;
        uint64_t value; /* 0: refused */
    } cases[] = {
        { "64512:1", 0x0002fc0000000001u },
        { "0:4294967295", 0x00020000ffffffffu },
        { "65536:65535", 0x020200010000ffffu },
        { "65536:65536", 0 },
        { "4294967296:1", 0 },
        { "192.0.2.1:5", 0x0102c00002010005u },
        { "192.0.2.1:65536", 0 },
        { "192.0.2:1", 0 },
        { "64512", 0 },
        { ":1", 0 },
        { "1:", 0 },
        { "1:-1", 0 },
        { "2001:db8::1", 0 },
        { "", 0 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[ROUTE_TARGET_TEXT_MAX];
        uint64_t value = 0;
        int error = route_target_parse(cases[i].text, &value);
        assert_int_equal(error, cases[i].value == 0 ? -EINVAL : 0);
        assert_true(value == cases[i].value);
        if (error == 0)
            assert_string_equal(route_target_format(value, text), cases[i].text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r03_a_node_comes_into_being_with_the_first_subscription),
        cmocka_unit_test(r05_a_subscription_delivers_every_item),
        cmocka_unit_test(r06_a_change_is_told_to_all_subscribers_and_nothing_else_is),
        cmocka_unit_test(a_slow_reader_is_told_the_last_state_of_what_changed),
        cmocka_unit_test(a_place_in_the_log_survives_that_its_route_moves),
        cmocka_unit_test(r02_what_a_client_published_goes_after_the_purge_time),
        cmocka_unit_test(r02_a_client_that_comes_back_in_time_loses_only_what_it_does_not_renew),
        cmocka_unit_test(r02_coming_back_again_and_again_keeps_nothing_for_ever),
        cmocka_unit_test(a_program_that_stood_still_purges_later),
        cmocka_unit_test(r04_items_persist_and_a_late_subscriber_hears_them),
        cmocka_unit_test(c20_c21_local_preference_then_sequence_then_the_more_recent),
        cmocka_unit_test(extranet_a_vpn_hears_what_it_imports),
        cmocka_unit_test(hub_and_spoke_spokes_hear_the_hub_only),
        cmocka_unit_test(publications_are_checked_and_bounded),
        cmocka_unit_test(prefixes_stand_in_order),
        cmocka_unit_test(route_targets_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
