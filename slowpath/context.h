/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The slow path's own state; known to the files of this room only. Its thread alone uses it. */

#include <stdatomic.h>

#include "slowpath/frame.h"
#include "slowpath/idle.h"
#include "slowpath/rate_limit.h"
#include "slowpath/slowpath.h"

struct neighbours;

/* How far we are with what is said about our addresses on an underlay port. */
struct announcement {
    const struct port *port; /* compared, never followed: it may be gone */
    struct mac_addr mac;
    uint8_t steps;
    uint64_t due_ms;
};

struct slowpath {
    struct slowpath_config config;
    unsigned reader;                /* its number for reclaim and counters */
    struct counter_block *counters; /* its own block */
    struct neighbours *neighbours;
    struct rate_limit *icmp_errors;     /* by interface id */
    struct rate_limit *icmp_vrf_errors; /* by VRF number */
    struct rate_limit dhcp_log, conflict_log;
    struct rate_limit path_mtus;                  /* what is believed of them */
    struct announcement announcements[PORTS_MAX]; /* by port number */
    uint64_t announce_ms;                         /* when the ports are looked at next */
    uint64_t advertised;                          /* router advertisements: how far nd_turn() is */
    uint64_t now_ms;                              /* of this turn */
    atomic_bool stop;
    uint8_t scratch[FRAME_OCTETS_MAX]; /* a punted frame that came in several segments */
    struct frame reply;                /* the answer in the making */
};

/* A packet from a punt ring. */
struct punted {
    const uint8_t *octets; /* the frame, in one piece */
    size_t here;           /* octets of it that can be read */
    size_t length;         /* octets of the whole frame */
    const struct vif *vif; /* the interface it came from; NULL if it came from the underlay */
};
