/* SPDX-License-Identifier: BSD-3-Clause */

/* Records of watches: see watch_record.h. */

#include "fastpath/watch_record.h"

#include <string.h>

#include <pcap/bpf.h>
#include <rte_cycles.h>

#include "fastpath/bucket.h"
#include "fastpath/worker.h"
#include "lib/ring/watch_ring.h"

bool
watch_passes(const struct watch *watch, const struct view *view)
{
    const struct watch_filter *filter = &watch->filters[view->link];

    if (filter->never)
        return false;
    return filter->program == NULL ||
           bpf_filter(filter->program, view->octets, view->length, view->kept) != 0;
}

static inline uint32_t
at_most(uint32_t value, uint32_t limit)
{
    return value < limit ? value : limit;
}

void
watch_capture(struct worker *worker, const struct watch *watch, const struct view *view,
              enum watch_direction direction, uint16_t port, uint32_t vif,
              const struct trace_step *step)
{
    struct watch_ring *ring = watch->rings[worker->number];
    const uint32_t kept = at_most(view->kept, watch->snaplen);
    const uint16_t n_steps = step != NULL;
    struct watch_record *record =
        watch_ring_reserve(ring, (uint32_t)(sizeof(*record) + n_steps * sizeof(*step) + kept));

    if (record == NULL)
        return;
    record->direction = (uint8_t)direction;
    record->link = view->link;
    record->more = false;
    record->tsc = rte_rdtsc();
    record->vif = vif;
    record->port = port;
    record->n_steps = n_steps;
    record->length = view->length;
    record->kept = kept;
    record->frames = 0;
    if (step != NULL)
        record->steps[0] = *step;
    memcpy(watch_record_packet(record), view->octets, kept);
    watch_ring_publish(ring);
}

/* Copies the beginnings of the steps' frames behind the packet. */
static void
copy_frames(struct watch_record *record, const struct trace *trace)
{
    uint32_t used = 0;

    for (unsigned i = 0; i < record->n_steps; i++) {
        struct trace_step *step = &record->steps[i];

        *step = trace->steps[i];
        step->kept = at_most(step->kept, WATCH_TRACE_OCTETS);
        memcpy(watch_record_frames(record) + used, trace->octets + step->at, step->kept);
        step->at = used;
        used += step->kept;
    }
}

void
watch_trace(struct worker *worker, const struct watch *watch, const struct view *view,
            uint16_t port, uint32_t vif)
{
    const struct trace *trace = worker->watched;
    struct watch_ring *ring = watch->rings[worker->number];
    const uint32_t kept = at_most(view->kept, WATCH_TRACE_OCTETS);
    struct watch_record *record;
    uint32_t frames = 0;

    if (!bucket_take(&ring->traces_full_at, &worker->trace_rate, worker->now)) {
        watch_ring_lose(ring);
        return;
    }
    for (unsigned i = 0; i < trace->n_steps; i++)
        frames += at_most(trace->steps[i].kept, WATCH_TRACE_OCTETS);
    record = watch_ring_reserve(
        ring,
        (uint32_t)(sizeof(*record) + trace->n_steps * sizeof(trace->steps[0]) + kept) + frames);
    if (record == NULL)
        return;
    record->direction = WATCH_IN;
    record->link = view->link;
    record->more = trace->more;
    record->tsc = rte_rdtsc();
    record->vif = vif;
    record->port = port;
    record->n_steps = (uint16_t)trace->n_steps;
    record->length = view->length;
    record->kept = kept;
    record->frames = frames;
    copy_frames(record, trace);
    memcpy(watch_record_packet(record), view->octets, kept);
    watch_ring_publish(ring);
}
