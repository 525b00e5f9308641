/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Where a person wants to look: at an interface, a VRF, the far end of tunnels, or the underlay. */

#include <stddef.h>

#include "lib/net/addr.h"

struct control;
struct interface;
struct vrf;

enum place_kind {
    PLACE_VIF = 1 << 0,
    PLACE_VRF = 1 << 1,
    PLACE_ENDPOINT = 1 << 2,
    PLACE_UNDERLAY = 1 << 3,
    PLACE_ALL = 1 << 4,
};

struct place {
    enum place_kind kind;
    const struct interface *interface; /* PLACE_VIF */
    const struct vrf *vrf;             /* PLACE_VRF */
    struct ip_addr endpoint;           /* PLACE_ENDPOINT */
};

#define PLACE_PROBLEM_MAX 160

/**
 * Finds what `text` names: "underlay", "all", an address, the name of an interface or of a VRF; or
 * one of them by force, "vif:NAME", "vrf:NAME", "endpoint:ADDRESS".
 * @param kinds what may be named: enum place_kind, or'ed
 * @return 0; -ENOENT or -EINVAL (it is not clear which one) with `problem` filled. Control thread.
 */
int place_find(const struct control *control, const char *text, unsigned kinds, struct place *place,
               char problem[PLACE_PROBLEM_MAX]);
