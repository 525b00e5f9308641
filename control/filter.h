/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Filter expressions (pcap-filter(7)) for watches: compiled by libpcap, run by workers. */

#include <stdbool.h>

#include <pcap/pcap.h>

#include "lib/ring/watch.h"

#define FILTER_PROBLEM_MAX 256

/* An expression, for each way in which a packet may begin. */
struct filter {
    struct bpf_program programs[WATCH_LINKS];
    bool compiled[WATCH_LINKS]; /* false: it makes no sense for such packets */
};

/**
 * Compiles an expression for packets that begin with an Ethernet header, an IP header, or either.
 * It may name hosts, which are then looked up: may block; helper thread.
 * @param links bits 1 << WATCH_ETHERNET, 1 << WATCH_IP; it must make sense for one of them
 * @return 0, or -EINVAL with `problem` filled: what is wrong, and where.
 */
int filter_compile(struct filter *filter, const char *expression, unsigned links,
                   char problem[FILTER_PROBLEM_MAX]);

/** Frees what was compiled, also after a failure. Any thread. */
void filter_free(struct filter *filter);
