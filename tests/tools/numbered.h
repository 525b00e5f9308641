/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What both ends of numbered packets have in common: see numbered.c. */

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define MAGIC       0x4e554d42u /* "NUMB" */
#define BATCH       16
#define PAYLOAD_MAX 8192
#define FLOWS_MAX   64
#define NUMBERS_MAX (UINT64_C(1) << 30) /* 128 MiB of bits */
#define PROGRESS_NS (250 * INT64_C(1000000))

enum kind { KIND_DATA = 1, KIND_CREDIT = 2, KIND_FINISH = 3, KIND_ACCOUNT = 4 };

/* What both ends send, in the byte order of the host: they run on one machine. */
struct message {
    uint32_t magic;
    uint32_t kind;
    uint64_t run;    /* tells one sender's run from an older one's */
    uint64_t number; /* data: from 0; finish: how many there were; credit: what no flow waits for */
    uint64_t received;
    uint64_t duplicated;
    uint64_t reordered;
    int64_t longest_gap_ns;
    int64_t gap_started_ns; /* since the first packet */
};

struct options {
    struct sockaddr_in from;
    struct sockaddr_in to;
    size_t size;
    unsigned window;
    unsigned flows; /* to as many ports, from the one that is named */
    double seconds; /* 0: until told */
};

/* Set by a signal. */
extern volatile sig_atomic_t told_to_stop;

/** The monotonic clock. */
int64_t now_ns(void);

/** A UDP socket at this address, with large buffers. Ends the program if there is none. */
int open_socket(const struct sockaddr_in *local);

/** The address with the port of this flow: so many ports behind its own. */
struct sockaddr_in with_port_of_flow(struct sockaddr_in address, uint64_t flow);

/** Waits for one of `n` sockets, `ns` at most. @return whether one is readable. */
bool wait_readable(struct pollfd *sockets, unsigned n, int64_t ns);

/** Receives and answers until told to stop. @return the program's exit status. */
int receive(const struct options *options);

/** Sends until told to stop, and reports. @return the program's exit status. */
int send_all(const struct options *options);
