/* SPDX-License-Identifier: BSD-3-Clause */

/* The express lane's levels: tunnel_express.c, as it was compiled for each of them. */

#include "fastpath/tunnel_express.h"

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
