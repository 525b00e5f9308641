/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/xmpp: STARTTLS, certificates and SASL EXTERNAL, client against server in memory, with real
 * handshakes; certificates are made by tests/tools/certificates. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/xmpp/certificate.h"
#include "lib/xmpp/client.h"
#include "lib/xmpp/server.h"
#include "tests/unit/xmpp_pair.h"

#define NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define HEADER                                                                  \
    "<?xml version='1.0'?><stream:stream from='ietf.org' id='1' version='1.0' " \
    "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
#define TO_SERVER                                                                 \
    "<?xml version='1.0'?><stream:stream from='compute1@ietf.org' to='ietf.org' " \
    "version='1.0' xmlns='jabber:client' "                                        \
    "xmlns:stream='http://etherx.jabber.org/streams'>"

static char directory[] = "/tmp/test-xmpp-tls-XXXXXX";

/* What a side of a session heard. */
struct heard {
    unsigned ready, ended;
    char jid[JID_TEXT_MAX];
    enum xmpp_end end;
    char why[256];
};

static void
on_ready(void *user, const char *jid)
{
    struct heard *heard = user;

    heard->ready++;
    snprintf(heard->jid, sizeof(heard->jid), "%s", jid);
}

static bool
on_bind(void *user, const struct jid *jid)
{
    struct heard *heard = user;

    heard->ready++;
    jid_format(jid, heard->jid);
    return true;
}

static void
on_ended(void *user, enum xmpp_end end, const char *why)
{
    struct heard *heard = user;

    heard->ended++;
    heard->end = end;
    snprintf(heard->why, sizeof(heard->why), "%s", why);
}

static const struct xmpp_client_handlers client_handlers = { .ready = on_ready, .ended = on_ended };
static const struct xmpp_server_handlers server_handlers = { .bind = on_bind, .ended = on_ended };

static struct tls_identity *
identity_of(const char *trust, const char *certificate)
{
    char paths[2][128], problem[TLS_PROBLEM_MAX] = "";
    struct tls_files files = { .trust = paths[0] };
    struct tls_identity *identity;

    snprintf(paths[0], sizeof(paths[0]), "%s/%s.pem", directory, trust);
    snprintf(paths[1], sizeof(paths[1]), "%s/%s.pem", directory, certificate);
    if (certificate != NULL)
        files.certificate = paths[1];
    identity = tls_identity_load(&files, problem);
    if (identity == NULL)
        fail_msg("%s", problem);
    return identity;
}

/* A client and a server in memory. */
struct pair {
    struct xmpp_client *client;
    struct xmpp_server *server;
    struct heard at_client, at_server;
};

struct terms {
    const char *server, *client; /* their certificates; of the client: NULL if it has none */
    const char *local_part;      /* NULL: compute1 */
    const char *name;            /* expected of the server; NULL: its domain */
    bool anybody;                /* the server wants no certificate */
};

/* Lets them talk until both are silent. */
static struct pair *
talk(const struct terms *terms, size_t piece)
{
    struct xmpp_client_config client = XMPP_CLIENT_CONFIG_DEFAULT;
    struct xmpp_server_config server = XMPP_SERVER_CONFIG_DEFAULT;
    struct pair *pair = calloc(1, sizeof(*pair));

    assert_non_null(pair);
    client.identity = identity_of("ca", terms->client);
    client.certificate_name = terms->name;
    client.local_part = terms->local_part != NULL ? terms->local_part : "compute1";
    client.resource = "boot";
    server.identity = identity_of("ca", terms->server);
    server.needs_certificate = !terms->anybody;
    server.peer_address = "192.0.2.1";
    pair->client = xmpp_client_new(&client, &client_handlers, &pair->at_client);
    pair->server = xmpp_server_new(&server, &server_handlers, &pair->at_server);
    assert_non_null(pair->client);
    assert_non_null(pair->server);
    tls_identity_release(client.identity);
    tls_identity_release(server.identity);
    xmpp_session_connected(xmpp_client_session(pair->client), 1000);
    xmpp_session_connected(xmpp_server_session(pair->server), 1000);
    pair_run(xmpp_client_session(pair->client), xmpp_server_session(pair->server), piece, 1000);
    return pair;
}

static void
hang_up(struct pair *pair)
{
    xmpp_client_free(pair->client);
    xmpp_server_free(pair->server);
    free(pair);
}

static void
c43_both_sides_show_certificates(void **state)
{
    static const struct terms terms[] = {
        { "server", "compute1", NULL, NULL, false },       /* xmppAddr */
        { "server", "compute2", "compute2", NULL, false }, /* a DNS name */
        { "elsewhere", "compute1", NULL, "elsewhere.example", false },
        { "server", NULL, NULL, NULL, true },
    };
    static const size_t pieces[] = { 0, 1, 100 };
    (void)state;

    for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
        struct pair *pair = talk(&terms[i], pieces[i % 3]);
        char jid[JID_TEXT_MAX], tls[128];

        if (pair->at_client.ended > 0)
            fail_msg("%zu: %s", i, pair->at_client.why);
        snprintf(jid, sizeof(jid), "%s@ietf.org/boot",
                 terms[i].local_part != NULL ? terms[i].local_part : "compute1");
        assert_string_equal(pair->at_client.jid, jid);
        assert_string_equal(pair->at_server.jid, jid);
        xmpp_client_describe_tls(pair->client, tls, sizeof(tls));
        assert_memory_equal(tls, "TLSv1.", 6);

        xmpp_session_close(xmpp_client_session(pair->client), "bye");
        pair_run(xmpp_client_session(pair->client), xmpp_server_session(pair->server), 0, 1000);
        assert_int_equal(pair->at_server.end, XMPP_END_PEER);
        hang_up(pair);
    }
}

/* Who is not who they should be is refused, and the text says why. */
static void
c43_the_wrong_certificate_is_refused(void **state)
{
    static const struct {
        struct terms terms;
        enum xmpp_end end;
        const char *why; /* at whom refuses */
        bool at_server;
    } cases[] = {
        { { "foreign", "compute1", NULL, NULL, false },
          XMPP_END_TLS,
          "not correctly signed by the trusted CA",
          false },
        { { "expired", "compute1", NULL, NULL, false }, XMPP_END_TLS, "expired", false },
        { { "elsewhere", "compute1", NULL, NULL, false }, XMPP_END_TLS, "does not match", false },
        { { "server", "compute1", NULL, "elsewhere.example", false },
          XMPP_END_TLS,
          "does not match",
          false },
        { { "server", NULL, NULL, NULL, false }, XMPP_END_REFUSED, "certificate", true },
        { { "server", "stranger", NULL, NULL, false }, XMPP_END_REFUSED, "certificate", true },
        { { "server", "compute1", "compute2", NULL, false },
          XMPP_END_REFUSED,
          "not of the address",
          true },
        { { "server", "compute2", "compute1", NULL, false },
          XMPP_END_REFUSED,
          "not of the address",
          true },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pair *pair = talk(&cases[i].terms, 0);
        const struct heard *heard = cases[i].at_server ? &pair->at_server : &pair->at_client;

        assert_int_equal(pair->at_client.ready + pair->at_server.ready, 0);
        assert_int_equal(heard->end, cases[i].end);
        if (strstr(heard->why, cases[i].why) == NULL)
            fail_msg("%zu: %s", i, heard->why);
        if (cases[i].at_server)
            assert_int_equal(pair->at_client.ended, 1);
        hang_up(pair);
    }
}

/* What the client has said, up to now, as text. */
static bool
has_said(struct xmpp_session *session, const char *text)
{
    char said[4096];
    size_t length;
    const char *octets = xmpp_session_output(session, &length);

    snprintf(said, sizeof(said), "%.*s", (int)length, octets);
    xmpp_session_sent(session, length);
    return strstr(said, text) != NULL;
}

static void
hear(struct xmpp_session *session, const char *text)
{
    xmpp_session_input(session, text, strlen(text), 1000);
}

/* A man in the middle takes STARTTLS out of the features, or says something behind <proceed/>. */
static void
c43_there_is_no_way_around_tls(void **state)
{
    struct xmpp_client_config config = XMPP_CLIENT_CONFIG_DEFAULT;
    (void)state;

    config.identity = identity_of("ca", "compute1");
    config.local_part = "compute1";
    config.resource = "boot";
    for (unsigned i = 0; i < 3; i++) {
        struct heard heard = { 0 };
        struct xmpp_client *client = xmpp_client_new(&config, &client_handlers, &heard);
        struct xmpp_session *session = xmpp_client_session(client);

        xmpp_session_connected(session, 1000);
        assert_true(has_said(session, "<stream:stream"));
        if (i == 0) {
            hear(session, HEADER "<stream:features><bind "
                                 "xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>");
            assert_int_equal(heard.end, XMPP_END_REFUSED);
            assert_non_null(strstr(heard.why, "TLS is required"));
            assert_false(has_said(session, "bind"));
        } else {
            hear(session,
                 HEADER "<stream:features><starttls xmlns='" NS_TLS "'/></stream:features>");
            assert_true(has_said(session, "<starttls"));
            hear(session, i == 1 ? "<failure xmlns='" NS_TLS "'/>"
                                 : "<proceed xmlns='" NS_TLS "'/>" HEADER "<stream:features><bind "
                                   "xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>");
            assert_false(has_said(session, "<iq"));
            assert_int_equal(heard.ended, i == 1);
        }
        xmpp_client_free(client);
    }
    tls_identity_release(config.identity);
}

static void
c43_a_server_with_tls_hears_nothing_without(void **state)
{
    static const char *const said[] = {
        "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
        "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>",
        "<presence/>",
    };
    struct xmpp_server_config config = XMPP_SERVER_CONFIG_DEFAULT;
    (void)state;

    config.identity = identity_of("ca", "server");
    config.peer_address = "192.0.2.1";
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        struct heard heard = { 0 };
        struct xmpp_server *server = xmpp_server_new(&config, &server_handlers, &heard);
        struct xmpp_session *session = xmpp_server_session(server);

        xmpp_session_connected(session, 1000);
        hear(session, TO_SERVER);
        assert_true(has_said(session, "<starttls xmlns='" NS_TLS "'><required/></starttls>"));
        hear(session, said[i]);
        assert_true(has_said(session, "policy-violation"));
        assert_int_equal(heard.end, XMPP_END_VIOLATION);
        assert_int_equal(heard.ready, 0);
        xmpp_server_free(server);
    }
    tls_identity_release(config.identity);
}

/* A megabyte goes through, more than may wait in a channel at a time. */
static void
much_goes_through(void **state)
{
    const struct terms terms = { "server", "compute1", NULL, NULL, false };
    struct pair *pair = talk(&terms, 0);
    struct xmpp_session *server = xmpp_server_session(pair->server);
    const struct xmpp_session_counters *counters =
        xmpp_session_counters(xmpp_client_session(pair->client));
    struct route route = { .local_preference = 100, .n_next_hops = 1 };
    const uint64_t before = counters->octets_in;
    (void)state;

    assert_int_equal(ip_prefix_parse("10.0.0.1/32", &route.prefix), 0);
    assert_int_equal(ip_addr_parse("192.0.2.1", &route.next_hops[0].addr), 0);
    route.next_hops[0] = (struct route_next_hop){ route.next_hops[0].addr, 16, ENCAP_UDP };
    for (unsigned i = 0; i < 3000; i++)
        xmpp_server_notify_item(pair->server, "red", "item", &route);
    xmpp_server_flush(pair->server);
    pair_run(xmpp_client_session(pair->client), server, 0, 1000);
    assert_int_equal(counters->items_in, 3000);
    assert_true(counters->octets_in > before + 1000000);
    hang_up(pair);
}

static void
files_that_are_wrong_are_named(void **state)
{
    char trust[128], other[128], problem[TLS_PROBLEM_MAX];
    struct tls_files files = { .trust = "/nowhere/ca.pem" };
    struct tls_identity *identity;
    (void)state;

    assert_null(tls_identity_load(&files, problem));
    assert_non_null(strstr(problem, "/nowhere/ca.pem: "));
    snprintf(trust, sizeof(trust), "%s/ca.pem", directory);
    snprintf(other, sizeof(other), "%s/server.pem", directory);
    files = (struct tls_files){ trust, trust, NULL }; /* there is no key in it */
    assert_null(tls_identity_load(&files, problem));
    assert_non_null(strstr(problem, trust));
    files.key = other;
    assert_null(tls_identity_load(&files, problem));
    assert_non_null(strstr(problem, "is not that of the certificate"));
    files = (struct tls_files){ trust, other, NULL };
    identity = tls_identity_load(&files, problem);
    assert_non_null(identity);
    assert_true(tls_identity_expiry(identity) > (int64_t)time(NULL) + 3000 * 86400);
    tls_identity_release(identity);
}

static void
names_are_read_from_exact_octets(void **state)
{
    static const struct {
        size_t size;
        unsigned char der[32];
        const char *text;
    } cases[] = {
        { 16, { 6, 8, 0x2b, 6, 1, 5, 5, 7, 8, 5, 0xa0, 4, 12, 2, 'a', '@' }, "a@" },
        { 16, { 6, 8, 0x2b, 6, 1, 5, 5, 7, 8, 4, 0xa0, 4, 12, 2, 'a', '@' }, NULL },
        { 16, { 6, 8, 0x2b, 6, 1, 5, 5, 7, 8, 5, 0xa0, 4, 22, 2, 'a', '@' }, NULL },
        { 16, { 6, 8, 0x2b, 6, 1, 5, 5, 7, 8, 5, 0xa0, 4, 12, 3, 'a', '@' }, NULL },
        { 16, { 6, 8, 0x2b, 6, 1, 5, 5, 7, 8, 5, 0xa0, 4, 12, 1, 'a', '@' }, NULL },
        { 16, { 6, 8, 0x2b, 6, 1, 5, 5, 7, 8, 5, 0xa0, 4, 12, 2, 'a', 0 }, NULL },
        { 14, { 6, 8, 0x2b, 6, 1, 5, 5, 7, 8, 5, 0xa0, 2, 12, 0 }, NULL },
        { 10, { 6, 8, 0x2b, 6, 1, 5, 5, 7, 8, 5 }, NULL },
        { 1, { 6 }, NULL },
        { 0, { 0 }, NULL },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned char *der = malloc(cases[i].size + (cases[i].size == 0));
        size_t length;
        const char *text;

        memcpy(der, cases[i].der, cases[i].size);
        text = certificate_xmpp_addr(der, cases[i].size, &length);
        assert_int_equal(text != NULL, cases[i].text != NULL);
        if (text != NULL) {
            assert_int_equal(length, strlen(cases[i].text));
            assert_memory_equal(text, cases[i].text, length);
        }
        free(der);
    }
}

static int
make_certificates(void **state)
{
    char command[512];
    (void)state;

    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(command, sizeof(command), "%s %s", getenv("TEST_CERTIFICATES"), directory);
    return system(command);
}

static int
remove_certificates(void **state)
{
    char command[128];
    (void)state;

    snprintf(command, sizeof(command), "rm -r %s", directory);
    return system(command);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c43_both_sides_show_certificates),
        cmocka_unit_test(c43_the_wrong_certificate_is_refused),
        cmocka_unit_test(c43_there_is_no_way_around_tls),
        cmocka_unit_test(c43_a_server_with_tls_hears_nothing_without),
        cmocka_unit_test(much_goes_through),
        cmocka_unit_test(files_that_are_wrong_are_named),
        cmocka_unit_test(names_are_read_from_exact_octets),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
