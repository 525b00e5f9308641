/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * ECMP sets: each bucket goes to the member whose hash with the bucket's number is highest. A
 * member's hashes depend on nothing but its own path, so the other members coming or going, or
 * going down and up, moves no bucket between those that stay.
 */

#include "lib/table/tables.h"

/* Mixes 64 bits so that each depends on all (the finalizer of SplitMix64). */
static uint64_t
mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Whether a member can be used: what is not a tunnel has no next hop that could be down. */
static bool
is_up(const struct tables *tables, path_t member)
{
    const struct endpoint *endpoint;

    if (path_kind(member) != PATH_TUNNEL)
        return true;
    endpoint = endpoint_at(&tables->endpoints, path_target(member));
    return endpoint != NULL && adjacency_is_up(&tables->adjacencies, endpoint->adjacency);
}

path_t
ecmp_heaviest(const struct ecmp_set *set, unsigned bucket, const struct tables *tables)
{
    path_t chosen = PATH_NONE;
    uint64_t highest = 0;

    for (unsigned i = 0; i < set->n_members; i++) {
        const path_t member = set->members[i];
        const uint64_t weight = mix(mix(member) + bucket);

        if ((chosen == PATH_NONE || weight > highest) &&
            (tables == NULL || is_up(tables, member))) {
            highest = weight;
            chosen = member;
        }
    }
    return chosen;
}

path_t
ecmp_select(const struct tables *tables, path_t path, uint32_t flow_hash)
{
    const struct ecmp_set *set = ecmp_at(&tables->ecmp, path);
    const unsigned bucket = flow_hash % ECMP_BUCKETS;
    path_t chosen;

    if (set == NULL)
        return PATH_NONE;
    if (is_up(tables, set->buckets[bucket]))
        return set->buckets[bucket];
    chosen = ecmp_heaviest(set, bucket, tables);
    return chosen != PATH_NONE ? chosen : set->buckets[bucket];
}
