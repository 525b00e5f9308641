/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Traces for programs and for people: the numbers of the steps become names, prefixes and
 * addresses, as the tables have them now. Control thread. */

#include <stdbool.h>

#include <jansson.h>

#include "lib/ring/watch.h"

struct control;

#define WORKER_UNKNOWN UINT32_MAX

/* A packet and what became of it. */
struct traced {
    const struct trace_step *steps;
    unsigned n_steps;
    bool more;
    const uint8_t *frames; /* what the steps' `at` counts from */
    const uint8_t *packet; /* as it came in */
    uint32_t length, kept;
    uint8_t link;      /* enum watch_link */
    bool from_fabric;  /* a frame of the underlay's */
    bool whole_frames; /* show the frames that were sent, too */
    uint32_t worker;   /* that did it, or WORKER_UNKNOWN */
};

/** {"packet", "verdict", "steps": [{"stage", "text", ...}]}: the packet in words
 * (lib/net/description.h), "forwarded", "slow-path", "dropped" or "held". */
json_t *traced_to_json(struct control *control, const struct traced *traced);

/** What became of a captured packet, in a few words. @param step NULL: nobody knows yet */
void trace_verdict_text(struct control *control, const struct trace_step *step, char *text,
                        size_t size);
