/* SPDX-License-Identifier: BSD-3-Clause */

/* The label array's memory: 8 MiB of address space, pages as labels are used. */

#include "lib/table/label.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#define LABEL_OCTETS (LABEL_SPACE * sizeof(path_t))

int
label_table_init(struct label_table *table)
{
    void *pages = mmap(NULL, LABEL_OCTETS, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (pages == MAP_FAILED) {
        table->paths = NULL;
        return -ENOMEM;
    }
    table->paths = pages;
    return 0;
}

void
label_table_free(struct label_table *table)
{
    if (table->paths != NULL)
        munmap(table->paths, LABEL_OCTETS);
    table->paths = NULL;
}
