/* SPDX-License-Identifier: BSD-3-Clause */

/* Names, texts and rates of drop and punt reasons, from the two lists. */

#include "lib/stats/reasons.h"

static const struct {
    const char *name, *text;
} drops[DROP_REASONS] = {
#define DROP(enumerator, name, text) [DROP_##enumerator] = { name, text },
#include "lib/stats/drops.def"
#undef DROP
};

static const struct {
    const char *name;
    struct punt_rate rate;
} punts[PUNT_REASONS] = {
#define PUNT(enumerator, name, rate, burst) [PUNT_##enumerator] = { name, { rate, burst } },
#include "lib/stats/punts.def"
#undef PUNT
};

const char *
drop_reason_name(enum drop_reason reason)
{
    return drops[reason].name;
}

const char *
drop_reason_text(enum drop_reason reason)
{
    return drops[reason].text;
}

const char *
punt_reason_name(enum punt_reason reason)
{
    return punts[reason].name;
}

struct punt_rate
punt_reason_rate(enum punt_reason reason)
{
    return punts[reason].rate;
}
