/* SPDX-License-Identifier: BSD-3-Clause */

/* The publish-subscribe flows, understood: requests, notifications, items results, errors. */

#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/xmpp/pubsub.h"
#include "lib/xmpp/stream.h"

bool
vpn_name_is_valid(const char *name)
{
    return text_is_ascii_name(name, VPN_NAME_MAX);
}

static bool
item_id_is_valid(const char *id)
{
    return id != NULL && id[0] != '\0' && strlen(id) <= ITEM_ID_MAX;
}

/* ---- Requests ---- */

static bool
refuse(struct pubsub_refusal *refusal, const char *condition, const char *detail, const char *text)
{
    refusal->type = strcmp(condition, "feature-not-implemented") == 0 ? "cancel" : "modify";
    refusal->condition = condition;
    refusal->detail = detail;
    snprintf(refusal->text, sizeof(refusal->text), "%s", text);
    return false;
}

/* The VLAN in a submitted form: 1-4094; 0 if the form has no such field, UINT32_MAX if it is bad.
 */
static uint32_t
read_vlan_form(const struct xmpp_element *form)
{
    for (const struct xmpp_element *e = form->first_child; e != NULL; e = e->next) {
        const char *var = xmpp_element_attribute(e, "var");
        uint32_t vlan_id;

        if (!xmpp_element_is(e, NS_DATA_FORM, "field") || var == NULL ||
            strcmp(var, "vpn#vlan_id") != 0)
            continue;
        const struct xmpp_element *value = xmpp_element_child(e, NS_DATA_FORM, "value");
        if (value == NULL || text_parse_u32(value->text, 4094, &vlan_id) != 0 || vlan_id == 0)
            return UINT32_MAX;
        return vlan_id;
    }
    return 0;
}

static bool
read_options(const struct xmpp_element *pubsub, struct pubsub_request *request,
             struct pubsub_refusal *refusal)
{
    const struct xmpp_element *options = xmpp_element_child(pubsub, NS_PUBSUB, "options");
    uint32_t number;

    if (options == NULL)
        return true;
    const struct xmpp_element *instance = xmpp_element_child(options, NS_PUBSUB, "instance-id");
    if (instance != NULL) {
        if (text_parse_u32(instance->text, UINT16_MAX, &number) != 0)
            return refuse(refusal, "bad-request", "invalid-options",
                          "instance-id is not a number of 16 bits");
        request->has_instance_id = true;
        request->instance_id = (uint16_t)number;
    }
    const struct xmpp_element *form = xmpp_element_child(options, NS_DATA_FORM, "x");
    number = form != NULL ? read_vlan_form(form) : 0;
    if (number == UINT32_MAX)
        return refuse(refusal, "bad-request", "invalid-options",
                      "vpn#vlan_id is not a VLAN from 1 to 4094");
    request->vlan_id = (uint16_t)number;
    return true;
}

/* The one <item/> of a publish or retract, which must have an ItemID. */
static bool
read_single_item(const struct xmpp_element *action, struct pubsub_request *request,
                 struct pubsub_refusal *refusal)
{
    const struct xmpp_element *item = xmpp_element_child(action, NS_PUBSUB, "item");

    if (item == NULL)
        return refuse(refusal, "bad-request", "item-required", "no item");
    for (const struct xmpp_element *e = item->next; e != NULL; e = e->next) {
        if (xmpp_element_is(e, NS_PUBSUB, "item"))
            return refuse(refusal, "bad-request", NULL, "more than one item");
    }
    request->item = item;
    request->item_id = xmpp_element_attribute(item, "id");
    if (!item_id_is_valid(request->item_id))
        return refuse(refusal, "bad-request", "item-required",
                      "the item has no id, or one over 512 octets");
    return true;
}

static bool
read_notify(const struct xmpp_element *retract)
{
    const char *notify = xmpp_element_attribute(retract, "notify");

    return notify != NULL && (strcmp(notify, "true") == 0 || strcmp(notify, "1") == 0);
}

/* A bound on items: max_items of XEP-0060, or max of XEP-0059. */
static bool
read_bound(const char *text, struct pubsub_request *request, struct pubsub_refusal *refusal)
{
    uint32_t bound;

    if (text_parse_u32(text, UINT32_MAX, &bound) != 0 || bound == 0)
        return refuse(refusal, "bad-request", NULL, "the number of items wanted is not valid");
    if (request->max_items == 0 || bound < request->max_items)
        request->max_items = bound;
    return true;
}

static bool
read_items_query(const struct xmpp_element *pubsub, const struct xmpp_element *items,
                 struct pubsub_request *request, struct pubsub_refusal *refusal)
{
    const char *max_items = xmpp_element_attribute(items, "max_items");
    const struct xmpp_element *set = xmpp_element_child(pubsub, NS_RSM, "set");

    if (xmpp_element_child(items, NS_PUBSUB, "item") != NULL)
        return refuse(refusal, "feature-not-implemented", "unsupported",
                      "items cannot be had one by one");
    if (max_items != NULL && !read_bound(max_items, request, refusal))
        return false;
    if (set == NULL)
        return true;
    const struct xmpp_element *max = xmpp_element_child(set, NS_RSM, "max");
    const struct xmpp_element *after = xmpp_element_child(set, NS_RSM, "after");
    if (xmpp_element_child(set, NS_RSM, "before") != NULL ||
        xmpp_element_child(set, NS_RSM, "index") != NULL)
        return refuse(refusal, "feature-not-implemented", NULL, "pages go forward only");
    if (max != NULL && !read_bound(max->text, request, refusal))
        return false;
    if (after != NULL)
        request->after = after->text;
    return true;
}

static const struct {
    const char *name;
    enum pubsub_action action;
    const char *iq_type;
} actions[] = {
    { "subscribe", PUBSUB_SUBSCRIBE, "set" }, { "unsubscribe", PUBSUB_UNSUBSCRIBE, "set" },
    { "publish", PUBSUB_PUBLISH, "set" },     { "retract", PUBSUB_RETRACT, "set" },
    { "items", PUBSUB_ITEMS, "get" },
};

/* The child of <pubsub/> that says what to do, NULL if none is known. */
static const struct xmpp_element *
find_action(const struct xmpp_element *iq, const struct xmpp_element *pubsub,
            enum pubsub_action *action)
{
    const char *type = xmpp_element_attribute(iq, "type");

    for (const struct xmpp_element *e = pubsub->first_child; e != NULL; e = e->next) {
        for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
            if (type != NULL && strcmp(type, actions[i].iq_type) == 0 &&
                xmpp_element_is(e, NS_PUBSUB, actions[i].name)) {
                *action = actions[i].action;
                return e;
            }
        }
    }
    return NULL;
}

bool
pubsub_read_request(const struct xmpp_element *iq, struct pubsub_request *request,
                    struct pubsub_refusal *refusal)
{
    const struct xmpp_element *pubsub = xmpp_element_child(iq, NS_PUBSUB, "pubsub");

    *request = (struct pubsub_request){ .node = NULL };
    const struct xmpp_element *action =
        pubsub != NULL ? find_action(iq, pubsub, &request->action) : NULL;
    if (action == NULL)
        return refuse(refusal, "feature-not-implemented", "unsupported", "not done here");

    request->node = xmpp_element_attribute(action, "node");
    if (request->node == NULL)
        return refuse(refusal, "bad-request", "nodeid-required", "no node");
    if (!vpn_name_is_valid(request->node))
        return refuse(refusal, "bad-request", NULL,
                      "the VPN identifier is not 1 to 128 octets of printable ASCII");
    request->jid = xmpp_element_attribute(action, "jid");
    switch (request->action) {
    case PUBSUB_SUBSCRIBE:
    case PUBSUB_UNSUBSCRIBE:
        if (request->jid == NULL)
            return refuse(refusal, "bad-request", "jid-required", "no jid");
        return read_options(pubsub, request, refusal);
    case PUBSUB_RETRACT:
        request->notify = read_notify(action);
        return read_single_item(action, request, refusal);
    case PUBSUB_PUBLISH:
        return read_single_item(action, request, refusal);
    case PUBSUB_ITEMS:
        return read_items_query(pubsub, action, request, refusal);
    }
    return false;
}

/* ---- Items and notifications ---- */

static void
read_item(const struct xmpp_element *item, const struct dialect *dialect, const char *node,
          const struct pubsub_visitor *visitor, void *user)
{
    const char *id = xmpp_element_attribute(item, "id");
    char why[DIALECT_WHY_MAX];
    struct route route;

    if (!item_id_is_valid(id))
        visitor->refused(user, node, "", "the item has no id, or one over 512 octets");
    else if (!dialect->read_entry(item, &route, why))
        visitor->refused(user, node, id, why);
    else
        visitor->item(user, node, id, &route);
}

/* What stands in an <items/> of namespace `ns`. */
static void
read_item_list(const struct xmpp_element *items, const char *ns, const struct dialect *dialect,
               const char *node, const struct pubsub_visitor *visitor, void *user)
{
    for (const struct xmpp_element *e = items->first_child; e != NULL; e = e->next) {
        if (xmpp_element_is(e, ns, "item")) {
            read_item(e, dialect, node, visitor, user);
        } else if (xmpp_element_is(e, NS_PUBSUB_EVENT, "retract")) {
            const char *id = xmpp_element_attribute(e, "id");

            if (item_id_is_valid(id))
                visitor->retract(user, node, id);
            else
                visitor->refused(user, node, "", "the retract has no id, or one over 512 octets");
        }
    }
}

bool
pubsub_read_event(const struct xmpp_element *message, const struct dialect *dialect,
                  const struct pubsub_visitor *visitor, void *user)
{
    const struct xmpp_element *event = xmpp_element_child(message, NS_PUBSUB_EVENT, "event");

    if (event == NULL)
        return false;
    for (const struct xmpp_element *e = event->first_child; e != NULL; e = e->next) {
        const char *node = xmpp_element_attribute(e, "node");
        bool items = xmpp_element_is(e, NS_PUBSUB_EVENT, "items");
        bool purge = xmpp_element_is(e, NS_PUBSUB_EVENT, "purge") ||
                     xmpp_element_is(e, NS_PUBSUB_EVENT, "delete");

        if (!items && !purge)
            continue; /* configuration, subscription … */
        if (node == NULL || !vpn_name_is_valid(node))
            visitor->refused(user, "", "", "the notification's node is no VPN identifier");
        else if (items)
            read_item_list(e, NS_PUBSUB_EVENT, dialect, node, visitor, user);
        else
            visitor->purge(user, node);
    }
    return true;
}

static void
read_page(const struct xmpp_element *pubsub, struct pubsub_page *page)
{
    const struct xmpp_element *set = xmpp_element_child(pubsub, NS_RSM, "set");
    const struct xmpp_element *first, *last, *count;
    const char *index;

    *page = (struct pubsub_page){ .last = NULL };
    if (set == NULL)
        return;
    first = xmpp_element_child(set, NS_RSM, "first");
    last = xmpp_element_child(set, NS_RSM, "last");
    count = xmpp_element_child(set, NS_RSM, "count");
    index = first != NULL ? xmpp_element_attribute(first, "index") : NULL;
    if (last == NULL || last->text[0] == '\0')
        return;
    page->last = last->text;
    if (index == NULL || count == NULL ||
        text_parse_u32(index, UINT32_MAX, &page->first_index) != 0 ||
        text_parse_u32(count->text, UINT32_MAX, &page->total) != 0)
        page->total = UINT32_MAX; /* they are optional: ask on until a page is empty */
}

bool
pubsub_read_items(const struct xmpp_element *iq, const struct dialect *dialect, const char *node,
                  const struct pubsub_visitor *visitor, void *user, struct pubsub_page *page)
{
    const struct xmpp_element *pubsub = xmpp_element_child(iq, NS_PUBSUB, "pubsub");
    const struct xmpp_element *items =
        pubsub != NULL ? xmpp_element_child(pubsub, NS_PUBSUB, "items") : NULL;
    const char *named = items != NULL ? xmpp_element_attribute(items, "node") : NULL;
    uint32_t count = 0;

    if (named == NULL || strcmp(named, node) != 0)
        return false;
    for (const struct xmpp_element *e = items->first_child; e != NULL; e = e->next)
        count += xmpp_element_is(e, NS_PUBSUB, "item");
    read_item_list(items, NS_PUBSUB, dialect, node, visitor, user);
    read_page(pubsub, page);
    /* The last page has been seen when it reaches the end, or has nothing in it. */
    if (count == 0 || (uint64_t)page->first_index + count >= page->total)
        page->last = NULL;
    return true;
}

void
xmpp_read_error(const struct xmpp_element *iq, const char **condition, const char **detail,
                const char **text)
{
    *condition = *detail = *text = "";
    for (const struct xmpp_element *error = iq->first_child; error != NULL; error = error->next) {
        if (strcmp(error->name, "error") != 0)
            continue;
        for (const struct xmpp_element *e = error->first_child; e != NULL; e = e->next) {
            if (xmpp_element_is(e, NS_STANZAS, "text"))
                *text = e->text;
            else if (strcmp(e->ns, NS_STANZAS) == 0)
                *condition = e->name;
            else if (strcmp(e->ns, NS_PUBSUB_ERRORS) == 0)
                *detail = e->name;
        }
    }
}
