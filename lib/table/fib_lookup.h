/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Inside the FIB: the lookups of each vector level, over a chunk of up to LOOKUP_CHUNK addresses.
 * All give the same paths; fib_create() chooses. A chunk that changes overlapped is looked up again
 * by the caller (fib_lookup.c).
 */

#include "lib/base/simd.h"
#include "lib/table/fib_direct.h"

#define LOOKUP_CHUNK 64u

/** Chooses the lookups of a level. */
void fib_lookup_choose(struct fib *fib, enum simd_level level);

void fib_lookup_scalar(const struct fib *fib, const uint32_t *roots, const uint32_t *addresses,
                       path_t *paths, unsigned n);
void fib_lookup6_scalar(const struct fib *fib, const uint32_t *roots,
                        const uint8_t *const *addresses, path_t *paths, unsigned n);

#ifdef __x86_64__
void fib_lookup_avx2(const struct fib *fib, const uint32_t *roots, const uint32_t *addresses,
                     path_t *paths, unsigned n);
void fib_lookup6_avx2(const struct fib *fib, const uint32_t *roots, const uint8_t *const *addresses,
                      path_t *paths, unsigned n);
void fib_lookup_avx512(const struct fib *fib, const uint32_t *roots, const uint32_t *addresses,
                       path_t *paths, unsigned n);
void fib_lookup6_avx512(const struct fib *fib, const uint32_t *roots,
                        const uint8_t *const *addresses, path_t *paths, unsigned n);
#endif
