/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Watches: what somebody wants to see of live traffic, as traces or as captured packets.
 *
 * The control thread makes a watch and publishes the set of all with one store; workers look at the
 * set once a turn, and forward as ever while it is NULL. Each worker writes what a watch sees into
 * a ring of its own, from which the control thread takes it; a full ring loses records, counted,
 * and never makes a worker wait. A watch that is taken away is freed after grace.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/net/addr.h"
#include "lib/ring/rings.h"
#include "lib/ring/trace.h"

struct bpf_insn;
struct watch_ring;

#define WATCHES_MAX           8
#define WATCH_RING_OCTETS     (1u << 20) /* of each worker */
#define WATCH_SNAPLEN_MAX     10240      /* octets of the largest frame */
#define WATCH_TRACE_OCTETS    192        /* kept of a traced packet, and of each frame it becomes */
#define WATCH_TRACES_A_SECOND 1000       /* of one worker for one watch */
#define WATCH_TRACES_AT_ONCE  100

enum watch_kind { WATCH_TRACE, WATCH_CAPTURE };

enum watch_where {
    WATCH_ALL, /* traces only */
    WATCH_VIF,
    WATCH_ENDPOINT,
    WATCH_UNDERLAY,
};

/* Which side of the encapsulation: the tenant's packet, or the frame on the underlay. */
enum watch_side { WATCH_INNER, WATCH_OUTER };

/* How a packet begins. */
enum watch_link { WATCH_ETHERNET, WATCH_IP };
#define WATCH_LINKS 2

/* A filter for packets that begin so. */
struct watch_filter {
    const struct bpf_insn *program; /* of libpcap; NULL: all pass */
    bool never;                     /* the expression makes no sense here: none pass */
};

/* Immutable once published, but for the rings. */
struct watch {
    uint8_t kind;            /* enum watch_kind */
    uint8_t where;           /* enum watch_where */
    uint8_t side;            /* enum watch_side */
    uint32_t vif;            /* WATCH_VIF */
    struct ip_addr endpoint; /* WATCH_ENDPOINT */
    uint32_t snaplen;        /* octets kept of a packet */
    struct watch_filter filters[WATCH_LINKS];
    unsigned n_rings;
    struct watch_ring *rings[WORKERS_MAX]; /* by worker */
};

struct watch_set {
    unsigned n;
    uint32_t keep; /* octets: the largest snaplen */
    struct watch *watches[WATCHES_MAX];
};

/* Where workers find the set. */
struct watch_board {
    _Atomic(struct watch_set *) set; /* NULL: nobody watches. Control writes, workers read */
};

enum watch_direction { WATCH_IN, WATCH_OUT };

/*
 * What a watch has seen: this, the steps, the packet's beginning, and the beginnings of the frames
 * of the steps (whose `at` counts from the first of them). A captured packet has one step, what
 * became of it in the end, or none if nobody knows yet; and no frames.
 */
struct watch_record {
    uint32_t octets;   /* of the record, a multiple of 8 */
    uint8_t direction; /* enum watch_direction, as the vRouter sees it */
    uint8_t link;      /* enum watch_link */
    bool padding;      /* this record is not one: the ring begins again */
    bool more;         /* there were more steps */
    uint64_t tsc;
    uint32_t vif; /* it came in through this interface, or VIF_NONE */
    uint16_t port;
    uint16_t n_steps;
    uint32_t length, kept; /* of the packet: as it was, and what is here of it */
    uint32_t frames;       /* octets of the frames */
    struct trace_step steps[];
};

/** The packet and the frames behind a record's steps. */
static inline uint8_t *
watch_record_packet(struct watch_record *record)
{
    return (uint8_t *)&record->steps[record->n_steps];
}

static inline uint8_t *
watch_record_frames(struct watch_record *record)
{
    return watch_record_packet(record) + record->kept;
}

/** Makes the rings of a watch, one for each worker. @return 0 or -ENOMEM. Control thread. */
int watch_rings_create(struct watch *watch, unsigned n_workers);

/** Frees them: nobody sees the watch any more. */
void watch_rings_destroy(struct watch *watch);

/** The oldest record of the watch, over all its rings, by time; NULL if there is none now. It stays
 * until watch_release(). Control thread. */
struct watch_record *watch_oldest(struct watch *watch, unsigned *ring);
void watch_release(struct watch *watch, unsigned ring);

/** Records that did not fit, or came faster than a trace may. Control thread. */
uint64_t watch_lost(const struct watch *watch);
