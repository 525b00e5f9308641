/* SPDX-License-Identifier: BSD-3-Clause */

/* The levels of the express lanes: their files, as they were compiled for each of them. */

#include "fastpath/express.h"
#include "fastpath/tunnel_express.h"

express_test *
express_test_of(enum simd_level level)
{
#ifdef __x86_64__
    if (level == SIMD_AVX512)
        return express_test_avx512;
    if (level == SIMD_AVX2)
        return express_test_avx2;
#endif
    (void)level;
    return express_test_scalar;
}

tunnel_express_test *
tunnel_express_of(enum simd_level level)
{
#ifdef __x86_64__
    if (level == SIMD_AVX512)
        return tunnel_express_avx512;
    if (level == SIMD_AVX2)
        return tunnel_express_avx2;
#endif
    (void)level;
    return tunnel_express_scalar;
}
