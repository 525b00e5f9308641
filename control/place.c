/* SPDX-License-Identifier: BSD-3-Clause */

/* Names of places: see place.h. */

#include "control/place.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "control/control.h"

static const struct {
    enum place_kind kind;
    const char *prefix, *name; /* with an article */
} kinds_known[] = {
    { PLACE_VIF, "vif:", "an interface" },
    { PLACE_VRF, "vrf:", "a VRF" },
    { PLACE_ENDPOINT, "endpoint:", "an endpoint" },
    { PLACE_UNDERLAY, NULL, "underlay" },
    { PLACE_ALL, NULL, "all" },
};

#define KINDS (sizeof(kinds_known) / sizeof(kinds_known[0]))

static bool
is_there(const struct control *control, const char *text, enum place_kind kind, struct place *place)
{
    *place = (struct place){ .kind = kind };
    switch (kind) {
    case PLACE_VIF:
        place->interface = interface_find(control->interfaces, text);
        return place->interface != NULL;
    case PLACE_VRF:
        place->vrf = vrf_find(control->vrfs, text);
        return place->vrf != NULL;
    case PLACE_ENDPOINT:
        return ip_addr_parse(text, &place->endpoint) == 0;
    case PLACE_UNDERLAY:
        return strcmp(text, "underlay") == 0;
    case PLACE_ALL:
        return strcmp(text, "all") == 0;
    }
    return false;
}

int
place_find(const struct control *control, const char *text, unsigned kinds, struct place *place,
           char problem[PLACE_PROBLEM_MAX])
{
    const char *found = NULL, *before = "";
    struct place candidate;
    int length = 0;

    for (size_t i = 0; i < KINDS; i++) {
        const char *prefix = kinds_known[i].prefix;

        if ((kinds & kinds_known[i].kind) != 0 && prefix != NULL &&
            strncmp(text, prefix, strlen(prefix)) == 0 &&
            is_there(control, text + strlen(prefix), kinds_known[i].kind, place))
            return 0;
    }
    for (size_t i = 0; i < KINDS; i++) {
        if ((kinds & kinds_known[i].kind) == 0 ||
            !is_there(control, text, kinds_known[i].kind, &candidate))
            continue;
        if (found != NULL) {
            snprintf(problem, PLACE_PROBLEM_MAX,
                     "both %s and %s have this name: put vif: or vrf: before it", found,
                     kinds_known[i].name);
            return -EINVAL;
        }
        found = kinds_known[i].name;
        *place = candidate;
    }
    if (found != NULL)
        return 0;
    for (size_t i = 0; i < KINDS; i++) {
        if ((kinds & kinds_known[i].kind) != 0) {
            length += snprintf(problem + length, PLACE_PROBLEM_MAX - (size_t)length, "%s%s", before,
                               kinds_known[i].name);
            before = " or ";
        }
    }
    snprintf(problem + length, PLACE_PROBLEM_MAX - (size_t)length, " is expected, not %.64s", text);
    return -ENOENT;
}
