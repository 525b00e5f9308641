/* SPDX-License-Identifier: BSD-3-Clause */

/* Looking up with AVX-512, eight addresses in a vector: see fib_lookup_vector.h. */

#include <immintrin.h>

#include "lib/table/fib_lookup.h"

#define LANES 8u

typedef __m512i vec;
typedef __mmask8 mask;

#define vec_set1(a)        _mm512_set1_epi64(a)
#define vec_load(p)        _mm512_loadu_si512(p)
#define vec_load32(p)      _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(p)))
#define vec_store(p, a)    _mm512_storeu_si512(p, a)
#define vec_add(a, b)      _mm512_add_epi64(a, b)
#define vec_sub(a, b)      _mm512_sub_epi64(a, b)
#define vec_and(a, b)      _mm512_and_si512(a, b)
#define vec_andnot(a, b)   _mm512_andnot_si512(a, b)
#define vec_or(a, b)       _mm512_or_si512(a, b)
#define vec_xor(a, b)      _mm512_xor_si512(a, b)
#define vec_slli(a, n)     _mm512_slli_epi64(a, n)
#define vec_srli(a, n)     _mm512_srli_epi64(a, n)
#define vec_sllv(a, n)     _mm512_sllv_epi64(a, n)
#define vec_srlv(a, n)     _mm512_srlv_epi64(a, n)
#define vec_min8(a)        _mm512_min_epu64(a, _mm512_set1_epi64(8))
#define vec_eq(a, b)       _mm512_cmpeq_epi64_mask(a, b)
#define vec_test(a, b)     _mm512_test_epi64_mask(a, b)
#define vec_blend(m, a, b) _mm512_mask_blend_epi64(m, a, b)
#define vec_keep(m, a)     _mm512_maskz_mov_epi64(m, a)
#define mask_and(a, b)     ((mask)((a) & (b)))
#define mask_or(a, b)      ((mask)((a) | (b)))
#define mask_andnot(a, b)  ((mask)(~(a) & (b)))
#define mask_any(a)        ((a) != 0)
#define mask_all()         ((mask)0xff)

static const uint64_t nothing;

/* Two of the words that addresses point to. */
static inline __attribute__((always_inline)) __m128i
pair(const uint64_t *addresses)
{
    const void *first = (const void *)(uintptr_t)addresses[0];
    const void *second = (const void *)(uintptr_t)addresses[1];
    __m128d low = _mm_castsi128_pd(_mm_loadl_epi64(first));

    return _mm_castpd_si128(_mm_loadh_pd(low, second));
}

/* The 8 octets at each address; zero where the mask is not set. Eight loads take less than half the
 * time of one gather instruction where that is microcode. */
static inline __attribute__((always_inline)) vec
vec_gather(mask which, vec addresses)
{
    const vec none = _mm512_set1_epi64((long long)(uintptr_t)&nothing);
    uint64_t at[LANES] __attribute__((aligned(64)));
    __m256i low, high;

    _mm512_store_si512(at, _mm512_mask_blend_epi64(which, none, addresses));
    low = _mm256_inserti128_si256(_mm256_castsi128_si256(pair(&at[0])), pair(&at[2]), 1);
    high = _mm256_inserti128_si256(_mm256_castsi128_si256(pair(&at[4])), pair(&at[6]), 1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* Set bits in the low 32 of each lane, by octets' halves. */
static inline __attribute__((always_inline)) vec
vec_popcount32(vec a)
{
    const vec counts =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    const vec half = _mm512_set1_epi8(0x0f);
    vec low = _mm512_shuffle_epi8(counts, _mm512_and_si512(a, half));
    vec high = _mm512_shuffle_epi8(counts, _mm512_and_si512(_mm512_srli_epi64(a, 4), half));

    return _mm512_sad_epu8(_mm512_add_epi8(low, high), _mm512_setzero_si512());
}

#include "lib/table/fib_lookup_vector.h"

void
fib_lookup_avx512(const struct fib *fib, const uint32_t *roots, const uint32_t *addresses,
                  path_t *paths, unsigned n)
{
    lookup4(fib, roots, addresses, paths, n);
}

void
fib_lookup6_avx512(const struct fib *fib, const uint32_t *roots, const uint8_t *const *addresses,
                   path_t *paths, unsigned n)
{
    lookup6(fib, roots, addresses, paths, n);
}
