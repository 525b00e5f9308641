/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>

#include "fastpath/tunnels.h"
#include "lib/net/parse.h"

struct worker;

/**
 * Drops the packets of a burst whose outer sources are not on the allow-list (C49).
 * @return those that are gone, a bit each
 */
uint64_t source_guard(struct worker *worker, const struct burst *burst,
                      const struct tunnels *tunnels);

/** Whether the source of an outer header is on the allow-list. */
bool source_is_allowed(const struct worker *worker, const struct ip_view *outer);
