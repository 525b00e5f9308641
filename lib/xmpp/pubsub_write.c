/* SPDX-License-Identifier: BSD-3-Clause */

/* The publish-subscribe flows, written. The forms are those of the draft's examples. */

#include "lib/xmpp/pubsub.h"
#include "lib/xmpp/stream.h"

static void
begin_iq(struct xml_writer *writer, const char *type, const char *id, const char *from,
         const char *to)
{
    xml_write(writer, "<iq");
    xml_write_attribute(writer, "type", type);
    xml_write_attribute(writer, "id", id);
    xml_write_attribute(writer, "from", from);
    xml_write_attribute(writer, "to", to);
}

/* The options of a subscribe: the next sibling of <subscribe/>, the instance-id its direct child
 * (D7), the VLAN in a data form without FORM_TYPE. */
static void
write_options(struct xml_writer *writer, const struct pubsub_request *request)
{
    if (!request->has_instance_id && request->vlan_id == 0)
        return;
    xml_write(writer, "<options>");
    if (request->has_instance_id) {
        xml_write(writer, "<instance-id>");
        xml_write_number(writer, request->instance_id);
        xml_write(writer, "</instance-id>");
    }
    if (request->vlan_id != 0) {
        xml_write(writer, "<x xmlns='" NS_DATA_FORM "' type='submit'>"
                          "<field var='vpn#vlan_id'><value>");
        xml_write_number(writer, request->vlan_id);
        xml_write(writer, "</value></field></x>");
    }
    xml_write(writer, "</options>");
}

static void
write_items_query(struct xml_writer *writer, const struct pubsub_request *request)
{
    xml_write(writer, "<items");
    xml_write_attribute(writer, "node", request->node);
    if (request->max_items != 0) {
        xml_write(writer, " max_items='");
        xml_write_number(writer, request->max_items);
        xml_write(writer, "'");
    }
    xml_write(writer, "/>");
    if (request->after != NULL) {
        xml_write(writer, "<set xmlns='" NS_RSM "'>");
        xml_write_leaf(writer, "after", request->after);
        xml_write(writer, "</set>");
    }
}

void
pubsub_write_request(struct xml_writer *writer, const struct dialect *dialect, const char *id,
                     const char *from, const char *to, const struct pubsub_request *request)
{
    begin_iq(writer, request->action == PUBSUB_ITEMS ? "get" : "set", id, from, to);
    xml_write(writer, "><pubsub xmlns='" NS_PUBSUB "'>");
    switch (request->action) {
    case PUBSUB_SUBSCRIBE:
    case PUBSUB_UNSUBSCRIBE:
        xml_write(writer, request->action == PUBSUB_SUBSCRIBE ? "<subscribe" : "<unsubscribe");
        xml_write_attribute(writer, "node", request->node);
        xml_write_attribute(writer, "jid", request->jid);
        xml_write(writer, "/>");
        if (request->action == PUBSUB_SUBSCRIBE)
            write_options(writer, request);
        break;
    case PUBSUB_PUBLISH:
        xml_write(writer, "<publish");
        xml_write_attribute(writer, "node", request->node);
        xml_write(writer, ">");
        pubsub_write_item(writer, dialect, request->item_id, request->route);
        xml_write(writer, "</publish>");
        break;
    case PUBSUB_RETRACT:
        xml_write(writer, "<retract");
        xml_write_attribute(writer, "node", request->node);
        xml_write(writer, " notify='true'><item"); /* D10 */
        xml_write_attribute(writer, "id", request->item_id);
        xml_write(writer, "/></retract>");
        break;
    case PUBSUB_ITEMS:
        write_items_query(writer, request);
        break;
    }
    xml_write(writer, "</pubsub></iq>");
}

void
xmpp_write_result(struct xml_writer *writer, const char *id, const char *from, const char *to)
{
    begin_iq(writer, "result", id, from, to);
    xml_write(writer, "/>");
}

void
pubsub_write_subscribed(struct xml_writer *writer, const char *id, const char *from, const char *to,
                        const char *node, const char *jid)
{
    begin_iq(writer, "result", id, from, to);
    xml_write(writer, "><pubsub xmlns='" NS_PUBSUB "'><subscription");
    xml_write_attribute(writer, "node", node);
    xml_write_attribute(writer, "jid", jid);
    xml_write(writer, " subscription='subscribed'/></pubsub></iq>");
}

void
xmpp_write_error(struct xml_writer *writer, const char *id, const char *from, const char *to,
                 const struct pubsub_refusal *refusal)
{
    begin_iq(writer, "error", id, from, to);
    xml_write(writer, "><error");
    xml_write_attribute(writer, "type", refusal->type);
    xml_write(writer, "><");
    xml_write(writer, refusal->condition);
    xml_write(writer, " xmlns='" NS_STANZAS "'/>");
    if (refusal->text[0] != '\0') {
        xml_write(writer, "<text xmlns='" NS_STANZAS "' xml:lang='en'>");
        xml_write_text(writer, refusal->text);
        xml_write(writer, "</text>");
    }
    if (refusal->detail != NULL) {
        xml_write(writer, "<");
        xml_write(writer, refusal->detail);
        xml_write(writer, " xmlns='" NS_PUBSUB_ERRORS "'/>");
    }
    xml_write(writer, "</error></iq>");
}

void
pubsub_begin_items(struct xml_writer *writer, const char *id, const char *from, const char *to,
                   const char *node)
{
    begin_iq(writer, "result", id, from, to);
    xml_write(writer, "><pubsub xmlns='" NS_PUBSUB "'><items");
    xml_write_attribute(writer, "node", node);
    xml_write(writer, ">");
}

void
pubsub_end_items(struct xml_writer *writer, const char *first, const char *last,
                 uint32_t first_index, uint32_t total)
{
    xml_write(writer, "</items><set xmlns='" NS_RSM "'>");
    if (first != NULL) {
        xml_write(writer, "<first index='");
        xml_write_number(writer, first_index);
        xml_write(writer, "'>");
        xml_write_text(writer, first);
        xml_write(writer, "</first>");
        xml_write_leaf(writer, "last", last);
    }
    xml_write(writer, "<count>");
    xml_write_number(writer, total);
    xml_write(writer, "</count></set></pubsub></iq>");
}

void
pubsub_begin_event(struct xml_writer *writer, const char *from, const char *to, const char *node)
{
    xml_write(writer, "<message");
    xml_write_attribute(writer, "from", from);
    xml_write_attribute(writer, "to", to);
    xml_write(writer, "><event xmlns='" NS_PUBSUB_EVENT "'><items");
    xml_write_attribute(writer, "node", node);
    xml_write(writer, ">");
}

void
pubsub_write_item(struct xml_writer *writer, const struct dialect *dialect, const char *item_id,
                  const struct route *route)
{
    xml_write(writer, "<item");
    xml_write_attribute(writer, "id", item_id);
    xml_write(writer, ">");
    dialect->write_entry(writer, route);
    xml_write(writer, "</item>");
}

void
pubsub_write_retract(struct xml_writer *writer, const char *item_id)
{
    xml_write(writer, "<retract");
    xml_write_attribute(writer, "id", item_id);
    xml_write(writer, "/>");
}

void
pubsub_end_event(struct xml_writer *writer)
{
    xml_write(writer, "</items></event></message>");
}
