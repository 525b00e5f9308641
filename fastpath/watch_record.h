/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* From what a watch has seen to a record in its ring. Only fastpath/watch*.c include this. */

#include <stdbool.h>
#include <stdint.h>

#include "lib/ring/watch.h"

struct worker;

/* A packet, or as much of it as was copied. */
struct view {
    const uint8_t *octets;
    uint32_t length, kept;
    uint8_t link; /* enum watch_link */
};

/** Whether the watch's filter lets the packet pass. */
bool watch_passes(const struct watch *watch, const struct view *view);

/** Records a captured packet. @param step what became of it, NULL: nobody knows yet */
void watch_capture(struct worker *worker, const struct watch *watch, const struct view *view,
                   enum watch_direction direction, uint16_t port, uint32_t vif,
                   const struct trace_step *step);

/** Records the worker's trace of a packet, unless there were too many in a short time. */
void watch_trace(struct worker *worker, const struct watch *watch, const struct view *view,
                 uint16_t port, uint32_t vif);
