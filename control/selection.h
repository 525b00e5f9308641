/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Which of two paths to the same prefix is used: a total order, so that the choice does not depend
 * on the order in which paths are looked at. Pure functions, any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/addr.h"

/* The rules in the order in which they are asked; each decides only among equals of the former. */
enum selection_rule {
    SELECTION_ONLY,           /* nothing to decide */
    SELECTION_ACCEPTABLE,     /* a next hop that may be used (C6) */
    SELECTION_LIVE,           /* live beats stale */
    SELECTION_PREFERENCE,     /* higher local-preference (C20, C42) */
    SELECTION_SEQUENCE,       /* higher sequence-number (C20, C41) */
    SELECTION_RECENT,         /* received later (C21) */
    SELECTION_SERVER_ADDRESS, /* lower route server address (C20) */
    SELECTION_SERVER_NAME,    /* two servers at one address: lower name */
    SELECTION_ITEM_ID         /* one server, two items at once: lower item id */
};

/* What the rules look at. */
struct selection_candidate {
    bool acceptable;
    bool live;
    uint32_t local_preference;
    uint32_t sequence_number;
    int64_t received;
    const struct ip_addr *server_address;
    const char *server_name;
    const char *item_id;
};

/** <0 if `a` is used rather than `b`, >0 if `b`, 0 only for equal ones; `*rule` decided. */
int selection_compare(const struct selection_candidate *a, const struct selection_candidate *b,
                      enum selection_rule *rule);

/** Writes why `candidate` won or lost by `rule`, for people. */
void selection_explain(enum selection_rule rule, bool won,
                       const struct selection_candidate *candidate, char *text, size_t size);
