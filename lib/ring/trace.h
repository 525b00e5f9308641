/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A trace: what the stages say about one packet, step by step. The code that forwards writes it
 * (fastpath/trace.h), the control thread reads it. Numbers, as in a packet's note; no pointers into
 * tables.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/table/path.h"

enum trace_kind {
    TRACE_FROM_VIF,    /* number: the interface whose guest may send this */
    TRACE_FROM_TUNNEL, /* number: the label; path: where it leads */
    TRACE_LOOKUP,      /* number: the FIB root; path: of the longest match, or PATH_NONE */
    TRACE_MEMBER,      /* number: the flow's hash; path: the member of an ECMP set that it takes */
    TRACE_SEND,        /* port, number: the account (lib/ring/note.h), and the frame */
    TRACE_PUNT,        /* reason: enum punt_reason; number: the account, and the packet */
    TRACE_DROP,        /* reason: enum drop_reason; number: the interface, or VIF_NONE */
    TRACE_HANDOVER,    /* another worker goes on with the packet, from its frame; the last step */
    TRACE_CUT,         /* number: into so many fragments; path: of so many octets at most */
    TRACE_HELD,        /* a fragment, that waits for others */
    TRACE_WHOLE,       /* number: of so many fragments a whole was made */
};

#define TRACE_STEPS_MAX 48

struct trace_step {
    uint8_t kind; /* enum trace_kind */
    uint8_t reason;
    uint16_t port;
    uint32_t number;
    path_t path;
    uint32_t length; /* octets of the frame or packet */
    uint32_t at;     /* where in `octets` its beginning is kept, */
    uint32_t kept;   /* and how much of it */
};

struct trace {
    unsigned n_steps;
    bool more; /* there were steps beyond TRACE_STEPS_MAX */
    struct trace_step steps[TRACE_STEPS_MAX];

    /* of whoever asked for the trace */
    uint32_t keep;       /* the most octets kept of each frame */
    uint32_t used, room; /* in `octets` */
    uint8_t *octets;
};
