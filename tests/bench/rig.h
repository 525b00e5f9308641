/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What benches of the fast path share: an environment on one core, a source that gives the same
 * frames for ever (net_pcap, which copies each packet of a file into a fresh buffer), and a clock.
 * Several ways to handle the frames are measured in one process, by turns, in short slices: on a
 * machine with other work to do, what happens to one of them happens to all.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mempool.h>

#include "fastpath/fastpath.h"

#define RIG_SLICES        601u
#define RIG_SLICE_PACKETS 2048u /* all that a slice takes from its source */

#define RIG_FRAME_OCTETS 64u /* of a guest, without the frame check sequence */

/** Ends the program with a text unless it holds. */
void must(bool holds, const char *what);

/** Starts DPDK without files, huge pages or devices. @return a pool for `packets` small packets. */
struct rte_mempool *rig_begin(char *program, unsigned packets);

/** Removes what was made on disk. */
void rig_end(void);

/**
 * A guest's frame: UDP with a port for each flow.
 * @param source, destination IPv4, host order
 */
void rig_guest_frame(uint8_t frame[RIG_FRAME_OCTETS], uint32_t source, uint32_t destination,
                     unsigned flow);

/** Makes a source: its frames one by one, then the DPDK port that gives them for ever. */
void rig_source_begin(const char *name);
void rig_source_add(const uint8_t *octets, size_t length);
uint16_t rig_source_open(struct rte_mempool *pool);
void rig_source_close(uint16_t source);

/* One way to handle a burst from a source; packets it takes are its own. */
struct rig_way {
    void (*turn)(void *argument, uint16_t source);
    void *argument;
};

/* Cycles a packet. */
struct rig_cycles {
    double median, fifth; /* percentile */
};

/** Measures `n` ways on one source, by turns, in slices of RIG_SLICE_PACKETS. */
void rig_measure(const struct rig_way *ways, unsigned n, uint16_t source,
                 struct rig_cycles *cycles);

/** The way of source and sink alone: frames go to the DPDK port at `argument`, a uint16_t. */
void rig_turn_bare(void *argument, uint16_t source);
