/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>

#include "fastpath/burst.h"
#include "lib/net/parse.h"

struct worker;

/**
 * Which outer sources are on the allow-list (C49).
 * @param outers the outer headers of `n` <= BURST_PACKETS packets
 * @param allowed filled with a verdict for each
 */
void source_guard(struct worker *worker, const struct ip_view *outers, unsigned n, bool *allowed);
