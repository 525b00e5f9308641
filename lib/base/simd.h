/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Which vector instructions loops may use. Code for each level is compiled always (files named
 * *_avx2.c and *_avx512.c, with their own flags), and chosen once, when a table or a worker is
 * made. All levels give the same results, octet by octet: tests run them side by side.
 */

#include <stdbool.h>

enum simd_level {
    SIMD_SCALAR,
    SIMD_AVX2,
    SIMD_AVX512, /* F, BW, DQ, VL, VBMI: what servers have since 2019 */
    SIMD_LEVELS,
};

/**
 * The best level that this CPU has and that simd_limit() allows. Any thread.
 */
enum simd_level simd_level(void);

/**
 * Allows no level above `highest`, from here on: what was made keeps what was chosen for it.
 * Before threads are started.
 */
void simd_limit(enum simd_level highest);

/** "scalar", "avx2", "avx512". */
const char *simd_level_name(enum simd_level level);

/** The level of a name. @return false if it is none. */
bool simd_level_parse(const char *name, enum simd_level *level);
