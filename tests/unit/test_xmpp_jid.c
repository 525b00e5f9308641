/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/xmpp/jid.h and lib/xmpp/backoff.h. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lib/xmpp/backoff.h"
#include "lib/xmpp/jid.h"

#define TEN  "0123456789"
#define LONG TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define OVER LONG TEN TEN TEN TEN TEN /* 260 octets */

static void
c22_jids_are_valid(void **state)
{
    static const struct {
        const char *text;
        const char *shown; /* NULL: refused */
    } cases[] = {
        { "route-server@ietf.org", "route-server@ietf.org" },
        { "Route-Server@IETF.org/Res", "route-server@ietf.org/Res" },
        { "ietf.org", "ietf.org" },
        { "ietf.org.", "ietf.org" },
        { "192.0.2.1", "192.0.2.1" },
        { "a@[2001:db8::1]/r", "a@[2001:db8::1]/r" },
        { "a@b/c@d/e", "a@b/c@d/e" },
        { "b/c@d", "b/c@d" },
        { "host_1.example", "host_1.example" },
        { "a@b/\xc3\xa4 blank", "a@b/\xc3\xa4 blank" },
        { "", NULL },
        { "@b", NULL },
        { "a@", NULL },
        { "a@b/", NULL },
        { "/r", NULL },
        { "a b@c", NULL },
        { "a@b@c", NULL },
        { "a:b@c", NULL },
        { "a\"@c", NULL },
        { "a&b@c", NULL },
        { "\xc3\xa4@c", NULL },
        { "a@b..c", NULL },
        { "a@-b", NULL },
        { "a@b-", NULL },
        { "a@b-.c", NULL },
        { "a@.b", NULL },
        { "a@b c", NULL },
        { "a@[192.0.2.1]", NULL },
        { "a@[zz]", NULL },
        { "a@[]", NULL },
        { "a@b/\n", NULL },
        { "a@b/\x7f", NULL },
        { OVER "@b", NULL },
        { "a@" OVER, NULL },
        { "a@b/" OVER, NULL },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[JID_TEXT_MAX];
        struct jid jid;

        if (cases[i].shown == NULL) {
            if (jid_parse(cases[i].text, &jid) != -EINVAL)
                fail_msg("accepted: %s", cases[i].text);
        } else {
            assert_int_equal(jid_parse(cases[i].text, &jid), 0);
            assert_string_equal(jid_format(&jid, text), cases[i].shown);
        }
    }
}

static void
c23_a_jid_is_made_of_host_name_or_infrastructure_address(void **state)
{
    char text[JID_TEXT_MAX];
    struct jid jid;
    (void)state;

    assert_int_equal(jid_make("Compute-1", "ietf.org", "boot", &jid), 0);
    assert_string_equal(jid_format(&jid, text), "compute-1@ietf.org/boot");
    assert_int_equal(jid_make("192.0.2.1", "ietf.org", NULL, &jid), 0);
    assert_string_equal(jid_format_bare(&jid, text), "192.0.2.1@ietf.org");
    assert_int_equal(jid_make("a b", "ietf.org", NULL, &jid), -EINVAL);
    assert_int_equal(jid_make("a", "", NULL, &jid), -EINVAL);
    assert_int_equal(jid_make("a", "b", "", &jid), -EINVAL);
}

static void
bare_addresses_are_compared_without_their_resource(void **state)
{
    struct jid jid;
    (void)state;

    assert_int_equal(jid_parse("a@b/c", &jid), 0);
    assert_true(jid_text_is_bare("A@B/d", &jid));
    assert_true(jid_text_is_bare("a@b", &jid));
    assert_true(jid_text_is_bare("a@B/x", &jid));
    assert_false(jid_text_is_bare("b", &jid));
    assert_false(jid_text_is_bare("a@b.c", &jid));
    assert_false(jid_text_is_bare("a@b@", &jid));
}

static void
back_off_doubles_with_jitter_and_begins_anew(void **state)
{
    static const uint32_t bounds[] = { 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000 };
    struct xmpp_backoff least = { 0 }, most = { 0 };
    (void)state;

    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        assert_int_equal(xmpp_backoff_next(&least, 0, 0), bounds[i] / 2);
        assert_int_equal(xmpp_backoff_next(&most, 59999, bounds[i] / 2), bounds[i]);
    }
    assert_int_equal(xmpp_backoff_next(&most, 60000, 500), 1000);
    for (unsigned i = 0; i < 1000; i++)
        assert_in_range(xmpp_backoff_next(&least, 0, i * 2654435761u), 15000, 30000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c22_jids_are_valid),
        cmocka_unit_test(c23_a_jid_is_made_of_host_name_or_infrastructure_address),
        cmocka_unit_test(bare_addresses_are_compared_without_their_resource),
        cmocka_unit_test(back_off_doubles_with_jitter_and_begins_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
