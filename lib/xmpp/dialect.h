/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * How a route is written inside a pubsub item: one codec per dialect, one file each. The pubsub
 * flows around it are in pubsub.h.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/xmpp/element.h"
#include "lib/xmpp/route.h"
#include "lib/xmpp/writer.h"

#define DIALECT_WHY_MAX 128 /* octets of a reason with the zero at the end */

struct dialect {
    const char *name; /* as the configuration calls it */

    /** Writes the item's payload. The route is complete and valid. */
    void (*write_entry)(struct xml_writer *writer, const struct route *route);

    /**
     * Understands an item's payload: `item` is the <item/> element around it.
     * @return true, or false with the reason for people in `why`; `*route` is then undefined.
     */
    bool (*read_entry)(const struct xmpp_element *item, struct route *route,
                       char why[DIALECT_WHY_MAX]);
};

/** The dialect of draft-ietf-l3vpn-end-system: draft.c. */
extern const struct dialect dialect_draft;
