/* SPDX-License-Identifier: BSD-3-Clause */

/* The draft's payload (lib/xmpp/draft.c): table of entries and what they mean, and the text of
 * draft-ietf-l3vpn-end-system itself. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/xmpp/dialect.h"
#include "tests/unit/xmpp_snippet.h"

#define URN   "urn:ietf:params:xml:ns:bgp:l3vpn:unicast"
#define ENTRY "<entry xmlns='" URN "'>"
#define NLRI  "<nlri><af>1</af><address>203.0.113.42/32</address></nlri>"
#define HOP   "<af>1</af><address>192.0.2.1</address><label>10000</label>"
#define LIST                                                                      \
    "<tunnel-encapsulation-list><tunnel-encapsulation>udp</tunnel-encapsulation>" \
    "</tunnel-encapsulation-list>"
#define HOPS "<next-hops><next-hop>" HOP "</next-hop></next-hops>"

/* The result of reading: the route as text, or "refused: why". */
static void
read_item(const struct xmpp_element *item, void *user)
{
    char why[DIALECT_WHY_MAX], text[IP_PREFIX_TEXT_MAX];
    char *at = user;
    struct route route;

    if (!dialect_draft.read_entry(item, &route, why)) {
        sprintf(at, "refused: %s", why);
        return;
    }
    at += sprintf(at, "%s seq %u pref %u", ip_prefix_format(&route.prefix, text),
                  route.sequence_number, route.local_preference);
    for (unsigned i = 0; i < route.n_next_hops; i++) {
        const struct route_next_hop *hop = &route.next_hops[i];

        at += sprintf(at, ", %s %u%s%s%s", ip_addr_format(&hop->addr, text), hop->label,
                      (hop->encapsulations & ENCAP_GRE) != 0 ? " gre" : "",
                      (hop->encapsulations & ENCAP_UDP) != 0 ? " udp" : "",
                      (hop->encapsulations & ENCAP_VXLAN) != 0 ? " vxlan" : "");
    }
}

struct entry_case {
    const char *entry;
    const char *meaning;
};

static void
check_all(const struct entry_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char xml[8192], meaning[2048];

        snprintf(xml, sizeof(xml), "<item id='x'>%s</item>", cases[i].entry);
        snippet_use(xml, read_item, meaning);
        if (strcmp(meaning, cases[i].meaning) != 0)
            fail_msg("%s\nmeans    %s\nexpected %s", cases[i].entry, meaning, cases[i].meaning);
    }
}

#define CHECK(cases) check_all(cases, sizeof(cases) / sizeof(cases[0]))

/* The publish example of draft-ietf-l3vpn-end-system, laid out as it is printed there. */
static void
the_drafts_own_example_is_understood(void **state)
{
    static const struct entry_case cases[] = {
        { "<entry xmlns='http://ietf.org/protocol/bgpvpn'>" NLRI HOPS "</entry>",
          "refused: no entry in item" },
        { "\n  <entry xmlns=\"urn:ietf:params:xml:ns:bgp:l3vpn:unicast\">\n"
          "    <nlri>\n      <af>1</af>\n      <address>203.0.113.42/32</address>\n    </nlri>\n"
          "    <next-hops>\n      <next-hop>\n        <af>1</af>\n"
          "        <address>192.0.2.1</address>\n        <label>10000</label>\n"
          "        <tunnel-encapsulation-list>\n"
          "          <tunnel-encapsulation>gre</tunnel-encapsulation>\n"
          "          <tunnel-encapsulation>udp</tunnel-encapsulation>\n"
          "        </tunnel-encapsulation-list>\n      </next-hop>\n    </next-hops>\n"
          "    <sequence-number>1</sequence-number>\n"
          "    <local-preference>100</local-preference>\n  </entry>\n",
          "203.0.113.42/32 seq 1 pref 100, 192.0.2.1 10000 gre udp" },
    };
    (void)state;

    CHECK(cases);
}

static void
d1_what_is_absent_has_a_default(void **state)
{
    static const struct entry_case cases[] = {
        { ENTRY NLRI HOPS "</entry>", "203.0.113.42/32 seq 0 pref 100, 192.0.2.1 10000 gre" },
        { ENTRY HOPS NLRI "</entry>", "203.0.113.42/32 seq 0 pref 100, 192.0.2.1 10000 gre" },
        { ENTRY HOPS "</entry>", "refused: no nlri in entry" },
        { ENTRY NLRI "</entry>", "refused: no next-hops in entry" },
        { ENTRY NLRI "<next-hops/></entry>", "refused: no next-hop in next-hops" },
        { ENTRY "<nlri><address>10.0.0.1</address></nlri>" HOPS "</entry>",
          "refused: no af in nlri" },
        { ENTRY "<nlri><af>1</af></nlri>" HOPS "</entry>", "refused: no address in nlri" },
        { ENTRY NLRI "<next-hops><next-hop><address>192.0.2.1</address><label>16</label>"
                     "</next-hop></next-hops></entry>",
          "refused: no af in next-hop" },
        { ENTRY NLRI "<next-hops><next-hop><af>1</af><label>16</label></next-hop></next-hops>"
                     "</entry>",
          "refused: no address in next-hop" },
        { ENTRY NLRI "<next-hops><next-hop><af>1</af><address>192.0.2.1</address></next-hop>"
                     "</next-hops></entry>",
          "refused: no label in next-hop" },
        { "", "refused: no entry in item" },
    };
    (void)state;

    CHECK(cases);
}

static void
d2_prefixes_have_no_host_bits(void **state)
{
#define WITH_PREFIX(af, prefix) \
    ENTRY "<nlri><af>" af "</af><address>" prefix "</address></nlri>" HOPS "</entry>"
    static const struct entry_case cases[] = {
        { WITH_PREFIX("1", "10.1.2.3"), "10.1.2.3/32 seq 0 pref 100, 192.0.2.1 10000 gre" },
        { WITH_PREFIX("1", "10.1.0.0/16"), "10.1.0.0/16 seq 0 pref 100, 192.0.2.1 10000 gre" },
        { WITH_PREFIX("1", "0.0.0.0/0"), "0.0.0.0/0 seq 0 pref 100, 192.0.2.1 10000 gre" },
        { WITH_PREFIX("2", "2001:db8::1"), "2001:db8::1/128 seq 0 pref 100, 192.0.2.1 10000 gre" },
        { WITH_PREFIX("1", "10.1.2.3/16"), "refused: prefix \"10.1.2.3/16\" has host bits set" },
        { WITH_PREFIX("2", "2001:db8::1/64"),
          "refused: prefix \"2001:db8::1/64\" has host bits set" },
        { WITH_PREFIX("1", "10.0.0.0/33"), "refused: bad prefix \"10.0.0.0/33\"" },
        { WITH_PREFIX("1", "10.0.0/8"), "refused: bad prefix \"10.0.0/8\"" },
        { WITH_PREFIX("1", " 10.0.0.0/8"), "refused: bad prefix \" 10.0.0.0/8\"" },
        { WITH_PREFIX("1", ""), "refused: bad prefix \"\"" },
        { WITH_PREFIX("2", "10.0.0.0/8"),
          "refused: prefix \"10.0.0.0/8\" is not of the family in af" },
        { WITH_PREFIX("1", "2001:db8::/32"),
          "refused: prefix \"2001:db8::/32\" is not of the family in af" },
    };
    (void)state;

    CHECK(cases);
}

static void
d3_children_are_in_the_urn_namespace(void **state)
{
    static const struct entry_case cases[] = {
        { "<entry>" NLRI HOPS "</entry>", "refused: no entry in item" },
        { ENTRY "<nlri xmlns='urn:x'><af>1</af><address>10.0.0.1</address></nlri>" HOPS "</entry>",
          "refused: no nlri in entry" },
        { "<e:entry xmlns:e='" URN "'><e:nlri><e:af>1</e:af><e:address>10.0.0.1</e:address>"
          "</e:nlri><e:next-hops><e:next-hop><e:af>1</e:af><e:address>192.0.2.1</e:address>"
          "<e:label>17</e:label></e:next-hop></e:next-hops></e:entry>",
          "10.0.0.1/32 seq 0 pref 100, 192.0.2.1 17 gre" },
    };
    (void)state;

    CHECK(cases);
}

static void
unknown_elements_are_tolerated_known_ones_not_repeated(void **state)
{
    static const struct entry_case cases[] = {
        { ENTRY "<version>3</version>" NLRI HOPS "<med>1</med><x xmlns='urn:x'/></entry>",
          "203.0.113.42/32 seq 0 pref 100, 192.0.2.1 10000 gre" },
        { ENTRY "<nlri><af>1</af><mac>x</mac><address>10.0.0.1</address></nlri><next-hops>"
                "<other/><next-hop>" HOP "<vni>1</vni></next-hop></next-hops></entry>",
          "10.0.0.1/32 seq 0 pref 100, 192.0.2.1 10000 gre" },
        { ENTRY NLRI NLRI HOPS "</entry>", "refused: more than one nlri in entry" },
        { ENTRY NLRI HOPS HOPS "</entry>", "refused: more than one next-hops in entry" },
        { ENTRY NLRI HOPS "<sequence-number>1</sequence-number>"
                          "<sequence-number>2</sequence-number></entry>",
          "refused: more than one sequence-number in entry" },
        { ENTRY NLRI HOPS "</entry>" ENTRY NLRI HOPS "</entry>",
          "refused: more than one entry in item" },
        { ENTRY "<nlri><af>1</af><af>1</af><address>10.0.0.1</address></nlri>" HOPS "</entry>",
          "refused: more than one af in nlri" },
    };
    (void)state;

    CHECK(cases);
}

static void
d8_integers_are_strict(void **state)
{
#define WITH_NUMBERS(sequence, preference)                            \
    ENTRY NLRI HOPS "<sequence-number>" sequence "</sequence-number>" \
                    "<local-preference>" preference "</local-preference></entry>"
#define WITH_SAFI(safi)                                                                       \
    ENTRY "<nlri><af>1</af><safi>" safi "</safi><address>10.0.0.1</address></nlri>" HOPS "</" \
          "entry>"
    static const struct entry_case cases[] = {
        { WITH_NUMBERS("0", "0"), "203.0.113.42/32 seq 0 pref 0, 192.0.2.1 10000 gre" },
        { WITH_NUMBERS("4294967295", "4294967295"),
          "203.0.113.42/32 seq 4294967295 pref 4294967295, 192.0.2.1 10000 gre" },
        { WITH_NUMBERS("4294967296", "0"), "refused: bad sequence-number \"4294967296\"" },
        { WITH_NUMBERS("-1", "0"), "refused: bad sequence-number \"-1\"" },
        { WITH_NUMBERS("+1", "0"), "refused: bad sequence-number \"+1\"" },
        { WITH_NUMBERS(" 1", "0"), "refused: bad sequence-number \" 1\"" },
        { WITH_NUMBERS("1 ", "0"), "refused: bad sequence-number \"1 \"" },
        { WITH_NUMBERS("0x1", "0"), "refused: bad sequence-number \"0x1\"" },
        { WITH_NUMBERS("", "0"), "refused: bad sequence-number \"\"" },
        { WITH_NUMBERS("1", "1e2"), "refused: bad local-preference \"1e2\"" },
        { WITH_NUMBERS("1", "99999999999999999999"),
          "refused: bad local-preference \"99999999999999999999\"" },
        { WITH_SAFI("1"), "10.0.0.1/32 seq 0 pref 100, 192.0.2.1 10000 gre" },
        { WITH_SAFI("128"), "10.0.0.1/32 seq 0 pref 100, 192.0.2.1 10000 gre" },
        { WITH_SAFI("2"), "refused: bad safi 2" },
        { WITH_SAFI("129"), "refused: bad safi \"129\"" },
        { ENTRY "<nlri><af>3</af><address>10.0.0.1</address></nlri>" HOPS "</entry>",
          "refused: bad af \"3\"" },
        { ENTRY "<nlri><af>0</af><address>10.0.0.1</address></nlri>" HOPS "</entry>",
          "refused: bad af \"0\"" },
        { ENTRY "<nlri><af>01</af><address>10.0.0.1</address></nlri>" HOPS "</entry>",
          "10.0.0.1/32 seq 0 pref 100, 192.0.2.1 10000 gre" },
    };
    (void)state;

    CHECK(cases);
}

static void
d9_labels_are_16_to_20_bits(void **state)
{
#define WITH_HOP(af, address, label)                                                             \
    ENTRY NLRI "<next-hops><next-hop><af>" af "</af><address>" address "</address><label>" label \
               "</label></next-hop></next-hops></entry>"
    static const struct entry_case cases[] = {
        { WITH_HOP("1", "192.0.2.1", "16"), "203.0.113.42/32 seq 0 pref 100, 192.0.2.1 16 gre" },
        { WITH_HOP("1", "192.0.2.1", "1048575"),
          "203.0.113.42/32 seq 0 pref 100, 192.0.2.1 1048575 gre" },
        { WITH_HOP("2", "2001:db8::1", "16"),
          "203.0.113.42/32 seq 0 pref 100, 2001:db8::1 16 gre" },
        { WITH_HOP("1", "192.0.2.1", "15"), "refused: bad label \"15\"" },
        { WITH_HOP("1", "192.0.2.1", "0"), "refused: bad label \"0\"" },
        { WITH_HOP("1", "192.0.2.1", "1048576"), "refused: bad label \"1048576\"" },
        { WITH_HOP("1", "192.0.2.1", "-16"), "refused: bad label \"-16\"" },
        { WITH_HOP("1", "192.0.2.1/32", "16"), "refused: bad next hop \"192.0.2.1/32\"" },
        { WITH_HOP("1", "0.0.0.0", "16"), "refused: bad next hop \"0.0.0.0\"" },
        { WITH_HOP("1", "127.0.0.1", "16"), "refused: bad next hop \"127.0.0.1\"" },
        { WITH_HOP("1", "224.0.0.1", "16"), "refused: bad next hop \"224.0.0.1\"" },
        { WITH_HOP("1", "host", "16"), "refused: bad next hop \"host\"" },
        { WITH_HOP("2", "192.0.2.1", "16"),
          "refused: next hop \"192.0.2.1\" is not of the family in af" },
    };
    (void)state;

    CHECK(cases);
}

static void
d13_unknown_encapsulations_are_skipped(void **state)
{
#define WITH_LIST(list) \
    ENTRY NLRI "<next-hops><next-hop>" HOP list "</next-hop></next-hops></entry>"
#define ONE(name)      "<tunnel-encapsulation>" name "</tunnel-encapsulation>"
#define IN_LIST(names) "<tunnel-encapsulation-list>" names "</tunnel-encapsulation-list>"
    static const struct entry_case cases[] = {
        { WITH_LIST(IN_LIST(ONE("vxlan") ONE("udp"))),
          "203.0.113.42/32 seq 0 pref 100, 192.0.2.1 10000 udp vxlan" },
        { WITH_LIST(IN_LIST(ONE("nvgre") ONE("udp") "<x/>")),
          "203.0.113.42/32 seq 0 pref 100, 192.0.2.1 10000 udp" },
        { WITH_LIST(IN_LIST(ONE("nvgre"))),
          "refused: no next hop has an encapsulation that is known here" },
        { WITH_LIST(IN_LIST("")), "refused: no next hop has an encapsulation that is known here" },
        { ENTRY NLRI "<next-hops><next-hop>" HOP IN_LIST(
              ONE("l2tpv3")) "</next-hop><next-hop>"
                             "<af>1</af><address>192.0.2.2</address><label>20</label>" LIST
                             "</next-hop></next-hops></entry>",
          "203.0.113.42/32 seq 0 pref 100, 192.0.2.2 20 udp" },
    };
    (void)state;

    CHECK(cases);
}

static void
c38_an_entry_has_several_next_hops(void **state)
{
    static const struct entry_case cases[] = {
        { ENTRY NLRI "<next-hops><next-hop>" HOP "</next-hop><next-hop><af>1</af>"
                     "<address>192.0.2.2</address><label>20</label>" LIST
                     "</next-hop></next-hops></entry>",
          "203.0.113.42/32 seq 0 pref 100, 192.0.2.1 10000 gre, 192.0.2.2 20 udp" },
        { ENTRY NLRI "<next-hops><next-hop>" HOP "</next-hop><next-hop><af>1</af>"
                     "<address>192.0.2.2</address><label>3</label></next-hop></next-hops></entry>",
          "refused: bad label \"3\"" },
    };
    char xml[8192], meaning[2048];
    (void)state;

    CHECK(cases);
    for (unsigned hops = ROUTE_NEXT_HOPS_MAX; hops <= ROUTE_NEXT_HOPS_MAX + 1; hops++) {
        strcpy(xml, "<item>" ENTRY NLRI "<next-hops>");
        for (unsigned i = 0; i < hops; i++)
            strcat(xml, "<next-hop>" HOP "</next-hop>");
        strcat(xml, "</next-hops></entry></item>");
        snippet_use(xml, read_item, meaning);
        assert_int_equal(strcmp(meaning, "refused: more than 16 next hops") == 0,
                         hops > ROUTE_NEXT_HOPS_MAX);
    }
}

/* What is written is the draft's form, everything but safi sent (D1). */
static void
an_entry_is_written_as_the_draft_prints_it(void **state)
{
    struct route route = { .local_preference = 100, .sequence_number = 1, .n_next_hops = 1 };
    struct xml_writer writer;
    char item[2048], meaning[2048];
    (void)state;

    assert_int_equal(ip_prefix_parse("203.0.113.42/32", &route.prefix), 0);
    assert_int_equal(ip_addr_parse("192.0.2.1", &route.next_hops[0].addr), 0);
    route.next_hops[0].label = 10000;
    route.next_hops[0].encapsulations = ENCAP_GRE | ENCAP_UDP;
    xml_writer_init(&writer, 10000);
    dialect_draft.write_entry(&writer, &route);
    assert_string_equal(
        written(&writer),
        "<entry xmlns='urn:ietf:params:xml:ns:bgp:l3vpn:unicast'>"
        "<nlri><af>1</af><address>203.0.113.42/32</address></nlri>"
        "<next-hops><next-hop><af>1</af><address>192.0.2.1</address><label>10000</label>"
        "<tunnel-encapsulation-list><tunnel-encapsulation>gre</tunnel-encapsulation>"
        "<tunnel-encapsulation>udp</tunnel-encapsulation></tunnel-encapsulation-list>"
        "</next-hop></next-hops><sequence-number>1</sequence-number>"
        "<local-preference>100</local-preference></entry>");

    /* Both families, several next hops: there and back. */
    xml_writer_consume(&writer, 10000);
    assert_int_equal(ip_prefix_parse("2001:db8::/32", &route.prefix), 0);
    route.n_next_hops = 2;
    assert_int_equal(ip_addr_parse("2001:db8::1", &route.next_hops[1].addr), 0);
    route.next_hops[1].label = LABEL_MAX;
    route.next_hops[1].encapsulations = ENCAP_VXLAN;
    route.local_preference = route.sequence_number = UINT32_MAX;
    dialect_draft.write_entry(&writer, &route);
    snprintf(item, sizeof(item), "<item>%s</item>", written(&writer));
    snippet_use(item, read_item, meaning);
    assert_string_equal(meaning, "2001:db8::/32 seq 4294967295 pref 4294967295, 192.0.2.1 10000 "
                                 "gre udp, 2001:db8::1 1048575 vxlan");
    xml_writer_clear(&writer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_drafts_own_example_is_understood),
        cmocka_unit_test(d1_what_is_absent_has_a_default),
        cmocka_unit_test(d2_prefixes_have_no_host_bits),
        cmocka_unit_test(d3_children_are_in_the_urn_namespace),
        cmocka_unit_test(unknown_elements_are_tolerated_known_ones_not_repeated),
        cmocka_unit_test(d8_integers_are_strict),
        cmocka_unit_test(d9_labels_are_16_to_20_bits),
        cmocka_unit_test(d13_unknown_encapsulations_are_skipped),
        cmocka_unit_test(c38_an_entry_has_several_next_hops),
        cmocka_unit_test(an_entry_is_written_as_the_draft_prints_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
