/* SPDX-License-Identifier: BSD-3-Clause */

/* Looking up: in chunks, by the vector level that the table was made for, once more under changes.
 */

#include "lib/table/fib_lookup.h"

/* Times that a chunk is looked up again because of changes: a bound for a worker under a storm of
 * them, which then may see a table that mixes two of its states. */
#define LOOKUPS_AGAIN 2u

void
fib_lookup_choose(struct fib *fib, enum simd_level level)
{
    fib->lookup = fib_lookup_scalar;
    fib->lookup6 = fib_lookup6_scalar;
#ifdef __x86_64__
    if (level == SIMD_AVX2) {
        fib->lookup = fib_lookup_avx2;
        fib->lookup6 = fib_lookup6_avx2;
    } else if (level == SIMD_AVX512) {
        fib->lookup = fib_lookup_avx512;
        fib->lookup6 = fib_lookup6_avx512;
    }
#else
    (void)level;
#endif
}

/* True if more than one change overlapped the time since `before` was read. */
static bool
changed_twice(const struct fib *fib, uint64_t before)
{
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&fib->version, memory_order_relaxed) > (before | 1) + 1;
}

static unsigned
chunk_of(unsigned n)
{
    return n < LOOKUP_CHUNK ? n : LOOKUP_CHUNK;
}

void
fib_lookup_bulk(const struct fib *fib, const uint32_t *roots, const uint32_t *addresses,
                path_t *paths, unsigned n)
{
    for (unsigned first = 0; first < n; first += LOOKUP_CHUNK) {
        const unsigned chunk = chunk_of(n - first);

        for (unsigned again = 0; again <= LOOKUPS_AGAIN; again++) {
            uint64_t before = word_load(&fib->version);

            fib->lookup(fib, &roots[first], &addresses[first], &paths[first], chunk);
            if (!changed_twice(fib, before))
                break;
        }
    }
}

void
fib_lookup6_bulk(const struct fib *fib, const uint32_t *roots, const uint8_t *const *addresses,
                 path_t *paths, unsigned n)
{
    for (unsigned first = 0; first < n; first += LOOKUP_CHUNK) {
        const unsigned chunk = chunk_of(n - first);

        for (unsigned again = 0; again <= LOOKUPS_AGAIN; again++) {
            uint64_t before = word_load(&fib->version);

            fib->lookup6(fib, &roots[first], &addresses[first], &paths[first], chunk);
            if (!changed_twice(fib, before))
                break;
        }
    }
}
