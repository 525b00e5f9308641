/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Explaining: one packet through the real stages, with nothing to show for it but their verdicts.
 * It runs on a worker of its own, which has its own counters, meters, rings and packet buffers;
 * what would be sent or punted ends with it. The tables are the shared ones: explaining runs on the
 * control thread, their only writer, which therefore is no reader that anybody must wait for.
 */

#include <stddef.h>

#include "fastpath/fastpath.h"

struct explainer;

/** @return NULL without memory. Control thread. */
struct explainer *explainer_create(const struct fastpath_config *config);
void explainer_destroy(struct explainer *explainer);

/** As fastpath_explain(). */
int explainer_run(struct explainer *explainer, const struct packet_note *note, const void *octets,
                  size_t length, struct trace *trace);
