/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Inside descriptions: the headers that were read, and the vocabulary of reader and writer. Only
 * lib/net/description*.c include this. */

#include <stdbool.h>
#include <stdint.h>

#include "lib/net/addr.h"
#include "lib/net/description.h"

#define DESCRIPTION_HEADERS_MAX 3 /* a packet, a tunnel, and a tunnel around it */

/* What of a header was not said. */
#define NOT_GIVEN UINT32_MAX

enum shape { SHAPE_OTHER, SHAPE_UDP, SHAPE_TCP, SHAPE_ICMP, SHAPE_GRE, SHAPE_VXLAN };

struct protocol {
    const char *name;
    enum shape shape;
    uint8_t number;
};

/* One IP header and what follows it, as described. Numbers may be NOT_GIVEN. */
struct header {
    const struct protocol *protocol;
    struct ip_addr source, destination;
    uint32_t source_port, destination_port;
    uint32_t ttl, size, id, dscp, ecn, fragment, number, flags, mss, type, code, label;
    bool df, more, has_from, has_to;
    struct mac_addr from, to;
};

/**
 * Reads the headers of a description, the outermost first.
 * @return how many, or 0 with `problem` filled.
 */
unsigned description_read(const char *text, struct header headers[DESCRIPTION_HEADERS_MAX],
                          char problem[DESCRIPTION_PROBLEM_MAX]);

struct description_word {
    const char *name; /* NULL ends a table */
    uint8_t value;
};

static const struct description_word dscp_words[] = {
    { "cs1", 8 },   { "cs2", 16 },  { "cs3", 24 },  { "cs4", 32 },  { "cs5", 40 },  { "cs6", 48 },
    { "cs7", 56 },  { "ef", 46 },   { "af11", 10 }, { "af12", 12 }, { "af13", 14 }, { "af21", 18 },
    { "af22", 20 }, { "af23", 22 }, { "af31", 26 }, { "af32", 28 }, { "af33", 30 }, { "af41", 34 },
    { "af42", 36 }, { "af43", 38 }, { 0 },
};

static const struct description_word ecn_words[] = {
    { "ect1", 1 },
    { "ect0", 2 },
    { "ce", 3 },
    { 0 },
};

static const struct description_word tcp_flag_words[] = {
    { "fin", 0x01 }, { "syn", 0x02 }, { "rst", 0x04 }, { "psh", 0x08 }, { "ack", 0x10 },
    { "urg", 0x20 }, { "ece", 0x40 }, { "cwr", 0x80 }, { 0 },
};
