/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* How many labels have an owner. */

#include "control/labels.h"

static inline bool
count_label(void *count, uint32_t label, const char *owner)
{
    (void)label, (void)owner;
    (*(unsigned *)count)++;
    return true;
}

static inline unsigned
labels_in_use(const struct labels *labels)
{
    unsigned count = 0;

    labels_visit(labels, 0, count_label, &count);
    return count;
}
