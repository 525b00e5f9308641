/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The FIB: longest-prefix match for IPv4 and IPv6 over any number of roots in one pool of nodes.
 *
 * A VRF has two roots, upstream and downstream (lib/table/vrf.h); a root holds prefixes of both
 * families, apart. A root costs a few octets until it holds routes; nodes come from the pool on
 * demand and return to it after grace. The control thread writes; workers and the slow path look up
 * at the same time and see, for each lookup, the table before or after a change, never a half-made
 * one.
 *
 * A node that changes is replaced, and those above it; the old ones live until reclaim_poll() has
 * seen their grace: poll between the slices of a long change, else the memory of it adds up.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/addr.h"
#include "lib/table/path.h"

struct fib;
struct reclaim;

/* The endpoints that a route can lead to: what the table has bits for. */
#define FIB_ENDPOINT_MAX ((1u << 18) - 1)

struct fib_limits {
    uint32_t roots;  /* root numbers are 0 .. roots - 1 */
    uint32_t routes; /* most routes over all roots */
    uint32_t nodes;  /* most nodes of all tries, without those that wait for grace */
};

struct fib_usage {
    uint32_t routes;
    uint32_t nodes;    /* in the tree, without those that wait for grace */
    size_t octets;     /* memory held, everything counted */
    uint64_t refusals; /* changes refused because a limit was reached */
};

/** Makes an empty FIB within `limits`. @return NULL without memory. */
struct fib *fib_create(const struct fib_limits *limits, struct reclaim *reclaim);

/** Frees it; waits for the grace of what it gave to `reclaim`. After the readers have ended. */
void fib_destroy(struct fib *fib);

/** Takes all routes of a root away, of both families. No path may lead to the root any more.
 * Control thread. */
void fib_clear(struct fib *fib, uint32_t root);

/**
 * Sets the path of a prefix: added, or replaced.
 * @return 0, -ENOSPC (a limit, or no memory for a node), -ENOMEM, -EAFNOSUPPORT, -EINVAL (not a
 * path, a tunnel to an endpoint beyond FIB_ENDPOINT_MAX, or a length that the family does not
 * have); the table is unchanged on an error. Control thread.
 */
int fib_set(struct fib *fib, uint32_t root, const struct ip_prefix *prefix, path_t path);

/** Takes a prefix away; what it covered falls to the next shorter one. It does not fail for memory:
 * if so much waits for grace that there is none, it waits for it. @return 0 or -ENOENT. Control
 * thread. */
int fib_unset(struct fib *fib, uint32_t root, const struct ip_prefix *prefix);

/** The path of exactly this prefix, PATH_NONE if it is not there. Control thread. */
path_t fib_get(const struct fib *fib, uint32_t root, const struct ip_prefix *prefix);

/**
 * Moves nodes together where much of the pool is held for free blocks: a slice of it, a millisecond
 * or so; nothing to do costs nothing. Readers notice nothing. Call now and then, with
 * reclaim_poll(), which frees what was moved.
 * @return true if there is more to do. Control thread.
 */
bool fib_compact(struct fib *fib);

/** What the FIB holds at the moment. Control thread. */
void fib_usage(const struct fib *fib, struct fib_usage *usage);

/**
 * Looks up `n` IPv4 addresses (host order), each in its own root, and writes the path of the
 * longest match, or PATH_NONE. Readers, between two quiescent states.
 */
void fib_lookup_bulk(const struct fib *fib, const uint32_t *roots, const uint32_t *addresses,
                     path_t *paths, unsigned n);

/** The same for IPv6: `addresses` are pointers to 16 octets each, at any alignment. */
void fib_lookup6_bulk(const struct fib *fib, const uint32_t *roots, const uint8_t *const *addresses,
                      path_t *paths, unsigned n);
