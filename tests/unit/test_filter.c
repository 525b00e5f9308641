/* SPDX-License-Identifier: BSD-3-Clause */

/* control/filter.h: expressions compiled for both kinds of packets, and what is wrong in one told
 * with its place. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "control/filter.h"
#include "lib/net/description.h"

#define ETHERNET (1u << WATCH_ETHERNET)
#define IP       (1u << WATCH_IP)

static bool
passes(const struct filter *filter, enum watch_link link, const char *description)
{
    static struct description built;
    uint8_t frame[14 + 256] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0 };
    char problem[DESCRIPTION_PROBLEM_MAX];

    assert_int_equal(description_build(description, &built, problem), 0);
    memcpy(frame + 14, built.packet, built.length);

    const uint8_t *packet = link == WATCH_ETHERNET ? frame : frame + 14;
    const unsigned length = (unsigned)built.length + (link == WATCH_ETHERNET ? 14 : 0);

    return bpf_filter(filter->programs[link].bf_insns, packet, length, length) != 0;
}

static void
an_expression_is_compiled_for_frames_and_for_packets(void **state)
{
    char problem[FILTER_PROBLEM_MAX];
    struct filter filter;
    (void)state;

    assert_int_equal(
        filter_compile(&filter, "udp port 53 and host 10.0.0.1", ETHERNET | IP, problem), 0);
    for (unsigned link = 0; link < WATCH_LINKS; link++) {
        assert_true(filter.compiled[link]);
        assert_true(passes(&filter, link, "udp 10.0.0.1 > 10.0.0.2:53"));
        assert_false(passes(&filter, link, "udp 10.0.0.1 > 10.0.0.2:54"));
        assert_false(passes(&filter, link, "udp 10.0.0.3 > 10.0.0.2:53"));
        assert_false(passes(&filter, link, "tcp 10.0.0.1 > 10.0.0.2:53"));
    }
    filter_free(&filter);
}

static void
what_makes_sense_for_frames_alone_is_left_out_for_packets(void **state)
{
    char problem[FILTER_PROBLEM_MAX];
    struct filter filter;
    (void)state;

    assert_int_equal(filter_compile(&filter, "ether src 02:00:00:00:00:01", ETHERNET | IP, problem),
                     0);
    assert_true(filter.compiled[WATCH_ETHERNET]);
    assert_false(filter.compiled[WATCH_IP]);
    assert_true(passes(&filter, WATCH_ETHERNET, "icmp 10.0.0.1 > 10.0.0.2"));
    filter_free(&filter);
    assert_int_equal(filter_compile(&filter, "ether src 02:00:00:00:00:01", IP, problem), -EINVAL);
    assert_non_null(strstr(problem, "ethernet addresses supported only on"));
    filter_free(&filter);
}

static void
what_is_wrong_is_told_with_its_place(void **state)
{
    static const struct {
        const char *expression, *problem;
    } cases[] = {
        { "udp and prot 53", "syntax error at character 5: 'and prot 53'" },
        { "udp prt 53", "syntax error at character 5: 'prt 53'" },
        { "udp port", "syntax error at character 5: 'port'" },
        { "(udp", "syntax error at character 1: '(udp'" },
        { "udp)", "syntax error at character 4: ')'" },
        { "(udp or tcp) an port 53", "syntax error at character 14: 'an port 53'" },
        { "@@", "syntax error at character 1: '@@'" },
        { "udp and host 10.0.0.256", "invalid IPv4 address '10.0.0.256' at character 14" },
        { "port nothing", "unknown port 'nothing' at character 6" },
        { "udp port 99999", "illegal port number 99999 > 65535" },
        { "net 10.0.0.0/33", "mask length must be <= 32" },
        { "inbound and udp", "inbound, outbound and ifname are not known here" },
    };
    char problem[FILTER_PROBLEM_MAX];
    struct filter filter;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(filter_compile(&filter, cases[i].expression, ETHERNET | IP, problem),
                         -EINVAL);
        assert_string_equal(problem, cases[i].problem);
        filter_free(&filter);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_expression_is_compiled_for_frames_and_for_packets),
        cmocka_unit_test(what_makes_sense_for_frames_alone_is_left_out_for_packets),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
