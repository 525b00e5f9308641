/* SPDX-License-Identifier: BSD-3-Clause */

/* control/labels: the same label for the same owner, and none for somebody else too soon. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "tests/unit/count_labels.h"

#define NOW 1790000000u

static void
c8_labels_begin_at_16_and_differ(void **state)
{
    struct labels *labels = labels_create();
    uint32_t first, second, again;
    (void)state;

    assert_int_equal(labels_take(labels, "vif:a", 0, NOW, &first), 0);
    assert_int_equal(labels_take(labels, "vif:b", 0, NOW, &second), 0);
    assert_int_equal(labels_take(labels, "vif:a", 0, NOW, &again), 0);
    assert_int_equal(first, 16);
    assert_int_equal(second, 17);
    assert_int_equal(again, first);
    assert_int_equal(labels_in_use(labels), 2);
    assert_string_equal(labels_owner(labels, 17), "vif:b");
    assert_null(labels_owner(labels, 18));
    assert_null(labels_owner(labels, UINT32_MAX));
    labels_destroy(labels);
}

static void
c8_a_released_label_rests_for_five_minutes(void **state)
{
    struct labels *labels = labels_create();
    uint32_t label;
    (void)state;

    assert_int_equal(labels_take(labels, "vif:a", 100, NOW, &label), 0);
    labels_release(labels, "vif:a", NOW);
    assert_null(labels_owner(labels, 100));
    assert_int_equal(labels_in_use(labels), 0);
    assert_int_equal(labels_take(labels, "vif:b", 100, NOW + 299, &label), -EBUSY);
    assert_int_equal(labels_take(labels, "vif:b", 100, NOW + 300, &label), 0);
    assert_int_equal(label, 100);
    /* the owner itself need not wait */
    labels_release(labels, "vif:b", NOW + 301);
    assert_int_equal(labels_take(labels, "vif:b", 0, NOW + 302, &label), 0);
    assert_int_equal(label, 100);
    assert_int_equal(labels_in_use(labels), 1);
    labels_destroy(labels);
}

static void
c8_a_label_rests_also_when_its_owner_gets_another(void **state)
{
    struct labels *labels = labels_create();
    uint32_t label;
    (void)state;

    assert_int_equal(labels_take(labels, "vif:a", 100, NOW, &label), 0);
    labels_release(labels, "vif:a", NOW);
    assert_int_equal(labels_take(labels, "vif:a", 200, NOW + 1, &label), 0);
    assert_int_equal(labels_take(labels, "vif:b", 100, NOW + 299, &label), -EBUSY);
    assert_null(labels_owner(labels, 100));
    assert_int_equal(labels_take(labels, "vif:b", 100, NOW + 300, &label), 0);
    assert_string_equal(labels_owner(labels, 200), "vif:a");
    assert_int_equal(labels_in_use(labels), 2);
    labels_destroy(labels);
}

static void
what_has_rested_is_not_stored(void **state)
{
    struct labels *labels = labels_create();
    uint32_t label;
    json_t *content;
    (void)state;

    assert_int_equal(labels_take(labels, "vif:gone", 0, NOW, &label), 0);
    labels_release(labels, "vif:gone", NOW);
    assert_int_equal(labels_take(labels, "vif:a", 0, NOW + 300, &label), 0);
    content = labels_to_json(labels);
    assert_int_equal(json_object_size(content), 1);
    json_decref(content);
    labels_destroy(labels);
}

static void
wanted_labels_are_given_or_refused(void **state)
{
    struct labels *labels = labels_create();
    uint32_t label;
    (void)state;

    assert_int_equal(labels_take(labels, "vpn:red", 15, NOW, &label), -ERANGE);
    assert_int_equal(labels_take(labels, "vpn:red", 1048576, NOW, &label), -ERANGE);
    assert_int_equal(labels_take(labels, "vpn:red", 16, NOW, &label), 0);
    assert_int_equal(labels_take(labels, "vpn:blue", 16, NOW, &label), -EBUSY);
    assert_int_equal(labels_take(labels, "vpn:red", 17, NOW, &label), -EBUSY);
    assert_int_equal(labels_take(labels, "vpn:blue", 0, NOW, &label), 0);
    assert_int_equal(label, 17); /* 16 is passed over */
    assert_int_equal(labels_take(labels, "vpn:green", 1048575, NOW, &label), 0);
    labels_destroy(labels);
}

static void
a_full_space_is_said_and_begins_again_with_what_has_rested(void **state)
{
    struct labels *labels = labels_create();
    uint32_t label = 0;
    char owner[32];
    (void)state;

    for (uint32_t i = 16; i <= 1048575; i++) {
        snprintf(owner, sizeof(owner), "vif:%u", i);
        assert_int_equal(labels_take(labels, owner, 0, NOW, &label), 0);
    }
    assert_int_equal(label, 1048575);
    assert_int_equal(labels_take(labels, "vif:more", 0, NOW, &label), -ENOSPC);
    labels_release(labels, "vif:500", NOW);
    assert_int_equal(labels_take(labels, "vif:more", 0, NOW + 10, &label), -ENOSPC);
    assert_int_equal(labels_take(labels, "vif:more", 0, NOW + 300, &label), 0);
    assert_int_equal(label, 500);
    labels_destroy(labels);
}

static void
labels_are_the_same_after_a_restart(void **state)
{
    struct labels *before = labels_create(), *after = labels_create();
    uint32_t label;
    json_t *content;
    (void)state;

    assert_int_equal(labels_take(before, "vif:a", 0, NOW, &label), 0);
    assert_int_equal(labels_take(before, "vif:b", 0, NOW, &label), 0);
    assert_int_equal(labels_take(before, "vif:gone", 0, NOW, &label), 0);
    assert_int_equal(labels_take(before, "vif:old", 0, NOW, &label), 0);
    labels_release(before, "vif:gone", NOW + 400);
    labels_release(before, "vif:old", NOW);
    content = labels_to_json(before);
    assert_non_null(content);
    assert_int_equal(labels_from_json(after, content, NOW + 500), 0);
    json_decref(content);

    assert_int_equal(labels_in_use(after), 0);
    assert_int_equal(labels_take(after, "vif:new", 0, NOW + 500, &label), 0);
    assert_int_equal(label, 19); /* 16 and 17 wait for their owners, 18 rests, 19 has rested */
    assert_int_equal(labels_take(after, "vif:b", 0, NOW + 500, &label), 0);
    assert_int_equal(label, 17);
    assert_int_equal(labels_take(after, "vif:x", 16, NOW + 799, &label), -EBUSY);
    assert_int_equal(labels_take(after, "vif:x", 16, NOW + 800, &label), 0);
    labels_destroy(before);
    labels_destroy(after);
}

static void
nonsense_is_refused_as_a_whole(void **state)
{
    static const char *const cases[] = {
        "[]",
        "{\"vif:a\": 16}",
        "{\"vif:a\": {\"label\": 15, \"released\": 0}}",
        "{\"vif:a\": {\"label\": 1048576, \"released\": 0}}",
        "{\"vif:a\": {\"label\": 16}}",
        "{\"vif:a\": {\"label\": 16, \"released\": -1}}",
        ("{\"vif:a\": {\"label\": 16, \"released\": 0},"
         " \"vif:b\": {\"label\": 16, \"released\": 0}}"),
    };
    struct labels *labels = labels_create();
    uint32_t label;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *content = json_loads(cases[i], 0, NULL);
        assert_non_null(content);
        assert_int_equal(labels_from_json(labels, content, NOW), -EINVAL);
        json_decref(content);
    }
    assert_int_equal(labels_take(labels, "vif:new", 0, NOW, &label), 0);
    assert_int_equal(label, 16);
    labels_destroy(labels);
}

static bool
visit_two(void *context, uint32_t label, const char *owner)
{
    uint32_t *seen = context;

    assert_non_null(owner);
    seen[++seen[0]] = label;
    return seen[0] < 2;
}

static void
labels_are_visited_in_order_from_anywhere(void **state)
{
    struct labels *labels = labels_create();
    uint32_t label, seen[3] = { 0 };
    (void)state;

    assert_int_equal(labels_take(labels, "vif:c", 300, NOW, &label), 0);
    assert_int_equal(labels_take(labels, "vif:a", 100, NOW, &label), 0);
    assert_int_equal(labels_take(labels, "vif:b", 200, NOW, &label), 0);
    labels_visit(labels, 101, visit_two, seen);
    assert_int_equal(seen[0], 2);
    assert_int_equal(seen[1], 200);
    assert_int_equal(seen[2], 300);
    labels_destroy(labels);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c8_labels_begin_at_16_and_differ),
        cmocka_unit_test(c8_a_released_label_rests_for_five_minutes),
        cmocka_unit_test(c8_a_label_rests_also_when_its_owner_gets_another),
        cmocka_unit_test(what_has_rested_is_not_stored),
        cmocka_unit_test(wanted_labels_are_given_or_refused),
        cmocka_unit_test(a_full_space_is_said_and_begins_again_with_what_has_rested),
        cmocka_unit_test(labels_are_the_same_after_a_restart),
        cmocka_unit_test(nonsense_is_refused_as_a_whole),
        cmocka_unit_test(labels_are_visited_in_order_from_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
