/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Inside trace_json: what is read from the packets of a trace. */

#include "control/trace_json.h"
#include "lib/net/addr.h"

#define TRACE_TEXT_MAX 400
#define TRACE_RATE_MAX 80

enum trace_direction { TRACE_FROM_GUEST, TRACE_TO_GUEST };

struct vif;

/** Sets a member of a step. */
static inline void
set_text(json_t *step, const char *key, const char *value)
{
    json_object_set_new(step, key, json_string(value));
}

static inline void
set_number(json_t *step, const char *key, uint64_t value)
{
    json_object_set_new(step, key, json_integer((json_int_t)value));
}

/** The addresses of the tenant's packet, the one that is looked up. @return false if it has none.
 */
bool traced_addresses(const struct traced *traced, struct ip_addr *source,
                      struct ip_addr *destination);

/** How much of an interface's rate is used at this moment: ", rate 12 % used (500 packets/s)", or
 * nothing where none is set. */
void traced_rate_to_json(struct control *control, const struct vif *vif,
                         enum trace_direction direction, json_t *step, char text[TRACE_RATE_MAX]);

/** Describes a frame that was sent, from its own octets. */
void traced_send_to_json(struct control *control, const struct traced *traced,
                         const struct trace_step *send, json_t *step, char text[TRACE_TEXT_MAX]);
