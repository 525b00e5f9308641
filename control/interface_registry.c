/* SPDX-License-Identifier: BSD-3-Clause */

/* The interfaces in the order of their names: found by halving, listed from anywhere. */

#include "control/interfaces_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"

/* The index of the first interface whose name is not less than `name`. */
static unsigned
name_index(const struct interfaces *interfaces, const char *name)
{
    unsigned low = 0, high = interfaces->n;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (strcmp(interfaces->by_name[middle]->shown.config.name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct record *
record_find(const struct interfaces *interfaces, const char *name)
{
    unsigned i = name_index(interfaces, name);

    if (i == interfaces->n || strcmp(interfaces->by_name[i]->shown.config.name, name) != 0)
        return NULL;
    return interfaces->by_name[i];
}

int
record_insert(struct interfaces *interfaces, struct record *record)
{
    unsigned i = name_index(interfaces, record->shown.config.name);

    if (interfaces->n == interfaces->room) {
        unsigned room = interfaces->room == 0 ? 64 : interfaces->room * 2;
        struct record **larger = realloc(interfaces->by_name, room * sizeof(struct record *));
        if (larger == NULL)
            return -ENOMEM;
        interfaces->by_name = larger;
        interfaces->room = room;
    }
    memmove(&interfaces->by_name[i + 1], &interfaces->by_name[i],
            (interfaces->n - i) * sizeof(struct record *));
    interfaces->by_name[i] = record;
    interfaces->n++;
    return 0;
}

const struct interface *
interface_find(const struct interfaces *interfaces, const char *name)
{
    struct record *record = record_find(interfaces, name);

    return record == NULL ? NULL : &record->shown;
}

const struct interface *
interface_at(const struct interfaces *interfaces, uint32_t id)
{
    const struct vif *vif = vif_at(&interfaces->control->tables->vifs, id);

    return vif == NULL ? NULL : interface_find(interfaces, vif->name);
}

const struct interface *
interface_after(const struct interfaces *interfaces, const char *name)
{
    unsigned i = name_index(interfaces, name);

    if (i < interfaces->n && strcmp(interfaces->by_name[i]->shown.config.name, name) == 0)
        i++;
    return i < interfaces->n ? &interfaces->by_name[i]->shown : NULL;
}

void
record_remove(struct record *record)
{
    struct interfaces *interfaces = record->interfaces;
    unsigned i = name_index(interfaces, record->shown.config.name);

    memmove(&interfaces->by_name[i], &interfaces->by_name[i + 1],
            (interfaces->n - i - 1) * sizeof(struct record *));
    interfaces->n--;
}
