/* SPDX-License-Identifier: BSD-3-Clause */

/* Looking up with AVX2, four addresses in a vector: see fib_lookup_vector.h. */

#include <immintrin.h>

#include "lib/table/fib_lookup.h"

#define LANES 4u

typedef __m256i vec;
typedef __m256i mask; /* all bits of a lane, or none */

#define vec_set1(a)        _mm256_set1_epi64x(a)
#define vec_load(p)        _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define vec_load32(p)      _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(p)))
#define vec_store(p, a)    _mm256_storeu_si256((__m256i *)(void *)(p), a)
#define vec_add(a, b)      _mm256_add_epi64(a, b)
#define vec_sub(a, b)      _mm256_sub_epi64(a, b)
#define vec_and(a, b)      _mm256_and_si256(a, b)
#define vec_andnot(a, b)   _mm256_andnot_si256(a, b)
#define vec_or(a, b)       _mm256_or_si256(a, b)
#define vec_xor(a, b)      _mm256_xor_si256(a, b)
#define vec_slli(a, n)     _mm256_slli_epi64(a, n)
#define vec_srli(a, n)     _mm256_srli_epi64(a, n)
#define vec_sllv(a, n)     _mm256_sllv_epi64(a, n)
#define vec_srlv(a, n)     _mm256_srlv_epi64(a, n)
#define vec_min8(a)        _mm256_min_epu32(a, _mm256_set1_epi64x(8))
#define vec_eq(a, b)       _mm256_cmpeq_epi64(a, b)
#define vec_blend(m, a, b) _mm256_blendv_epi8(a, b, m)
#define vec_keep(m, a)     _mm256_and_si256(m, a)
#define mask_and(a, b)     _mm256_and_si256(a, b)
#define mask_or(a, b)      _mm256_or_si256(a, b)
#define mask_andnot(a, b)  _mm256_andnot_si256(a, b)
#define mask_any(a)        (!_mm256_testz_si256(a, a))
#define mask_all()         _mm256_set1_epi64x(-1)

static inline __attribute__((always_inline)) mask
vec_test(vec a, vec b)
{
    return _mm256_xor_si256(_mm256_cmpeq_epi64(_mm256_and_si256(a, b), _mm256_setzero_si256()),
                            _mm256_set1_epi64x(-1));
}

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

/* The 8 octets at each address; zero where the mask is not set. Loads take less time than a gather
 * instruction where that is microcode. */
static inline __attribute__((always_inline)) vec
vec_gather(mask which, vec addresses)
{
    const vec none = _mm256_set1_epi64x((long long)(uintptr_t)&nothing);
    uint64_t at[LANES] __attribute__((aligned(32)));

    _mm256_store_si256((__m256i *)(void *)at, _mm256_blendv_epi8(none, addresses, which));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(pair(&at[0])), pair(&at[2]), 1);
}

/* Set bits in the low 32 of each lane, by octets' halves. */
static inline __attribute__((always_inline)) vec
vec_popcount32(vec a)
{
    const vec counts =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    const vec half = _mm256_set1_epi8(0x0f);
    vec low = _mm256_shuffle_epi8(counts, _mm256_and_si256(a, half));
    vec high = _mm256_shuffle_epi8(counts, _mm256_and_si256(_mm256_srli_epi64(a, 4), half));

    return _mm256_sad_epu8(_mm256_add_epi8(low, high), _mm256_setzero_si256());
}

#include "lib/table/fib_lookup_vector.h"

void
fib_lookup_avx2(const struct fib *fib, const uint32_t *roots, const uint32_t *addresses,
                path_t *paths, unsigned n)
{
    lookup4(fib, roots, addresses, paths, n);
}

void
fib_lookup6_avx2(const struct fib *fib, const uint32_t *roots, const uint8_t *const *addresses,
                 path_t *paths, unsigned n)
{
    lookup6(fib, roots, addresses, paths, n);
}
