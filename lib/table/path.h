/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A path: what happens to a packet next, in one 64-bit word. It is the value of a route's leaf, of
 * a label and of a bucket of an ECMP set, and is replaced by one store.
 *
 *   bits 0-3 kind · bits 4-31 target · bits 32-51 label (tunnels only)
 */

#include <stdint.h>

typedef uint64_t path_t;

enum path_kind {
    PATH_NONE,    /* no route, or an unknown label */
    PATH_VIF,     /* target: virtual interface; deliver to it */
    PATH_TUNNEL,  /* target: endpoint; encapsulate with `label` */
    PATH_VRF,     /* target: FIB root; look up there (VRF label, hub, leaking) */
    PATH_ECMP,    /* target: ECMP set; choose by the flow */
    PATH_GATEWAY, /* the first-hop router's own address: the slow path answers */
    PATH_KINDS,
};

#define PATH_TARGET_MAX ((1u << 28) - 1)

/** A path. `target` <= PATH_TARGET_MAX is an index of the table that the kind says; `label` is the
 * one to push, 20 bits, 0 where the kind has none. */
static inline path_t
path_make(enum path_kind kind, uint32_t target, uint32_t label)
{
    return (path_t)kind | (path_t)target << 4 | (path_t)label << 32;
}

static inline enum path_kind
path_kind(path_t path)
{
    return (enum path_kind)(path & 0xf);
}

static inline uint32_t
path_target(path_t path)
{
    return (uint32_t)(path >> 4) & PATH_TARGET_MAX;
}

static inline uint32_t
path_label(path_t path)
{
    return (uint32_t)(path >> 32);
}
