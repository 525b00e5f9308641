/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Label → path: a flat array over the whole label space. A label of ours means one of three things:
 * an interface (PATH_VIF: direct delivery), a VRF's downstream root (PATH_VRF: the default for a
 * VRF label), or a VRF's upstream root (PATH_VRF: a hub or gateway). Which labels are given out is
 * the control thread's affair (control/labels); this table only maps.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "lib/table/path.h"

#define LABEL_SPACE (1u << 20)

struct label_table {
    _Atomic path_t *paths; /* LABEL_SPACE words; written by control, read by workers */
};

/** Maps the array (pages come when they are first written). @return 0 or -ENOMEM. */
int label_table_init(struct label_table *table);
void label_table_free(struct label_table *table);

/** Sets or, with PATH_NONE, clears a label's path. Control thread. */
static inline void
label_set(struct label_table *table, uint32_t label, path_t path)
{
    atomic_store_explicit(&table->paths[label], path, memory_order_release);
}

/** The path of a label (< LABEL_SPACE); PATH_NONE if it is not ours. Any thread. */
static inline path_t
label_get(const struct label_table *table, uint32_t label)
{
    return atomic_load_explicit(&table->paths[label], memory_order_acquire);
}
