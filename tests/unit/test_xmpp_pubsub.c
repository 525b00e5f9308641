/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/xmpp/pubsub.h: requests as the draft prints them, written and understood; what is refused;
 * notifications. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/xmpp/pubsub.h"
#include "tests/unit/xmpp_snippet.h"

#define PUBSUB "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
/* An item with a route to `prefix`. */
#define ITEM(id, prefix) "<item id='" id "'>" ENTRY(prefix) "</item>"
#define ENTRY(prefix)                                                                          \
    "<entry xmlns='urn:ietf:params:xml:ns:bgp:l3vpn:unicast'><nlri><af>1</af><address>" prefix \
    "</address></nlri><next-hops><next-hop><af>1</af><address>192.0.2.1</address>"             \
    "<label>10000</label></next-hop></next-hops></entry>"

static void
check_written(const struct pubsub_request *request, const char *expected)
{
    struct xml_writer writer;

    xml_writer_init(&writer, 10000);
    pubsub_write_request(&writer, &dialect_draft, "i1", "c@ietf.org/r", "route-server@ietf.org",
                         request);
    assert_string_equal(written(&writer), expected);
    xml_writer_clear(&writer);
}

static void
c27_c30_subscribe_goes_to_the_route_server_with_instance_id(void **state)
{
    static const struct pubsub_request plain = { .action = PUBSUB_SUBSCRIBE,
                                                 .node = "VPN",
                                                 .jid = "c@ietf.org/r" };
    struct pubsub_request request = plain;
    (void)state;

    check_written(&plain, "<iq type='set' id='i1' from='c@ietf.org/r' to='route-server@ietf.org'>"
                          "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
                          "<subscribe node='VPN' jid='c@ietf.org/r'/></pubsub></iq>");
    request.has_instance_id = true;
    request.instance_id = 65535;
    check_written(&request, "<iq type='set' id='i1' from='c@ietf.org/r' to='route-server@ietf.org'>"
                            "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
                            "<subscribe node='VPN' jid='c@ietf.org/r'/>"
                            "<options><instance-id>65535</instance-id></options></pubsub></iq>");
}

static void
c31_the_vlan_is_in_a_form(void **state)
{
    static const struct pubsub_request request = {
        .action = PUBSUB_SUBSCRIBE, .node = "VPN", .jid = "c@ietf.org/r", .vlan_id = 100
    };
    (void)state;

    check_written(&request,
                  "<iq type='set' id='i1' from='c@ietf.org/r' to='route-server@ietf.org'>"
                  "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
                  "<subscribe node='VPN' jid='c@ietf.org/r'/>"
                  "<options><x xmlns='jabber:x:data' type='submit'><field var='vpn#vlan_id'>"
                  "<value>100</value></field></x></options></pubsub></iq>");
}

static void
c29_c33_c35_unsubscribe_publish_retract_are_written(void **state)
{
    struct route route = { .local_preference = 100, .sequence_number = 1, .n_next_hops = 1 };
    struct pubsub_request request = { .action = PUBSUB_UNSUBSCRIBE,
                                      .node = "VPN",
                                      .jid = "c@ietf.org/r" };
    (void)state;

    check_written(&request, "<iq type='set' id='i1' from='c@ietf.org/r' to='route-server@ietf.org'>"
                            "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
                            "<unsubscribe node='VPN' jid='c@ietf.org/r'/></pubsub></iq>");
    request = (struct pubsub_request){ .action = PUBSUB_RETRACT,
                                       .node = "VPN",
                                       .item_id = "192.0.2.1:1:203.0.113.42/32" };
    check_written(&request,
                  "<iq type='set' id='i1' from='c@ietf.org/r' to='route-server@ietf.org'>"
                  "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
                  "<retract node='VPN' notify='true'><item id='192.0.2.1:1:203.0.113.42/32'/>"
                  "</retract></pubsub></iq>");
    assert_int_equal(ip_prefix_parse("203.0.113.42/32", &route.prefix), 0);
    assert_int_equal(ip_addr_parse("192.0.2.1", &route.next_hops[0].addr), 0);
    route.next_hops[0].label = 10000;
    route.next_hops[0].encapsulations = ENCAP_UDP;
    request.action = PUBSUB_PUBLISH;
    request.route = &route;
    check_written(
        &request,
        "<iq type='set' id='i1' from='c@ietf.org/r' to='route-server@ietf.org'>"
        "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='VPN'>"
        "<item id='192.0.2.1:1:203.0.113.42/32'>"
        "<entry xmlns='urn:ietf:params:xml:ns:bgp:l3vpn:unicast'>"
        "<nlri><af>1</af><address>203.0.113.42/32</address></nlri><next-hops><next-hop>"
        "<af>1</af><address>192.0.2.1</address><label>10000</label><tunnel-encapsulation-list>"
        "<tunnel-encapsulation>udp</tunnel-encapsulation></tunnel-encapsulation-list>"
        "</next-hop></next-hops><sequence-number>1</sequence-number>"
        "<local-preference>100</local-preference></entry></item></publish></pubsub></iq>");
    request = (struct pubsub_request){
        .action = PUBSUB_ITEMS, .node = "VPN", .max_items = 5, .after = "a<b"
    };
    check_written(&request,
                  "<iq type='get' id='i1' from='c@ietf.org/r' to='route-server@ietf.org'>"
                  "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
                  "<items node='VPN' max_items='5'/>"
                  "<set xmlns='http://jabber.org/protocol/rsm'><after>a&lt;b</after></set>"
                  "</pubsub></iq>");
}

/* A request as text, or "type condition detail". */
static void
read_request(const struct xmpp_element *iq, void *user)
{
    static const char *const names[] = { "subscribe", "unsubscribe", "publish", "retract",
                                         "items" };
    struct pubsub_refusal refusal;
    struct pubsub_request request;
    char *at = user;

    if (!pubsub_read_request(iq, &request, &refusal)) {
        sprintf(at, "%s %s %s", refusal.type, refusal.condition,
                refusal.detail != NULL ? refusal.detail : "-");
        return;
    }
    at += sprintf(at, "%s %s", names[request.action], request.node);
    if (request.jid != NULL)
        at += sprintf(at, " jid %s", request.jid);
    if (request.has_instance_id)
        at += sprintf(at, " instance %u", request.instance_id);
    if (request.vlan_id != 0)
        at += sprintf(at, " vlan %u", request.vlan_id);
    if (request.item_id != NULL)
        at += sprintf(at, " item %s", request.item_id);
    if (request.notify)
        at += sprintf(at, " notify");
    if (request.max_items != 0)
        at += sprintf(at, " max %u", request.max_items);
    if (request.after != NULL)
        at += sprintf(at, " after %s", request.after);
}

struct request_case {
    const char *xml; /* inside pubsub */
    const char *meaning;
};

static void
check_requests(const char *type, const struct request_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char xml[4096], meaning[2048];

        snprintf(xml, sizeof(xml), "<iq type='%s' id='1'>" PUBSUB "%s</pubsub></iq>", type,
                 cases[i].xml);
        snippet_use(xml, read_request, meaning);
        if (strcmp(meaning, cases[i].meaning) != 0)
            fail_msg("%s\nmeans    %s\nexpected %s", xml, meaning, cases[i].meaning);
    }
}

#define CHECK_REQUESTS(type, cases) check_requests(type, cases, sizeof(cases) / sizeof((cases)[0]))

/* Requests in the forms that the draft prints, with its white space. */
static void
the_drafts_requests_are_understood(void **state)
{
    static const struct request_case sets[] = {
        { "\n  <subscribe node='vpn-customer-name'\n jid='route-server@ietf.org'/>\n  "
          "<options>\n    <instance-id>1</instance-id>\n  </options>\n",
          "subscribe vpn-customer-name jid route-server@ietf.org instance 1" },
        { "<subscribe node='v' jid='c@d/r'/><options><x xmlns='jabber:x:data' type='submit'>"
          "<field var='vpn#vlan_id'><value>100</value></field></x></options>",
          "subscribe v jid c@d/r vlan 100" },
        { "<subscribe node='v' jid='c@d'/>", "subscribe v jid c@d" },
        { "<subscribe node='v' jid='c@d'/><options/>", "subscribe v jid c@d" },
        { "<unsubscribe node='v' jid='c@d'/>", "unsubscribe v jid c@d" },
        { "<publish node='v'><item id='192.0.2.1:1:203.0.113.42/32'>" ENTRY(
              "203.0.113.42/32") "</item></publish>",
          "publish v item 192.0.2.1:1:203.0.113.42/32" },
        { "<retract node='v'><item id='x'/></retract>", "retract v item x" },
        { "<retract node='v' notify='true'><item id='x'/></retract>", "retract v item x notify" },
        { "<retract node='v' notify='1'><item id='x'/></retract>", "retract v item x notify" },
    };
    static const struct request_case gets[] = {
        { "<items node='v'/>", "items v" },
        { "<items node='v' max_items='1'/>", "items v max 1" },
        { "<items node='v'/><set xmlns='http://jabber.org/protocol/rsm'><max>50</max>"
          "<after>x</after></set>",
          "items v max 50 after x" },
        { "<items node='v' max_items='9'/><set xmlns='http://jabber.org/protocol/rsm'>"
          "<max>50</max></set>",
          "items v max 9" },
    };
    (void)state;

    CHECK_REQUESTS("set", sets);
    CHECK_REQUESTS("get", gets);
}

static void
bad_requests_are_refused_with_their_condition(void **state)
{
    static const struct request_case sets[] = {
        { "", "cancel feature-not-implemented unsupported" },
        { "<create node='v'/>", "cancel feature-not-implemented unsupported" },
        { "<items node='v'/>", "cancel feature-not-implemented unsupported" },
        { "<subscribe xmlns='urn:x' node='v' jid='c@d'/>",
          "cancel feature-not-implemented unsupported" },
        { "<subscribe jid='c@d'/>", "modify bad-request nodeid-required" },
        { "<subscribe node='v'/>", "modify bad-request jid-required" },
        { "<subscribe node='v' jid='c@d'/><options><instance-id>65536</instance-id></options>",
          "modify bad-request invalid-options" },
        { "<subscribe node='v' jid='c@d'/><options><instance-id>-1</instance-id></options>",
          "modify bad-request invalid-options" },
        { "<subscribe node='v' jid='c@d'/><options><instance-id/></options>",
          "modify bad-request invalid-options" },
        { "<subscribe node='v' jid='c@d'/><options><x xmlns='jabber:x:data' type='submit'>"
          "<field var='vpn#vlan_id'><value>4095</value></field></x></options>",
          "modify bad-request invalid-options" },
        { "<subscribe node='v' jid='c@d'/><options><x xmlns='jabber:x:data' type='submit'>"
          "<field var='vpn#vlan_id'><value>0</value></field></x></options>",
          "modify bad-request invalid-options" },
        { "<subscribe node='v' jid='c@d'/><options><x xmlns='jabber:x:data' type='submit'>"
          "<field var='vpn#vlan_id'/></x></options>",
          "modify bad-request invalid-options" },
        { "<publish node='v'/>", "modify bad-request item-required" },
        { "<publish node='v'><item/></publish>", "modify bad-request item-required" },
        { "<publish node='v'><item id=''/></publish>", "modify bad-request item-required" },
        { "<publish node='v'><item id='a'/><item id='b'/></publish>", "modify bad-request -" },
        { "<publish><item id='a'/></publish>", "modify bad-request nodeid-required" },
        { "<retract node='v'/>", "modify bad-request item-required" },
        { "<retract node='v'><item id='a'/><item id='b'/></retract>", "modify bad-request -" },
    };
    static const struct request_case gets[] = {
        { "<items/>", "modify bad-request nodeid-required" },
        { "<items node='v'><item id='x'/></items>", "cancel feature-not-implemented unsupported" },
        { "<items node='v' max_items='0'/>", "modify bad-request -" },
        { "<items node='v' max_items='x'/>", "modify bad-request -" },
        { "<items node='v'/><set xmlns='http://jabber.org/protocol/rsm'><before/></set>",
          "cancel feature-not-implemented -" },
        { "<publish node='v'><item id='a'/></publish>",
          "cancel feature-not-implemented unsupported" },
        { "<subscriptions/>", "cancel feature-not-implemented unsupported" },
    };
    (void)state;

    CHECK_REQUESTS("set", sets);
    CHECK_REQUESTS("get", gets);
}

static void
c25_vpn_identifiers_are_ascii_of_at_most_128_octets(void **state)
{
    char name[VPN_NAME_MAX + 2];
    char xml[512], meaning[512];
    (void)state;

    memset(name, 'v', sizeof(name));
    name[VPN_NAME_MAX] = '\0';
    assert_true(vpn_name_is_valid(name));
    snprintf(xml, sizeof(xml), "<iq type='get'>" PUBSUB "<items node='%s'/></pubsub></iq>", name);
    snippet_use(xml, read_request, meaning);
    assert_memory_equal(meaning, "items vvvv", 10);

    name[VPN_NAME_MAX] = 'v';
    name[VPN_NAME_MAX + 1] = '\0';
    assert_false(vpn_name_is_valid(name));
    snprintf(xml, sizeof(xml), "<iq type='get'>" PUBSUB "<items node='%s'/></pubsub></iq>", name);
    snippet_use(xml, read_request, meaning);
    assert_string_equal(meaning, "modify bad-request -");

    assert_true(vpn_name_is_valid("domain:project:network/1"));
    assert_false(vpn_name_is_valid(""));
    assert_false(vpn_name_is_valid("r\xc3\xb6t"));
    assert_false(vpn_name_is_valid("two words"));
    assert_false(vpn_name_is_valid("a\x7f"));
}

/* ---- Notifications ---- */

static char seen[4096];

static void
on_item(void *user, const char *node, const char *item_id, const struct route *route)
{
    char text[IP_PREFIX_TEXT_MAX];
    (void)user;

    sprintf(seen + strlen(seen), "item %s %s %s; ", node, item_id,
            ip_prefix_format(&route->prefix, text));
}

static void
on_retract(void *user, const char *node, const char *item_id)
{
    (void)user;
    sprintf(seen + strlen(seen), "retract %s %s; ", node, item_id);
}

static void
on_purge(void *user, const char *node)
{
    (void)user;
    sprintf(seen + strlen(seen), "purge %s; ", node);
}

static void
on_refused(void *user, const char *node, const char *item_id, const char *why)
{
    (void)user;
    sprintf(seen + strlen(seen), "refused %s %s (%s); ", node, item_id, why);
}

static const struct pubsub_visitor visitor = { on_item, on_retract, on_purge, on_refused };

static void
read_event(const struct xmpp_element *message, void *user)
{
    bool *event = user;

    *event = pubsub_read_event(message, &dialect_draft, &visitor, NULL);
}

static void
check_event(const char *inside, const char *expected)
{
    char xml[4096];
    bool event;

    seen[0] = '\0';
    snprintf(xml, sizeof(xml),
             "<message from='route-server@ietf.org' to='c@ietf.org/r'>"
             "<event xmlns='http://jabber.org/protocol/pubsub#event'>%s</event></message>",
             inside);
    snippet_use(xml, read_event, &event);
    assert_true(event);
    assert_string_equal(seen, expected);
}

static void
c32_c36_notifications_carry_several_items_or_retracts(void **state)
{
    (void)state;

    check_event(
        "<items node='red'>" ITEM("1", "10.0.0.1/32") "\n" ITEM("2", "10.0.0.0/8") "</items>",
        "item red 1 10.0.0.1/32; item red 2 10.0.0.0/8; ");
    check_event("<items node='red'><retract id='1'/><retract id='2'/></items>",
                "retract red 1; retract red 2; ");
    check_event("<items node='red'>" ITEM("1", "10.0.0.1/32") "<retract id='2'/></items>"
                                                              "<items node='blue'/>",
                "item red 1 10.0.0.1/32; retract red 2; ");
    check_event("<purge node='red'/>", "purge red; ");
    check_event("<delete node='red'/>", "purge red; ");
    check_event("<configuration node='red'/><subscription node='red'/>", "");
}

static void
a_bad_item_is_refused_and_the_others_are_used(void **state)
{
    (void)state;

    check_event("<items node='red'>" ITEM("1", "10.0.0.1/8") "<item id='2'/><item/><retract/>" ITEM(
                    "4", "10.0.0.4/32") "</items>",
                "refused red 1 (prefix \"10.0.0.1/8\" has host bits set); "
                "refused red 2 (no entry in item); "
                "refused red  (the item has no id, or one over 512 octets); "
                "refused red  (the retract has no id, or one over 512 octets); "
                "item red 4 10.0.0.4/32; ");
    check_event("<items><item id='1'/></items><items node='two words'/>",
                "refused   (the notification's node is no VPN identifier); "
                "refused   (the notification's node is no VPN identifier); ");
}

static void
c37_item_ids_are_opaque(void **state)
{
    (void)state;

    check_event("<items node='red'>" ITEM("not:a/route &amp; &lt;odd&gt; \xc3\xa4",
                                          "10.0.0.1/32") "</items>",
                "item red not:a/route & <odd> \xc3\xa4 10.0.0.1/32; ");
}

static void
other_messages_are_no_notifications(void **state)
{
    static const char *const messages[] = {
        "<message/>",
        "<message><body>hello</body></message>",
        ("<message><event xmlns='http://jabber.org/protocol/pubsub'><items node='a'/></event>"
         "</message>"),
        "<message><event xmlns='urn:x'><items node='a'/></event></message>",
    };
    (void)state;

    seen[0] = '\0';
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        bool event;

        snippet_use(messages[i], read_event, &event);
        assert_false(event);
    }
    assert_string_equal(seen, "");
}

/* ---- Pages of items ---- */

static void
read_items(const struct xmpp_element *iq, void *user)
{
    struct pubsub_page page;
    char *result = user;

    if (!pubsub_read_items(iq, &dialect_draft, "red", &visitor, NULL, &page))
        strcpy(result, "no items");
    else
        strcpy(result, page.last != NULL ? page.last : "complete");
}

static void
items_come_in_pages(void **state)
{
#define ITEMS "<items node='red'>" ITEM("1", "10.0.0.1/32") "</items>"
#define RSM   "<set xmlns='http://jabber.org/protocol/rsm'>"
    static const struct request_case cases[] = {
        { ITEMS, "complete" },
        { "<items node='red'/>", "complete" },
        { "<items node='blue'/>", "no items" },
        { "", "no items" },
        { ITEMS RSM "<first index='0'>1</first><last>1</last><count>2</count></set>", "1" },
        { ITEMS RSM "<first index='1'>1</first><last>1</last><count>2</count></set>", "complete" },
        { ITEMS RSM "<first>1</first><last>1</last></set>", "1" },
        { "<items node='red'/>" RSM "<first>1</first><last>1</last></set>", "complete" },
        { "<items node='red'/>" RSM "<count>0</count></set>", "complete" },
    };
    struct xml_writer writer;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char xml[4096], result[512];

        seen[0] = '\0';
        snprintf(xml, sizeof(xml), "<iq type='result'>" PUBSUB "%s</pubsub></iq>", cases[i].xml);
        snippet_use(xml, read_items, result);
        assert_string_equal(result, cases[i].meaning);
        assert_string_equal(
            seen, strstr(cases[i].xml, "<item ") != NULL ? "item red 1 10.0.0.1/32; " : "");
    }

    xml_writer_init(&writer, 10000);
    pubsub_begin_items(&writer, "i", "f", "t", "red");
    pubsub_end_items(&writer, "a", "b", 3, 9);
    assert_string_equal(written(&writer),
                        "<iq type='result' id='i' from='f' to='t'>" PUBSUB "<items node='red'>"
                        "</items>" RSM "<first index='3'>a</first><last>b</last><count>9</count>"
                        "</set></pubsub></iq>");
    xml_writer_clear(&writer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c27_c30_subscribe_goes_to_the_route_server_with_instance_id),
        cmocka_unit_test(c31_the_vlan_is_in_a_form),
        cmocka_unit_test(c29_c33_c35_unsubscribe_publish_retract_are_written),
        cmocka_unit_test(the_drafts_requests_are_understood),
        cmocka_unit_test(bad_requests_are_refused_with_their_condition),
        cmocka_unit_test(c25_vpn_identifiers_are_ascii_of_at_most_128_octets),
        cmocka_unit_test(c32_c36_notifications_carry_several_items_or_retracts),
        cmocka_unit_test(a_bad_item_is_refused_and_the_others_are_used),
        cmocka_unit_test(c37_item_ids_are_opaque),
        cmocka_unit_test(other_messages_are_no_notifications),
        cmocka_unit_test(items_come_in_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
