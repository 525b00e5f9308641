/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What both ingress halves begin with. Worker. */

#include <rte_branch_prediction.h>

#include "fastpath/drop.h"
#include "fastpath/segments.h"
#include "fastpath/worker.h"
#include "lib/net/parse.h"

/**
 * Checks a packet's buffers and its Ethernet header. `packet` may be replaced by another one, with
 * the tag that the driver had taken out put back.
 * @return true with `frame`, or false: the packet was dropped.
 */
static inline bool
ingress_frame(struct worker *worker, struct rte_mbuf **packet, struct frame_view *frame)
{
    enum drop_reason reason = DROP_REASONS;

    if (unlikely(segments_are_unusual(*packet)))
        reason = segments_check(packet);
    if (reason == DROP_REASONS)
        reason = segments_reason(*packet, parse_frame(rte_pktmbuf_mtod(*packet, const uint8_t *),
                                                      rte_pktmbuf_data_len(*packet), frame));
    if (likely(reason == DROP_REASONS))
        return true;
    drop(worker, *packet, reason, VIF_NONE);
    return false;
}
