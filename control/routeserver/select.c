/* SPDX-License-Identifier: BSD-3-Clause */

/* Which of several paths to a prefix a VRF uses, and why. */

#include "control/routeserver/rib.h"

int
rib_compare(const struct rib_publication *a, const struct rib_publication *b)
{
    if (a->route->local_preference != b->route->local_preference)
        return a->route->local_preference > b->route->local_preference ? 1 : -1;
    if (a->route->sequence_number != b->route->sequence_number)
        return a->route->sequence_number > b->route->sequence_number ? 1 : -1;
    return (a->serial > b->serial) - (a->serial < b->serial);
}

const struct rib_path *
rib_select(const struct rib_route *route)
{
    const struct rib_path *best = NULL, *path;

    LIST_FOREACH(path, &route->paths, of_route)
    {
        if (best == NULL || rib_compare(path->publication, best->publication) > 0)
            best = path;
    }
    return best;
}

const char *
rib_why(const struct rib_route *route)
{
    const struct rib_publication *best = route->best->publication, *second = NULL;
    const struct rib_path *path;

    LIST_FOREACH(path, &route->paths, of_route)
    {
        if (path != route->best && (second == NULL || rib_compare(path->publication, second) > 0))
            second = path->publication;
    }
    if (second == NULL)
        return "only path";
    if (best->route->local_preference != second->route->local_preference)
        return "higher local-preference";
    if (best->route->sequence_number != second->route->sequence_number)
        return "newer sequence-number";
    return "more recent";
}
