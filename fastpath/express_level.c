/* SPDX-License-Identifier: BSD-3-Clause */

/* The express lane's levels: express.c, as it was compiled for each of them. */

#include "fastpath/express.h"

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
