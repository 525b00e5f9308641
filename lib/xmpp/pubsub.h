/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The publish-subscribe flows (XEP-0060) as draft-ietf-l3vpn-end-system uses them, both ways:
 * requests, results and notifications written and understood. Routes inside items are the
 * dialect's business. Pure functions over elements and writers. Any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/xmpp/dialect.h"
#include "lib/xmpp/element.h"
#include "lib/xmpp/writer.h"

#define NS_PUBSUB        "http://jabber.org/protocol/pubsub"
#define NS_PUBSUB_EVENT  "http://jabber.org/protocol/pubsub#event"
#define NS_PUBSUB_ERRORS "http://jabber.org/protocol/pubsub#errors"
#define NS_DATA_FORM     "jabber:x:data"
#define NS_RSM           "http://jabber.org/protocol/rsm"

#define VPN_NAME_MAX 128 /* octets of a VPN identifier (C25) */
#define ITEM_ID_MAX  512 /* octets of an ItemID that we accept */

/** True for a VPN identifier: 1 to 128 octets of printable ASCII without blanks (C25). */
bool vpn_name_is_valid(const char *name);

/* ---- Requests ---- */

enum pubsub_action {
    PUBSUB_SUBSCRIBE,
    PUBSUB_UNSUBSCRIBE,
    PUBSUB_PUBLISH,
    PUBSUB_RETRACT,
    PUBSUB_ITEMS
};

/** A request, to be written or as understood. Strings are borrowed from the caller or the stanza.
 */
struct pubsub_request {
    enum pubsub_action action;
    const char *node;          /* the VPN identifier */
    const char *jid;           /* subscribe, unsubscribe: the subscriber */
    bool has_instance_id;      /* subscribe: options/instance-id (C30) */
    uint16_t instance_id;      /* … unique per VRF, the same towards every route server */
    uint16_t vlan_id;          /* subscribe: 1-4094 from the form field vpn#vlan_id (C31); 0 none */
    const char *item_id;       /* publish, retract */
    const struct route *route; /* publish, to be written only */
    const struct xmpp_element *item; /* publish, as understood: <item/> for the dialect */
    bool notify;                     /* retract: as understood; always written as true (D10) */
    uint32_t max_items;              /* items: at most so many, 0 = all */
    const char *after;               /* items: the page behind this ItemID (XEP-0059), or NULL */
};

/** Writes the <iq/> of a request. */
void pubsub_write_request(struct xml_writer *writer, const struct dialect *dialect, const char *id,
                          const char *from, const char *to, const struct pubsub_request *request);

/** Why a request was not understood: the RFC 6120 and XEP-0060 conditions and a text. */
struct pubsub_refusal {
    const char *type;      /* "cancel", "modify", "auth", "wait" */
    const char *condition; /* "bad-request" … */
    const char *detail;    /* an element name of NS_PUBSUB_ERRORS, or NULL */
    char text[DIALECT_WHY_MAX];
};

/**
 * Understands the <pubsub/> of an iq of type set or get.
 * @return true, or false with `*refusal` filled.
 */
bool pubsub_read_request(const struct xmpp_element *iq, struct pubsub_request *request,
                         struct pubsub_refusal *refusal);

/* ---- Answers ---- */

/** Writes the result of a subscribe (state "subscribed", no subid), or an empty result. */
void pubsub_write_subscribed(struct xml_writer *writer, const char *id, const char *from,
                             const char *to, const char *node, const char *jid);
void xmpp_write_result(struct xml_writer *writer, const char *id, const char *from, const char *to);

/** Writes an iq of type error. */
void xmpp_write_error(struct xml_writer *writer, const char *id, const char *from, const char *to,
                      const struct pubsub_refusal *refusal);

/** Begins an items result; then pubsub_write_item() for each; then pubsub_end_items(). */
void pubsub_begin_items(struct xml_writer *writer, const char *id, const char *from, const char *to,
                        const char *node);

/** Ends an items result with the paging information of XEP-0059: index of the first item sent, its
 * ItemID, that of the last, how many there are in all. `first` NULL: none was sent. */
void pubsub_end_items(struct xml_writer *writer, const char *first, const char *last,
                      uint32_t first_index, uint32_t total);

/** What an items result says besides its items. */
struct pubsub_page {
    const char *last;     /* ItemID to ask on from, or NULL: this was everything */
    uint32_t first_index; /* meaningful with `last` */
    uint32_t total;
};

/* ---- Items and notifications ---- */

/** Begins the <message/> of a notification; then items or retracts, not both; then the end. */
void pubsub_begin_event(struct xml_writer *writer, const char *from, const char *to,
                        const char *node);
void pubsub_write_item(struct xml_writer *writer, const struct dialect *dialect,
                       const char *item_id, const struct route *route);
void pubsub_write_retract(struct xml_writer *writer, const char *item_id);
void pubsub_end_event(struct xml_writer *writer);

/** Who hears what items and notifications say. Strings are valid during the call. */
struct pubsub_visitor {
    void (*item)(void *user, const char *node, const char *item_id, const struct route *route);
    void (*retract)(void *user, const char *node, const char *item_id);
    /** Every item of the node is gone: purge or delete. */
    void (*purge)(void *user, const char *node);
    /** An item was not used; the others of the message are. `item_id` may be "". */
    void (*refused)(void *user, const char *node, const char *item_id, const char *why);
};

/**
 * Understands a <message/>.
 * @return true if it was a pubsub notification, false if it is something else (nothing called).
 */
bool pubsub_read_event(const struct xmpp_element *message, const struct dialect *dialect,
                       const struct pubsub_visitor *visitor, void *user);

/**
 * Understands the result of an items request.
 * @return false if there is no <items/> for `node` in it (nothing called).
 */
bool pubsub_read_items(const struct xmpp_element *iq, const struct dialect *dialect,
                       const char *node, const struct pubsub_visitor *visitor, void *user,
                       struct pubsub_page *page);

/** The conditions and text of an iq of type error; strings are borrowed from the stanza. */
void xmpp_read_error(const struct xmpp_element *iq, const char **condition, const char **detail,
                     const char **text);
