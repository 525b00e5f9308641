/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What the FIB's tests share: making one, prefixes by text, lookups of either family. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/table/fib_lookup.h"
#include "lib/table/reclaim.h"

#define ROOTS       4u
#define LOOKUPS_MAX 200u

static struct reclaim *reclaim;

static inline int
setup(void **state)
{
    (void)state;
    reclaim = reclaim_create(4);
    return reclaim == NULL;
}

static inline int
teardown(void **state)
{
    (void)state;
    reclaim_destroy(reclaim);
    return 0;
}

static inline struct fib *
fib_make(uint32_t routes, uint32_t nodes)
{
    struct fib *fib = fib_create(
        &(struct fib_limits){ .roots = ROOTS, .routes = routes, .nodes = nodes }, reclaim);

    assert_non_null(fib);
    return fib;
}

static inline struct fib_usage
usage_of(const struct fib *fib)
{
    struct fib_usage usage;

    fib_usage(fib, &usage);
    return usage;
}

static inline struct ip_prefix
prefix_parse(const char *text)
{
    struct ip_prefix prefix;

    assert_int_equal(ip_prefix_parse(text, &prefix), 0);
    return prefix;
}

/* Looks up addresses of one family, each in its root: with every vector level that there is, which
 * must agree. */
static inline void
lookup_all(struct fib *fib, const uint32_t *roots, const struct ip_addr *addresses, path_t *paths,
           unsigned n)
{
    const uint8_t *v6[LOOKUPS_MAX];
    path_t others[LOOKUPS_MAX];
    uint32_t v4[LOOKUPS_MAX];

    assert_true(n <= LOOKUPS_MAX);
    for (unsigned i = 0; i < n; i++) {
        v4[i] = addresses[i].family == IP_V4 ? ip_addr_to_v4(&addresses[i]) : 0;
        v6[i] = addresses[i].octets;
    }
    for (enum simd_level level = SIMD_SCALAR; level <= simd_level(); level++) {
        path_t *found = level == SIMD_SCALAR ? paths : others;

        fib_lookup_choose(fib, level);
        if (addresses[0].family == IP_V4)
            fib_lookup_bulk(fib, roots, v4, found, n);
        else
            fib_lookup6_bulk(fib, roots, v6, found, n);
        assert_memory_equal(found, paths, n * sizeof(*paths));
    }
}

static inline path_t
lookup_text(struct fib *fib, uint32_t root, const char *text)
{
    struct ip_addr address;
    path_t path;

    assert_int_equal(ip_addr_parse(text, &address), 0);
    lookup_all(fib, &root, &address, &path, 1);
    return path;
}

static inline path_t
tunnel(uint32_t endpoint)
{
    return path_make(PATH_TUNNEL, endpoint, (1u << 20) - 1 - endpoint);
}

static inline void
set(struct fib *fib, uint32_t root, const char *text, path_t path)
{
    struct ip_prefix prefix = prefix_parse(text);

    assert_int_equal(fib_set(fib, root, &prefix, path), 0);
    assert_int_equal(fib_get(fib, root, &prefix), path);
}

static inline void
unset(struct fib *fib, uint32_t root, const char *text)
{
    struct ip_prefix prefix = prefix_parse(text);

    assert_int_equal(fib_unset(fib, root, &prefix), 0);
    assert_int_equal(fib_get(fib, root, &prefix), PATH_NONE);
}
