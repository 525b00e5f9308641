/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Counter blocks and their readers. Each thread's block is one mapping of its own, arrays included:
 * no cache line is shared by two threads, and pages that nobody counts in are never made. One more
 * block of the same shape holds the baselines. Every record consists of 64-bit words alone, so that
 * one loop adds up all of them.
 */

#include "lib/stats/counters.h"

#include <stdlib.h>
#include <sys/mman.h>

#define CACHE_LINE 64u

struct counters {
    struct counters_shape shape;
    size_t block_octets;
    struct counter_block *baseline; /* control thread only */
    struct counter_block *blocks[]; /* by thread */
};

/* Octets of `n` records, up to the next cache line. */
static size_t
array_octets(size_t n, size_t size)
{
    return (n * size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

static size_t
block_octets(const struct counters_shape *shape)
{
    return array_octets(1, sizeof(struct counter_block)) +
           array_octets(shape->vifs, sizeof(struct vif_counters)) +
           array_octets(shape->vrfs, sizeof(struct vrf_counters)) +
           array_octets(shape->endpoints, sizeof(struct endpoint_counters)) +
           array_octets(shape->ports, sizeof(struct port_counters));
}

static struct counter_block *
block_map(const struct counters *counters)
{
    const struct counters_shape *shape = &counters->shape;
    char *at = mmap(NULL, counters->block_octets, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct counter_block *block = (void *)at;

    if (at == MAP_FAILED)
        return NULL;
    at += array_octets(1, sizeof(*block));
    block->vifs = (void *)at;
    at += array_octets(shape->vifs, sizeof(*block->vifs));
    block->vrfs = (void *)at;
    at += array_octets(shape->vrfs, sizeof(*block->vrfs));
    block->endpoints = (void *)at;
    at += array_octets(shape->endpoints, sizeof(*block->endpoints));
    block->ports = (void *)at;
    return block;
}

struct counters *
counters_create(const struct counters_shape *shape)
{
    struct counters *counters =
        calloc(1, sizeof(*counters) + shape->threads * sizeof(counters->blocks[0]));

    if (counters == NULL)
        return NULL;
    counters->shape = *shape;
    counters->block_octets = block_octets(shape);
    counters->baseline = block_map(counters);
    if (counters->baseline == NULL)
        goto fail;
    for (unsigned thread = 0; thread < shape->threads; thread++) {
        counters->blocks[thread] = block_map(counters);
        if (counters->blocks[thread] == NULL)
            goto fail;
    }
    return counters;

fail:
    counters_destroy(counters);
    return NULL;
}

void
counters_destroy(struct counters *counters)
{
    if (counters == NULL)
        return;
    for (unsigned thread = 0; thread < counters->shape.threads; thread++) {
        if (counters->blocks[thread] != NULL)
            munmap(counters->blocks[thread], counters->block_octets);
    }
    if (counters->baseline != NULL)
        munmap(counters->baseline, counters->block_octets);
    free(counters);
}

struct counter_block *
counters_block(struct counters *counters, unsigned thread)
{
    return counters->blocks[thread];
}

/*
 * Adds the record at `member` of every thread's block into `sum`. The record lies at the same
 * distance from the start of each block, since all have one shape.
 */
static void
sum_record(const struct counters *counters, const void *in_baseline, void *sum, size_t octets)
{
    size_t offset = (size_t)((const char *)in_baseline - (const char *)counters->baseline);
    uint64_t *total = sum;

    for (size_t i = 0; i < octets / sizeof(*total); i++)
        total[i] = 0;
    for (unsigned thread = 0; thread < counters->shape.threads; thread++) {
        const uint64_t *record = (const void *)((const char *)counters->blocks[thread] + offset);

        for (size_t i = 0; i < octets / sizeof(*total); i++)
            total[i] += __atomic_load_n(&record[i], __ATOMIC_RELAXED);
    }
}

/* The same, less the baseline. */
static void
sum_since_baseline(const struct counters *counters, const void *in_baseline, void *sum,
                   size_t octets)
{
    const uint64_t *baseline = in_baseline;
    uint64_t *total = sum;

    sum_record(counters, in_baseline, sum, octets);
    for (size_t i = 0; i < octets / sizeof(*total); i++)
        total[i] -= baseline[i];
}

void
counters_vif(const struct counters *counters, uint32_t id, struct vif_counters *sum)
{
    sum_since_baseline(counters, &counters->baseline->vifs[id], sum, sizeof(*sum));
}

void
counters_vrf(const struct counters *counters, uint32_t number, struct vrf_counters *sum)
{
    sum_since_baseline(counters, &counters->baseline->vrfs[number], sum, sizeof(*sum));
}

void
counters_endpoint(const struct counters *counters, uint32_t index, struct endpoint_counters *sum)
{
    sum_since_baseline(counters, &counters->baseline->endpoints[index], sum, sizeof(*sum));
}

void
counters_port(const struct counters *counters, uint16_t port, struct port_counters *sum)
{
    sum_since_baseline(counters, &counters->baseline->ports[port], sum, sizeof(*sum));
}

void
counters_port_earlier(const struct counters *counters, uint16_t port, struct port_counters *sum)
{
    *sum = counters->baseline->ports[port];
}

void
counters_drops(const struct counters *counters, uint64_t sum[DROP_REASONS])
{
    sum_record(counters, counters->baseline->drops, sum, DROP_REASONS * sizeof(sum[0]));
}

void
counters_punts(const struct counters *counters, uint64_t sum[PUNT_REASONS])
{
    sum_record(counters, counters->baseline->punts, sum, PUNT_REASONS * sizeof(sum[0]));
}

void
counters_worker(const struct counters *counters, unsigned thread, struct worker_counters *sum)
{
    const struct worker_counters *worker = &counters->blocks[thread]->worker;

    *sum = (struct worker_counters){
        .loops = __atomic_load_n(&worker->loops, __ATOMIC_RELAXED),
        .idle_loops = __atomic_load_n(&worker->idle_loops, __ATOMIC_RELAXED),
        .packets = __atomic_load_n(&worker->packets, __ATOMIC_RELAXED),
        .bursts = __atomic_load_n(&worker->bursts, __ATOMIC_RELAXED),
        .handed_over = __atomic_load_n(&worker->handed_over, __ATOMIC_RELAXED),
        .taken_over = __atomic_load_n(&worker->taken_over, __ATOMIC_RELAXED),
        .fragments_held = __atomic_load_n(&worker->fragments_held, __ATOMIC_RELAXED),
        .offloads_passed = __atomic_load_n(&worker->offloads_passed, __ATOMIC_RELAXED),
        .unsplit_passed = __atomic_load_n(&worker->unsplit_passed, __ATOMIC_RELAXED),
    };
}

void
counters_balance(const struct counters *counters, struct balance_counters *sum)
{
    sum_record(counters, &counters->baseline->balance, sum, sizeof(*sum));
}

void
counters_vif_baseline(struct counters *counters, uint32_t id)
{
    struct vif_counters *baseline = &counters->baseline->vifs[id];

    sum_record(counters, baseline, baseline, sizeof(*baseline));
}

void
counters_vrf_baseline(struct counters *counters, uint32_t number)
{
    struct vrf_counters *baseline = &counters->baseline->vrfs[number];

    sum_record(counters, baseline, baseline, sizeof(*baseline));
}

void
counters_endpoint_baseline(struct counters *counters, uint32_t index)
{
    struct endpoint_counters *baseline = &counters->baseline->endpoints[index];

    sum_record(counters, baseline, baseline, sizeof(*baseline));
}

void
counters_port_baseline(struct counters *counters, uint16_t port)
{
    struct port_counters *baseline = &counters->baseline->ports[port];

    sum_record(counters, baseline, baseline, sizeof(*baseline));
}
