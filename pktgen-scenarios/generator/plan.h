/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What the generator is to do: a file that `run` makes from a scenario's description. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pktgen-scenarios/generator/stamp.h"

#define PORTS_MAX 4u

/** The frames of a capture, one after the other. */
struct frames {
    uint8_t *octets;
    uint32_t *begins; /* one more than there are frames */
    uint32_t count;
    uint32_t longest;
};

struct stream {
    char name[32];
    unsigned from, to; /* ports */
    double rate;       /* packets a second; 0: as many as are taken */
    bool judged;       /* it is measured, and searched for; else it is only sent */
    struct frames frames;
};

struct plan {
    char devices[PORTS_MAX][256]; /* --vdev of each port */
    unsigned n_ports;
    struct stream streams[STREAMS_MAX];
    unsigned n_streams;
    double seconds, warm_up;
    bool search;       /* for the highest rate without loss, of the judged streams */
    double resolution; /* of the search, as a part of the highest rate */
};

/** Reads a plan and its captures. @return NULL, or what is wrong with it (static text); plan_free()
 * is due in either case. */
const char *plan_read(struct plan *plan, const char *path);

/** Frees what a plan holds. */
void plan_free(struct plan *plan);
