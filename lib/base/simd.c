/* SPDX-License-Identifier: BSD-3-Clause */

/* Which vector instructions loops may use: see simd.h. */

#include "lib/base/simd.h"

#include <string.h>

static const char *const names[SIMD_LEVELS] = {
    [SIMD_SCALAR] = "scalar",
    [SIMD_AVX2] = "avx2",
    [SIMD_AVX512] = "avx512",
};

static enum simd_level highest_allowed = SIMD_AVX512;

static enum simd_level
best_of_cpu(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vbmi"))
        return SIMD_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
        return SIMD_AVX2;
#endif
    return SIMD_SCALAR;
}

enum simd_level
simd_level(void)
{
    const enum simd_level best = best_of_cpu();

    return best < highest_allowed ? best : highest_allowed;
}

void
simd_limit(enum simd_level highest)
{
    highest_allowed = highest;
}

const char *
simd_level_name(enum simd_level level)
{
    return names[level];
}

bool
simd_level_parse(const char *name, enum simd_level *level)
{
    for (unsigned i = 0; i < SIMD_LEVELS; i++) {
        if (strcmp(name, names[i]) == 0) {
            *level = (enum simd_level)i;
            return true;
        }
    }
    return false;
}
