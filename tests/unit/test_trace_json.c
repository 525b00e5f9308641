/* SPDX-License-Identifier: BSD-3-Clause */

/* control/trace_json and control/place: the numbers of a trace in words that a person knows, also
 * when what they stood for is gone; and the names of the places where one may look. */

#include "interfaces_rig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/names.h"
#include "control/place.h"
#include "control/trace_json.h"
#include "lib/net/description.h"
#include "lib/net/encapsulation.h"
#include "lib/net/headers.h"
#include "lib/ring/note.h"

#define GONE 63 /* the last number of the rig's tables: nobody has it */

static struct description built;

/* What the steps say of a packet that a guest, or the fabric, has sent; a reference for the caller.
 */
static json_t *
told_of(struct rig *rig, const char *packet, const struct trace_step *steps, unsigned n)
{
    char problem[DESCRIPTION_PROBLEM_MAX];
    struct traced traced = { .steps = steps, .n_steps = n, .worker = WORKER_UNKNOWN };

    assert_int_equal(description_build(packet, &built, problem), 0);
    traced.packet = built.packet;
    traced.frames = built.packet;
    traced.kept = traced.length = (uint32_t)built.length;
    traced.link = WATCH_IP;
    return traced_to_json(&rig->control, &traced);
}

/* The workers of a rig: 12 % of what may come from a guest is used, all of what may go to it. */
static void
rates_used(struct control *control, const struct vif *vif, unsigned *in, unsigned *out)
{
    (void)control;
    (void)vif;
    *in = 12;
    *out = 100;
}

static void
check(struct rig *rig, const char *packet, struct trace_step step, const char *stage,
      const char *text)
{
    json_t *told = told_of(rig, packet, &step, 1);
    json_t *said = json_array_get(json_object_get(told, "steps"), 0);

    assert_string_equal(json_string_value(json_object_get(said, "stage")), stage);
    assert_string_equal(json_string_value(json_object_get(said, "text")), text);
    json_decref(told);
}

/* What is said of a frame that is delivered to an interface with a rate. */
static void
check_delivery(struct rig *rig, const char *name, json_int_t percent, const char *text)
{
    const uint32_t id = interface_find(rig->control.interfaces, name)->id;
    const struct eth_header header = { .type = htobe16(ETHERTYPE_IPV4) };
    uint8_t frame[sizeof(header) + 64];
    struct trace_step step = { .kind = TRACE_SEND,
                               .port = PORT_NONE,
                               .number = PACKET_ACCOUNT_VIF | id };
    struct traced traced = { .steps = &step, .n_steps = 1, .worker = WORKER_UNKNOWN };
    char problem[DESCRIPTION_PROBLEM_MAX];
    json_t *told, *said;

    assert_int_equal(description_build("icmp 10.0.0.99 > 10.0.0.3", &built, problem), 0);
    memcpy(frame, &header, sizeof(header));
    memcpy(frame + sizeof(header), built.packet, built.length);
    step.kept = step.length = (uint32_t)(sizeof(header) + built.length);
    traced.frames = frame;
    traced.packet = built.packet;
    traced.kept = traced.length = (uint32_t)built.length;
    traced.link = WATCH_IP;
    told = traced_to_json(&rig->control, &traced);
    said = json_array_get(json_object_get(told, "steps"), 0);
    assert_string_equal(json_string_value(json_object_get(said, "text")), text);
    assert_int_equal(json_integer_value(json_object_get(said, "rate_used_percent")), percent);
    json_decref(told);
}

static uint32_t
make_endpoint(struct rig *rig, const char *address)
{
    struct tables *tables = rig->control.tables;
    static const struct mac_addr mac = { { 2, 0, 0, 0, 0, 0xfe } };
    struct underlay underlay = { .v4 = ip_addr_from_v4(0xc000020b), .mtu = 1500 };
    struct endpoint endpoint = { 0 };
    struct ip_addr far;
    uint32_t index;

    assert_int_equal(ip_addr_parse(address, &far), 0);
    endpoint_header_build(&endpoint, &underlay, &mac, &far, ENCAP_UDP);
    assert_int_equal(adjacency_get(&tables->adjacencies, 0, &far, &endpoint.adjacency), 0);
    assert_int_equal(endpoint_add(&tables->endpoints, &endpoint, &index), 0);
    return index;
}

static void
a_lookup_names_vrf_prefix_and_way(void **context)
{
    static const char packet[] = "icmp 10.0.0.99 > 10.1.2.3";
    struct rig *rig = *context;
    struct tables *tables = rig->control.tables;
    const struct vrf *red = vrf_find(rig->control.vrfs, "red");
    const uint32_t root = vrf_upstream_root(red->number);
    const uint32_t id = interface_find(rig->control.interfaces, "fixed")->id;
    const path_t tunnel = path_make(PATH_TUNNEL, make_endpoint(rig, "192.0.2.12"), 31);
    const path_t other = path_make(PATH_TUNNEL, make_endpoint(rig, "192.0.2.13"), 32);
    struct ip_prefix prefix;
    path_t set;

    assert_int_equal(ip_prefix_parse("10.1.0.0/16", &prefix), 0);
    assert_int_equal(fib_set(tables->fib, root, &prefix, tunnel), 0);
    check(rig, packet, (struct trace_step){ .kind = TRACE_LOOKUP, .number = root, .path = tunnel },
          "lookup", "red upstream: 10.1.0.0/16, endpoint 192.0.2.12, label 31");
    /* another route has come meanwhile: the prefix is not known any more */
    check(rig, packet, (struct trace_step){ .kind = TRACE_LOOKUP, .number = root, .path = other },
          "lookup", "red upstream: endpoint 192.0.2.13, label 32");
    check(rig, packet, (struct trace_step){ .kind = TRACE_LOOKUP, .number = root }, "lookup",
          "red upstream: no route");
    check(rig, packet,
          (struct trace_step){ .kind = TRACE_LOOKUP,
                               .number = vrf_downstream_root(red->number),
                               .path = path_make(PATH_VIF, id, 0) },
          "lookup", "red downstream: vif fixed");
    check(rig, packet,
          (struct trace_step){
              .kind = TRACE_LOOKUP, .number = root, .path = path_make(PATH_GATEWAY, 0, 0) },
          "lookup", "red upstream: the gateway's own address");
    check(rig, packet,
          (struct trace_step){
              .kind = TRACE_LOOKUP,
              .number = root,
              .path = path_make(PATH_VRF,
                                vrf_upstream_root(vrf_find(rig->control.vrfs, "hub")->number), 0) },
          "lookup", "red upstream: hub upstream");
    assert_int_equal(ecmp_add(&tables->ecmp, (path_t[]){ tunnel, other }, 2, &set), 0);
    check(rig, packet, (struct trace_step){ .kind = TRACE_LOOKUP, .number = root, .path = set },
          "lookup", "red upstream: 2 next hops");
    check(rig, packet, (struct trace_step){ .kind = TRACE_MEMBER, .number = 7, .path = other },
          "lookup", "by its flow, endpoint 192.0.2.13, label 32");
    check(rig, packet,
          (struct trace_step){ .kind = TRACE_LOOKUP,
                               .number = vrf_upstream_root(15),
                               .path = path_make(PATH_VIF, GONE, 0) },
          "lookup", "(gone) upstream: vif (gone)");
    check(rig, packet,
          (struct trace_step){ .kind = TRACE_MEMBER, .path = path_make(PATH_TUNNEL, 15, 1) },
          "lookup", "by its flow, an endpoint that is gone");
}

static void
the_ends_of_a_packet_are_named(void **context)
{
    static const char packet[] = "icmp 10.0.0.99 > 10.1.2.3";
    struct rig *rig = *context;
    const uint32_t id = interface_find(rig->control.interfaces, "fixed")->id;
    const uint32_t far = make_endpoint(rig, "192.0.2.14");
    struct vif_config limited = vif_make(3, "red");

    check(rig, packet, (struct trace_step){ .kind = TRACE_FROM_VIF, .number = id }, "ingress",
          "vif fixed: source 02:00:00:00:00:99 10.0.0.99 allowed");
    rig->control.rates_used = rates_used;
    limited.rate_in = (struct vif_rate){ 10000, 2500000000 };
    limited.rate_out = (struct vif_rate){ 0, 64000 };
    assert_int_equal(add(rig, &limited), 0);
    check(rig, packet,
          (struct trace_step){ .kind = TRACE_FROM_VIF,
                               .number = interface_find(rig->control.interfaces, "vm3")->id },
          "ingress",
          "vif vm3: source 02:00:00:00:00:03 10.0.0.99 allowed, rate 12 % used (10000 packets/s, "
          "2.5 Gbit/s)");
    check_delivery(rig, "vm3", 100,
                   "vif vm3: ttl 64, 28 octets of 1450, rate 100 % used (64 kbit/s), port (gone)");
    check(rig, packet, (struct trace_step){ .kind = TRACE_FROM_VIF, .number = GONE }, "ingress",
          "vif (gone): allowed");
    check(rig, packet,
          (struct trace_step){
              .kind = TRACE_FROM_TUNNEL, .number = 16, .path = path_make(PATH_VIF, id, 0) },
          "ingress", "tunnel: label 16, which leads to vif fixed");
    check(rig, packet,
          (struct trace_step){ .kind = TRACE_DROP, .reason = DROP_NO_ROUTE, .number = id }, "drop",
          "no-route: no route in the VRF");
    check(rig, packet,
          (struct trace_step){ .kind = TRACE_PUNT, .reason = PUNT_TOO_BIG, .path = 1454 }, "punt",
          "to the slow path: too-big, 1454 octets would pass");
    check(rig, packet, (struct trace_step){ .kind = TRACE_PUNT, .reason = PUNT_NO_ROUTE }, "drop",
          "no-route: no route in the VRF; the guest is told");
    check(rig, packet,
          (struct trace_step){ .kind = TRACE_PUNT,
                               .reason = PUNT_ADJACENCY,
                               .number = PACKET_ACCOUNT_ENDPOINT | far },
          "punt", "to the slow path: adjacency, the MAC address of 192.0.2.14 is not known");
    check(rig, packet, (struct trace_step){ .kind = TRACE_SEND, .port = 999 }, "egress",
          "port (gone)");
    check(rig, packet,
          (struct trace_step){
              .kind = TRACE_SEND, .port = PORT_NONE, .number = PACKET_ACCOUNT_VIF | GONE },
          "egress", "vif (gone): port (gone)");
    check(rig, packet,
          (struct trace_step){
              .kind = TRACE_SEND, .port = PORT_NONE, .number = PACKET_ACCOUNT_ENDPOINT | 15 },
          "egress", "port (gone)");
}

static void
the_verdict_is_what_the_steps_come_to(void **context)
{
    static const struct {
        struct trace_step steps[3];
        unsigned n;
        const char *verdict;
    } cases[] = {
        { { { .kind = TRACE_SEND }, { .kind = TRACE_SEND } }, 2, "forwarded" },
        { { { .kind = TRACE_LOOKUP }, { .kind = TRACE_DROP } }, 2, "dropped" },
        { { { .kind = TRACE_PUNT } }, 1, "slow-path" },
        { { { .kind = TRACE_PUNT, .reason = PUNT_NO_ROUTE } }, 1, "dropped" },
        { { { .kind = TRACE_LOOKUP } }, 1, "held" },
        { { { .kind = TRACE_SEND } }, 0, "held" },
    };
    struct rig *rig = *context;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *told = told_of(rig, "icmp 10.0.0.99 > 10.1.2.3", cases[i].steps, cases[i].n);

        assert_string_equal(json_string_value(json_object_get(told, "verdict")), cases[i].verdict);
        assert_string_equal(json_string_value(json_object_get(told, "packet")),
                            "icmp 10.0.0.99 > 10.1.2.3 ttl 64 size 28");
        json_decref(told);
    }
}

static void
a_captured_packet_has_its_verdict_in_a_few_words(void **context)
{
    struct rig *rig = *context;
    const uint32_t id = interface_find(rig->control.interfaces, "fixed")->id;
    const uint32_t far = make_endpoint(rig, "192.0.2.15");
    const struct {
        struct trace_step step;
        const char *text;
    } cases[] = {
        { { .kind = TRACE_SEND, .number = PACKET_ACCOUNT_VIF | id }, "sent to vif fixed" },
        { { .kind = TRACE_SEND, .number = PACKET_ACCOUNT_ENDPOINT | far },
          "sent to endpoint 192.0.2.15" },
        { { .kind = TRACE_SEND, .number = PACKET_ACCOUNT_ENDPOINT | 15, .port = 999 },
          "sent on port (gone)" },
        { { .kind = TRACE_PUNT, .reason = PUNT_ARP }, "to the slow path: arp" },
        { { .kind = TRACE_DROP, .reason = DROP_SOURCE_MAC }, "dropped: source-mac" },
        { { .kind = TRACE_PUNT, .reason = PUNT_NO_ROUTE }, "dropped: no-route" },
    };
    char text[100];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        trace_verdict_text(&rig->control, &cases[i].step, text, sizeof(text));
        assert_string_equal(text, cases[i].text);
    }
    trace_verdict_text(&rig->control, NULL, text, sizeof(text));
    assert_string_equal(text, "held");
}

static void
places_are_found_by_name_address_and_force(void **context)
{
    struct rig *rig = *context;
    struct vif_config both = vif_make(7, "red");
    char problem[PLACE_PROBLEM_MAX];
    struct place place;
    const unsigned every = PLACE_VIF | PLACE_VRF | PLACE_ENDPOINT | PLACE_UNDERLAY | PLACE_ALL;
    const struct {
        const char *text;
        unsigned kinds;
        int result;
        unsigned kind;
    } cases[] = {
        { "fixed", every, 0, PLACE_VIF },
        { "vif:fixed", every, 0, PLACE_VIF },
        { "red", every, 0, PLACE_VRF },
        { "vrf:red", every, 0, PLACE_VRF },
        { "192.0.2.12", every, 0, PLACE_ENDPOINT },
        { "endpoint:2001:db8::12", every, 0, PLACE_ENDPOINT },
        { "underlay", every, 0, PLACE_UNDERLAY },
        { "all", every, 0, PLACE_ALL },
        { "hub", every, -EINVAL, 0 },
        { "vrf:hub", every, 0, PLACE_VRF },
        { "vif:hub", every, 0, PLACE_VIF },
        { "hub", PLACE_VIF | PLACE_UNDERLAY, 0, PLACE_VIF },
        { "red", PLACE_VIF | PLACE_ENDPOINT, -ENOENT, 0 },
        { "vrf:red", PLACE_VIF, -ENOENT, 0 },
        { "vif:red", every, -ENOENT, 0 },
        { "", every, -ENOENT, 0 },
    };

    snprintf(both.name, sizeof(both.name), "hub");
    assert_int_equal(add(rig, &both), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(place_find(&rig->control, cases[i].text, cases[i].kinds, &place, problem),
                         cases[i].result);
        if (cases[i].result == 0)
            assert_int_equal(place.kind, cases[i].kind);
    }
    assert_int_equal(place_find(&rig->control, "hub", every, &place, problem), -EINVAL);
    assert_string_equal(problem, "both an interface and a VRF have this name: put vif: or vrf: "
                                 "before it");
    assert_int_equal(place_find(&rig->control, "?", PLACE_VIF | PLACE_VRF, &place, problem),
                     -ENOENT);
    assert_string_equal(problem, "an interface or a VRF is expected, not ?");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_lookup_names_vrf_prefix_and_way, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(the_ends_of_a_packet_are_named, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(the_verdict_is_what_the_steps_come_to, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_captured_packet_has_its_verdict_in_a_few_words, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(places_are_found_by_name_address_and_force, rig_up,
                                        rig_down),
    };

    return cmocka_run_group_tests(tests, everything_up, everything_down);
}
