/* SPDX-License-Identifier: BSD-3-Clause */

/* Filter expressions, put together from the words of the language, right and wrong: each is
 * compiled or refused with a text, and what was compiled reads no packet beyond its end. Names of
 * hosts are left out: they would be looked up. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/filter.h"

#define EXPRESSION_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const words[] = {
    "udp",
    "tcp",
    "icmp",
    "ip",
    "ip6",
    "arp",
    "ether",
    "src",
    "dst",
    "host",
    "net",
    "port",
    "portrange",
    "proto",
    "vlan",
    "mpls",
    "and",
    "or",
    "not",
    "!",
    "&&",
    "||",
    "(",
    ")",
    "[",
    "]",
    ":",
    "+",
    "-",
    "*",
    "/",
    "&",
    "|",
    "<",
    ">",
    "=",
    "!=",
    "<<",
    "len",
    "10.0.0.1",
    "10.0.0.0/8",
    "2001:db8::1",
    "02:00:00:00:00:01",
    "0",
    "1",
    "53",
    "65536",
    "4294967295",
    "tcpflags",
    "tcp-syn",
    "inbound",
    "broadcast",
    "multicast",
    "less",
    "greater",
    "'",
    "\\",
    "\"",
    "gateway",
    "ip[2:2]",
    "tcp[13]",
    "icmp6",
};

#define WORDS (sizeof(words) / sizeof(words[0]))

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char expression[EXPRESSION_MAX] = "", problem[FILTER_PROBLEM_MAX];
    struct filter filter;
    size_t length = 0, used = 0;

    while (used < size && length + 24 < sizeof(expression)) {
        const char *word = words[data[used++] % WORDS];

        length += (size_t)snprintf(expression + length, sizeof(expression) - length, "%s ", word);
    }
    memset(problem, 0x55, sizeof(problem));
    if (filter_compile(&filter, expression, 3, problem) != 0 &&
        (memchr(problem, '\0', sizeof(problem)) == NULL || problem[0] == '\0'))
        abort();
    for (unsigned link = 0; link < WATCH_LINKS; link++) {
        for (size_t cut = 0; filter.compiled[link] && cut <= size; cut += 1 + cut / 2) {
            uint8_t *exact = malloc(cut == 0 ? 1 : cut);

            if (exact == NULL)
                break;
            memcpy(exact, data, cut);
            (void)bpf_filter(filter.programs[link].bf_insns, exact, (unsigned)size, (unsigned)cut);
            free(exact);
        }
    }
    filter_free(&filter);
    return 0;
}
