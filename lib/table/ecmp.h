/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * ECMP sets: a fixed array of buckets filled by rendezvous (highest random weight) hashing, so that
 * losing a member moves only the flows of that member (Thaler and Ravishankar, 1998).
 * A set is immutable; a change of members makes a new set and a new path. A member whose far end
 * does not answer is passed over at once, without a change of the set: its flows go where they
 * would go if it were not a member, and come back with it.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/table/index.h"
#include "lib/table/path.h"

#define ECMP_BUCKETS     64
#define ECMP_MEMBERS_MAX 16

struct reclaim;
struct tables;

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

/** The member that has the highest weight in a bucket, by nothing but its own path and the bucket's
 * number; with `tables`, of those that are up there. @return PATH_NONE if none is. Any thread. */
path_t ecmp_heaviest(const struct ecmp_set *set, unsigned bucket, const struct tables *tables);

/**
 * The member's path that a flow takes: the bucket's own or, while that is a tunnel whose next hop
 * on the underlay is down, the heaviest in the bucket that is up. If none is, the bucket's own: a
 * packet that asks for it gets its next hop resolved.
 * @return PATH_NONE for a set that is no more. Readers.
 */
path_t ecmp_select(const struct tables *tables, path_t path, uint32_t flow_hash);
