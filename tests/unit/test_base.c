/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/base: strict numbers, the hash table, files that are replaced as a whole. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/hmap.h"
#include "lib/base/simd.h"
#include "lib/base/text.h"

static void
numbers_are_digits_only(void **state)
{
    uint32_t value = 7;
    (void)state;

    assert_int_equal(text_parse_u32("4294967295", UINT32_MAX, &value), 0);
    assert_int_equal(value, UINT32_MAX);
    assert_int_equal(text_parse_u32("4294967296", UINT32_MAX, &value), -ERANGE);
    assert_int_equal(text_parse_u32("99999999999999999999999", UINT32_MAX, &value), -ERANGE);
    assert_int_equal(text_parse_u32("", 9, &value), -EINVAL);
    assert_int_equal(text_parse_u32("-1", 9, &value), -EINVAL);
    assert_int_equal(text_parse_u32("+1", 9, &value), -EINVAL);
    assert_int_equal(text_parse_u32(" 1", 9, &value), -EINVAL);
    assert_int_equal(text_parse_u32("1 ", 9, &value), -EINVAL);
    assert_int_equal(text_parse_u32("0x1", 9, &value), -EINVAL);
    assert_int_equal(value, UINT32_MAX);
}

static void
rates_have_units_in_powers_of_ten(void **state)
{
    static const struct {
        const char *text;
        int result;
        uint64_t bits;
    } cases[] = {
        { "64kbit", 0, 64000 },
        { "100Mbit", 0, 100000000 },
        { "1Gbit", 0, 1000000000 },
        { "8000bit", 0, 8000 },
        { "8000", 0, 8000 },
        { "0", 0, 0 },
        { "1gbit", -EINVAL, 0 },
        { "1 Gbit", -EINVAL, 0 },
        { "Gbit", -EINVAL, 0 },
        { "-1kbit", -EINVAL, 0 },
        { "1kbits", -EINVAL, 0 },
        { "", -EINVAL, 0 },
        { "1000Gbit", 0, 1000000000000 },
        { "1001Gbit", -ERANGE, 0 },
        { "9999999999999999999999999kbit", -ERANGE, 0 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t bits = 7;

        assert_int_equal(text_parse_bit_rate(cases[i].text, 1000000000000, &bits), cases[i].result);
        assert_int_equal(bits, cases[i].result == 0 ? cases[i].bits : 7);
    }
}

static void
names_are_bounded_ascii(void **state)
{
    (void)state;
    assert_true(text_is_ascii_name("red", 3));
    assert_false(text_is_ascii_name("redd", 3));
    assert_false(text_is_ascii_name("", 3));
    assert_false(text_is_ascii_name("r d", 3));
    assert_false(text_is_ascii_name("r\xc3\xa9", 9));
}

struct member {
    struct hmap_node node;
    uint32_t key;
};

static void
a_hash_table_holds_what_was_added(void **state)
{
    enum { MEMBERS = 1000 };
    static struct member members[MEMBERS];
    struct hmap map = HMAP_EMPTY;
    unsigned seen = 0;
    (void)state;

    for (uint32_t i = 0; i < MEMBERS; i++) {
        members[i].key = i;
        assert_int_equal(hmap_add(&map, &members[i].node, hmap_hash(&i, sizeof(i))), 0);
    }
    for (uint32_t i = 0; i < MEMBERS; i += 2)
        hmap_remove(&map, &members[i].node);
    assert_int_equal(map.count, MEMBERS / 2);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        struct hmap_node *node = hmap_first_same(&map, hmap_hash(&i, sizeof(i)));
        while (node != NULL && hmap_entry(node, struct member, node)->key != i)
            node = hmap_next_same(node);
        assert_int_equal(node != NULL, i % 2);
    }
    for (struct hmap_node *node = hmap_first(&map); node != NULL; node = hmap_next(&map, node))
        seen++;
    assert_int_equal(seen, MEMBERS / 2);
    hmap_clear(&map);
    assert_null(hmap_first(&map));
}

static void
a_file_is_replaced_as_a_whole(void **state)
{
    char directory[] = "/tmp/millrace-test-XXXXXX", path[64], aside[80];
    char *data;
    size_t length;
    (void)state;

    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/state", directory);
    snprintf(aside, sizeof(aside), "%s.corrupt", path);

    assert_int_equal(file_read(path, 100, &data, &length), -ENOENT);
    assert_int_equal(file_write_atomic(path, "one", 3), 0);
    assert_int_equal(file_write_atomic(path, "twelve", 6), 0);
    assert_int_equal(file_read(path, 5, &data, &length), -EFBIG);
    assert_int_equal(file_read(path, 6, &data, &length), 0);
    assert_int_equal(length, 6);
    assert_string_equal(data, "twelve");
    free(data);
    assert_int_equal(file_set_aside(path), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(access(aside, F_OK), 0);
    unlink(aside);
    rmdir(directory);
}

static void
octets_become_digits_and_digits_octets(void **state)
{
    static const struct {
        const char *text;
        int result;
        const char *again;
    } cases[] = {
        { "", 0, "" },
        { "00ff10", 0, "00ff10" },
        { "0A:0b 0C\n0d", 0, "0a0b0c0d" },
        { "0", -EINVAL, NULL },
        { "0 0", -EINVAL, NULL },
        { "0g", -EINVAL, NULL },
        { "x0", -EINVAL, NULL },
        { "0011223344", -EMSGSIZE, NULL },
    };
    uint8_t octets[4];
    size_t length;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(text_unhex(cases[i].text, octets, sizeof(octets), &length),
                         cases[i].result);
        if (cases[i].result == 0) {
            char *again = text_hex(octets, length);

            assert_string_equal(again, cases[i].again);
            free(again);
        }
    }
}

static void
no_vector_instructions_above_the_limit(void **state)
{
    const enum simd_level best = simd_level();
    enum simd_level level;
    (void)state;

    for (unsigned i = 0; i < SIMD_LEVELS; i++) {
        assert_true(simd_level_parse(simd_level_name((enum simd_level)i), &level));
        assert_int_equal(level, i);
        simd_limit(level);
        assert_int_equal(simd_level(), level < best ? level : best);
    }
    assert_false(simd_level_parse("sse", &level));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(octets_become_digits_and_digits_octets),
        cmocka_unit_test(numbers_are_digits_only),
        cmocka_unit_test(rates_have_units_in_powers_of_ten),
        cmocka_unit_test(names_are_bounded_ascii),
        cmocka_unit_test(a_hash_table_holds_what_was_added),
        cmocka_unit_test(a_file_is_replaced_as_a_whole),
        cmocka_unit_test(no_vector_instructions_above_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
