/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The choice between paths: draft-ietf-l3vpn-end-system with its own three rules (local-preference,
 * sequence-number, server address) and what it says elsewhere: the more recent positive update
 * wins. The server's address thereby decides only between what arrived together.
 */

#include "control/selection.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* <0 if the greater of two numbers is `a`. */
static int
greater_first(int64_t a, int64_t b)
{
    return a > b ? -1 : a < b;
}

int
selection_compare(const struct selection_candidate *a, const struct selection_candidate *b,
                  enum selection_rule *rule)
{
    int order = greater_first(a->acceptable, b->acceptable);

    *rule = SELECTION_ACCEPTABLE;
    if (order == 0) {
        *rule = SELECTION_LIVE;
        order = greater_first(a->live, b->live);
    }
    if (order == 0) {
        *rule = SELECTION_PREFERENCE;
        order = greater_first(a->local_preference, b->local_preference);
    }
    if (order == 0) {
        *rule = SELECTION_SEQUENCE;
        order = greater_first(a->sequence_number, b->sequence_number);
    }
    if (order == 0) {
        *rule = SELECTION_RECENT;
        order = greater_first(a->received, b->received);
    }
    if (order == 0) {
        *rule = SELECTION_SERVER_ADDRESS;
        order = ip_addr_compare(a->server_address, b->server_address);
    }
    if (order == 0) {
        *rule = SELECTION_SERVER_NAME;
        order = strcmp(a->server_name, b->server_name);
    }
    if (order == 0) {
        *rule = SELECTION_ITEM_ID;
        order = strcmp(a->item_id, b->item_id);
    }
    return order;
}

void
selection_explain(enum selection_rule rule, bool won, const struct selection_candidate *candidate,
                  char *text, size_t size)
{
    switch (rule) {
    case SELECTION_ONLY:
        snprintf(text, size, "only path");
        break;
    case SELECTION_ACCEPTABLE:
        snprintf(text, size, won ? "only usable path" : "next hop refused");
        break;
    case SELECTION_LIVE:
        snprintf(text, size, won ? "live beats stale" : "stale");
        break;
    case SELECTION_PREFERENCE:
        snprintf(text, size, "%s local-preference %" PRIu32, won ? "higher" : "lower",
                 candidate->local_preference);
        break;
    case SELECTION_SEQUENCE:
        snprintf(text, size, "%s sequence %" PRIu32, won ? "newer" : "older",
                 candidate->sequence_number);
        break;
    case SELECTION_RECENT:
        snprintf(text, size, won ? "received later" : "received earlier");
        break;
    case SELECTION_SERVER_ADDRESS:
        snprintf(text, size, won ? "lower server address" : "higher server address");
        break;
    case SELECTION_SERVER_NAME:
        snprintf(text, size, won ? "lower server name" : "higher server name");
        break;
    case SELECTION_ITEM_ID:
        snprintf(text, size, won ? "lower item id" : "higher item id");
        break;
    }
}
