/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * XMPP addresses (RFC 7622) in the subset that end systems and route servers need: local part and
 * domain part of ASCII (host names, IPv4 addresses, IPv6 addresses in brackets), both folded to
 * lower case; resource part any UTF-8 without control characters. Any thread.
 */

#include <stdbool.h>
#include <stddef.h>

#define JID_PART_MAX 256 /* with the zero at the end; RFC 7622 allows 1023 octets */
#define JID_TEXT_MAX (3 * JID_PART_MAX)

/** The route server's address where the configuration names none (C24). */
#define JID_ROUTE_SERVER_DEFAULT "route-server@ietf.org"

struct jid {
    char local[JID_PART_MAX];    /* "" if absent */
    char domain[JID_PART_MAX];   /* never empty */
    char resource[JID_PART_MAX]; /* "" if absent */
};

/** Reads a whole string as [local@]domain[/resource]. @return 0 or -EINVAL (`*jid` untouched). */
int jid_parse(const char *text, struct jid *jid);

/**
 * Makes an address of its parts, each checked and folded; `local` and `resource` may be NULL.
 * @return 0 or -EINVAL.
 */
int jid_make(const char *local, const char *domain, const char *resource, struct jid *jid);

/** True if local part and domain part are equal. */
bool jid_equal_bare(const struct jid *a, const struct jid *b);

/** True if `text` is a valid address equal to `jid`, the resources of both not looked at. */
bool jid_text_is_bare(const char *text, const struct jid *jid);

/** Writes the full address, or the bare one, and returns `text`. */
const char *jid_format(const struct jid *jid, char text[JID_TEXT_MAX]);
const char *jid_format_bare(const struct jid *jid, char text[JID_TEXT_MAX]);
