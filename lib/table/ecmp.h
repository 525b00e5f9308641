/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * ECMP sets: a fixed array of buckets filled by rendezvous (highest random weight) hashing, so that
 * losing a member moves only the flows of that member (Thaler and Ravishankar, 1998).
 * A set is immutable; a change of members makes a new set and a new path.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/table/index.h"
#include "lib/table/path.h"

#define ECMP_BUCKETS     64
#define ECMP_MEMBERS_MAX 16

struct reclaim;

struct ecmp_set {
    path_t buckets[ECMP_BUCKETS]; /* each one of the members' paths; never PATH_ECMP */
    uint8_t n_members;
    path_t members[ECMP_MEMBERS_MAX];
};

struct ecmp_table {
    _Atomic(struct ecmp_set *) *sets; /* by index; written by control, read by workers */
    struct index_pool indexes;        /* control only */
};

/** @return 0 or -ENOMEM. */
int ecmp_table_init(struct ecmp_table *table, uint32_t limit, struct reclaim *reclaim);
void ecmp_table_free(struct ecmp_table *table);

/**
 * Makes a set of `n` members (2..ECMP_MEMBERS_MAX, each PATH_TUNNEL, PATH_VIF or PATH_VRF).
 * @return 0 and its path (PATH_ECMP) in `*path`, -EINVAL, -ENOSPC or -ENOMEM. Control thread.
 */
int ecmp_add(struct ecmp_table *table, const path_t *members, unsigned n, path_t *path);

/** Gives a set back after grace. No route may lead to it any more. Control thread. */
void ecmp_remove(struct ecmp_table *table, path_t path);

/** The set of a path (PATH_ECMP). Control thread. */
static inline const struct ecmp_set *
ecmp_at(const struct ecmp_table *table, path_t path)
{
    return atomic_load_explicit(&table->sets[path_target(path)], memory_order_acquire);
}

/** The member's path that a flow takes. Readers. */
static inline path_t
ecmp_select(const struct ecmp_table *table, path_t path, uint32_t flow_hash)
{
    const struct ecmp_set *set = ecmp_at(table, path);

    return set == NULL ? PATH_NONE : set->buckets[flow_hash % ECMP_BUCKETS];
}
