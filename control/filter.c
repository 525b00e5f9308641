/* SPDX-License-Identifier: BSD-3-Clause */

/* Filter expressions: see filter.h. libpcap tells what is wrong but not always where, and a person
 * who wrote three lines of it wants to know: the place is found by what it says about the parts. */

#include "control/filter.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/filter.h>

/* The most parts of an expression that are tried to find out where it is wrong. */
#define ATTEMPTS_MAX 64

/* @return true with `program`, or false with libpcap's text in `problem`. */
static bool
compile(const char *expression, enum watch_link link, struct bpf_program *program,
        char problem[FILTER_PROBLEM_MAX])
{
    pcap_t *handle =
        pcap_open_dead(link == WATCH_ETHERNET ? DLT_EN10MB : DLT_RAW, WATCH_SNAPLEN_MAX);
    bool compiled;

    if (handle == NULL) {
        snprintf(problem, FILTER_PROBLEM_MAX, "no memory");
        return false;
    }
    compiled = pcap_compile(handle, program, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
    if (!compiled)
        snprintf(problem, FILTER_PROBLEM_MAX, "%s", pcap_geterr(handle));
    pcap_close(handle);
    return compiled;
}

/* What only the kernel could answer: a program that asks never lets a packet pass. */
static bool
asks_the_kernel(const struct bpf_program *program)
{
    for (unsigned i = 0; i < program->bf_len; i++) {
        const struct bpf_insn *each = &program->bf_insns[i];

        if (BPF_CLASS(each->code) == BPF_LD && BPF_MODE(each->code) == BPF_ABS &&
            each->k >= (uint32_t)SKF_AD_OFF)
            return true;
    }
    return false;
}

/* True if a word or a parenthesis ends before `end`. */
static bool
ends_at(const char *expression, size_t end)
{
    const char before = expression[end - 1], after = expression[end];

    return !isspace((unsigned char)before) &&
           (before == ')' || after == ')' || isspace((unsigned char)after));
}

/* The characters of the longest part of the expression, from its beginning, that is right by
 * itself; 0 if there is none. */
static size_t
right_up_to(const char *expression, enum watch_link link)
{
    char *prefix = strdup(expression), ignored[FILTER_PROBLEM_MAX];
    unsigned attempts = 0;
    struct bpf_program program;
    size_t end = prefix == NULL ? 0 : strlen(prefix);

    while (end > 0 && --end > 0 && attempts < ATTEMPTS_MAX) {
        if (!ends_at(expression, end))
            continue;
        attempts++;
        prefix[end] = '\0';
        if (compile(prefix, link, &program, ignored)) {
            pcap_freecode(&program);
            break;
        }
    }
    free(prefix);
    return attempts < ATTEMPTS_MAX ? end : 0;
}

/* Adds to libpcap's text where in the expression it is about. */
static void
add_place(const char *expression, enum watch_link link, char problem[FILTER_PROBLEM_MAX])
{
    const char *from = strchr(problem, '\''), *to = strrchr(problem, '\'');
    const size_t length = strlen(problem), name = from == NULL ? 0 : (size_t)(to - from);
    char word[FILTER_PROBLEM_MAX];
    const char *place = NULL;

    if (strstr(problem, "syntax error") != NULL) {
        place = expression + right_up_to(expression, link);
        place += strspn(place, " \t\n");
        snprintf(problem, FILTER_PROBLEM_MAX, "syntax error at character %zu: '%.60s'",
                 (size_t)(place - expression) + 1, place);
        return;
    }
    if (name > 1) {
        snprintf(word, sizeof(word), "%.*s", (int)name - 1, from + 1);
        place = strstr(expression, word);
    }
    if (place != NULL)
        snprintf(problem + length, FILTER_PROBLEM_MAX - length, " at character %zu",
                 (size_t)(place - expression) + 1);
}

int
filter_compile(struct filter *filter, const char *expression, unsigned links,
               char problem[FILTER_PROBLEM_MAX])
{
    bool any = false;

    memset(filter, 0, sizeof(*filter));
    problem[0] = '\0';
    for (unsigned link = 0; link < WATCH_LINKS; link++) {
        char said[FILTER_PROBLEM_MAX];
        struct bpf_program *program = &filter->programs[link];

        if ((links & 1u << link) == 0)
            continue;
        filter->compiled[link] = compile(expression, (enum watch_link)link, program, said);
        if (filter->compiled[link] && asks_the_kernel(program)) {
            pcap_freecode(program);
            filter->compiled[link] = false;
            snprintf(said, sizeof(said), "inbound, outbound and ifname are not known here");
        } else if (!filter->compiled[link]) {
            add_place(expression, (enum watch_link)link, said);
        }
        if (!filter->compiled[link] && problem[0] == '\0')
            snprintf(problem, FILTER_PROBLEM_MAX, "%s", said);
        any |= filter->compiled[link];
    }
    return any ? 0 : -EINVAL;
}

void
filter_free(struct filter *filter)
{
    for (unsigned link = 0; link < WATCH_LINKS; link++) {
        if (filter->compiled[link])
            pcap_freecode(&filter->programs[link]);
        filter->compiled[link] = false;
    }
}
