/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What the stages tell whoever watches the packet at work: each its verdict, with one call here.
 * `worker->trace` is NULL while nobody watches, and then a call costs one branch that is never
 * taken. While somebody does, the burst has this one packet (and what is made of it), so a verdict
 * need not say which packet it is about.
 */

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

#include "fastpath/worker.h"
#include "lib/ring/note.h"
#include "lib/ring/trace.h"

/** Adds a step; one too many is noted as such. `packet`, unless NULL, is kept with it as far as
 * there is room. Worker. */
void trace_add(struct trace *trace, const struct trace_step *step, const struct rte_mbuf *packet);

/**
 * Copies the beginning of a packet, whatever its segments.
 * @return octets copied, at most `room`
 */
uint32_t trace_copy(const struct rte_mbuf *packet, uint8_t *octets, uint32_t room);

/** The guest of an interface may send this. */
static inline void
trace_from_vif(const struct worker *worker, uint32_t vif)
{
    if (unlikely(worker->trace != NULL))
        trace_add(worker->trace, &(struct trace_step){ .kind = TRACE_FROM_VIF, .number = vif },
                  NULL);
}

/** The packet came out of a tunnel by this label, which has this path. */
static inline void
trace_from_tunnel(const struct worker *worker, uint32_t label, path_t path)
{
    if (unlikely(worker->trace != NULL))
        trace_add(worker->trace,
                  &(struct trace_step){ .kind = TRACE_FROM_TUNNEL, .number = label, .path = path },
                  NULL);
}

/** Each of the packets was looked up in a root; this is what was found. */
static inline void
trace_lookup(const struct worker *worker, const uint32_t *roots, const path_t *paths, unsigned n)
{
    if (unlikely(worker->trace != NULL)) {
        for (unsigned i = 0; i < n; i++)
            trace_add(
                worker->trace,
                &(struct trace_step){ .kind = TRACE_LOOKUP, .number = roots[i], .path = paths[i] },
                NULL);
    }
}

/** The flow takes this member of an ECMP set. */
static inline void
trace_member(const struct worker *worker, uint32_t hash, path_t path)
{
    if (unlikely(worker->trace != NULL))
        trace_add(worker->trace,
                  &(struct trace_step){ .kind = TRACE_MEMBER, .number = hash, .path = path }, NULL);
}

/** A complete frame goes to a port. */
static inline void
trace_send(const struct worker *worker, uint16_t port, const struct rte_mbuf *packet,
           uint32_t account)
{
    if (unlikely(worker->trace != NULL))
        trace_add(worker->trace,
                  &(struct trace_step){ .kind = TRACE_SEND, .port = port, .number = account },
                  packet);
}

/** The slow path gets the packet. */
static inline void
trace_punt(const struct worker *worker, const struct rte_mbuf *packet,
           const struct packet_note *note)
{
    if (unlikely(worker->trace != NULL))
        trace_add(worker->trace,
                  &(struct trace_step){
                      .kind = TRACE_PUNT,
                      .reason = note->reason,
                      .port = note->port,
                      .number = note->account,
                      .path = note->mtu,
                  },
                  packet);
}

/** Another worker takes the packet, as if it had just come in. */
static inline void
trace_handover(const struct worker *worker)
{
    if (unlikely(worker->trace != NULL))
        trace_add(worker->trace, &(struct trace_step){ .kind = TRACE_HANDOVER }, NULL);
}

/** The packet was cut into `n` fragments for an MTU. */
static inline void
trace_cut(const struct worker *worker, unsigned n, uint16_t mtu)
{
    if (unlikely(worker->trace != NULL))
        trace_add(worker->trace,
                  &(struct trace_step){ .kind = TRACE_CUT, .number = n, .path = mtu }, NULL);
}

/** The packet is a fragment that waits for others. */
static inline void
trace_held(const struct worker *worker)
{
    if (unlikely(worker->trace != NULL))
        trace_add(worker->trace, &(struct trace_step){ .kind = TRACE_HELD }, NULL);
}

/** The packet was the last of `n` fragments, and now is the whole. */
static inline void
trace_whole(const struct worker *worker, unsigned n)
{
    if (unlikely(worker->trace != NULL))
        trace_add(worker->trace, &(struct trace_step){ .kind = TRACE_WHOLE, .number = n }, NULL);
}

/** The packet ends here. */
static inline void
trace_drop(const struct worker *worker, enum drop_reason reason, uint32_t vif)
{
    if (unlikely(worker->trace != NULL))
        trace_add(
            worker->trace,
            &(struct trace_step){ .kind = TRACE_DROP, .reason = (uint8_t)reason, .number = vif },
            NULL);
}
