/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * TLS for a session: see tls.h. mbedTLS asks for octets and gives octets through two functions;
 * here they come from the piece that is at work, and go into a queue.
 */

#include "lib/xmpp/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <mbedtls/error.h>

#include "lib/xmpp/certificate.h"
#include "lib/xmpp/jid.h"
#include "lib/xmpp/tls_identity.h"
#include "lib/xmpp/writer.h"

/* Octets that may wait for the peer. A record is begun only while fewer than half of them do, so
 * that it always fits: mbedTLS would want to be called again with the very same octets. */
#define OUTPUT_MAX 131072u

struct tls_channel {
    struct tls_identity *identity;
    mbedtls_ssl_context ssl;
    const unsigned char *input;
    size_t input_length;
    struct xml_writer output; /* as a queue of octets */
    bool established, closed, failed;
    char problem[TLS_PROBLEM_MAX];
};

static int
give(void *context, const unsigned char *octets, size_t length)
{
    struct tls_channel *channel = context;

    xml_write_octets(&channel->output, (const char *)octets, length);
    return channel->output.full ? MBEDTLS_ERR_SSL_ALLOC_FAILED : (int)length;
}

static int
take(void *context, unsigned char *octets, size_t length)
{
    struct tls_channel *channel = context;

    if (channel->input_length == 0)
        return MBEDTLS_ERR_SSL_WANT_READ;
    if (length > channel->input_length)
        length = channel->input_length;
    memcpy(octets, channel->input, length);
    channel->input += length;
    channel->input_length -= length;
    return (int)length;
}

static struct tls_channel *
channel_new(struct tls_identity *identity, int role)
{
    struct tls_channel *channel = calloc(1, sizeof(*channel));

    if (channel == NULL)
        return NULL;
    channel->identity = tls_identity_hold(identity);
    xml_writer_init(&channel->output, OUTPUT_MAX);
    mbedtls_ssl_init(&channel->ssl);
    if (mbedtls_ssl_setup(&channel->ssl, &identity->roles[role]) != 0) {
        tls_channel_free(channel);
        return NULL;
    }
    mbedtls_ssl_set_bio(&channel->ssl, channel, give, take, NULL);
    return channel;
}

struct tls_channel *
tls_channel_client(struct tls_identity *identity, const char *name)
{
    struct tls_channel *channel = channel_new(identity, MBEDTLS_SSL_IS_CLIENT);

    /* without a name mbedTLS would accept whomever the authorities know */
    if (channel != NULL && mbedtls_ssl_set_hostname(&channel->ssl, name) != 0) {
        tls_channel_free(channel);
        return NULL;
    }
    return channel;
}

struct tls_channel *
tls_channel_server(struct tls_identity *identity)
{
    return channel_new(identity, MBEDTLS_SSL_IS_SERVER);
}

void
tls_channel_free(struct tls_channel *channel)
{
    if (channel == NULL)
        return;
    mbedtls_ssl_free(&channel->ssl);
    xml_writer_clear(&channel->output);
    tls_identity_release(channel->identity);
    free(channel);
}

void
tls_channel_input(struct tls_channel *channel, const void *octets, size_t length)
{
    channel->input = octets;
    channel->input_length = length;
}

static enum tls_event
fail(struct tls_channel *channel, int error)
{
    const uint32_t flags = mbedtls_ssl_get_verify_result(&channel->ssl);
    char why[160] = "";

    if (error == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED && flags != UINT32_MAX) {
        mbedtls_x509_crt_verify_info(why, sizeof(why), "", flags);
        why[strcspn(why, "\n")] = '\0';
    } else {
        mbedtls_strerror(error, why, sizeof(why));
    }
    snprintf(channel->problem, sizeof(channel->problem), "%s", why);
    channel->failed = true;
    channel->input_length = 0;
    return TLS_FAILED;
}

static bool
must_wait(int error)
{
    return error == MBEDTLS_ERR_SSL_WANT_READ || error == MBEDTLS_ERR_SSL_WANT_WRITE;
}

static enum tls_event
shake_hands(struct tls_channel *channel)
{
    const int error = mbedtls_ssl_handshake(&channel->ssl);

    if (must_wait(error))
        return TLS_WAITING;
    if (error != 0)
        return fail(channel, error);
    channel->established = true;
    return TLS_ESTABLISHED;
}

enum tls_event
tls_channel_next(struct tls_channel *channel, char *plain, size_t size, size_t *length)
{
    int n;

    if (channel->failed)
        return TLS_FAILED;
    if (channel->closed)
        return TLS_CLOSED;
    if (!channel->established)
        return shake_hands(channel);
    do {
        n = mbedtls_ssl_read(&channel->ssl, (unsigned char *)plain, size);
#ifdef MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET
        if (n == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
            continue;
#endif
        break;
    } while (true);
    if (n > 0) {
        *length = (size_t)n;
        return TLS_PLAIN;
    }
    if (must_wait(n))
        return TLS_WAITING;
    if (n != 0 && n != MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
        return fail(channel, n);
    channel->closed = true;
    return TLS_CLOSED;
}

void
tls_channel_begin(struct tls_channel *channel)
{
    (void)shake_hands(channel);
}

bool
tls_channel_is_established(const struct tls_channel *channel)
{
    return channel->established;
}

size_t
tls_channel_write(struct tls_channel *channel, const char *octets, size_t length)
{
    size_t taken = 0;

    if (channel->failed || !channel->established)
        return 0;
    while (taken < length && xml_writer_pending(&channel->output) < OUTPUT_MAX / 2) {
        const int n =
            mbedtls_ssl_write(&channel->ssl, (const unsigned char *)octets + taken, length - taken);

        if (n < 0) {
            (void)fail(channel, n);
            break;
        }
        taken += (size_t)n;
    }
    return taken;
}

void
tls_channel_close(struct tls_channel *channel)
{
    if (channel->established && !channel->failed && !channel->closed)
        (void)mbedtls_ssl_close_notify(&channel->ssl);
    channel->closed = true;
}

const char *
tls_channel_output(const struct tls_channel *channel, size_t *length)
{
    *length = xml_writer_pending(&channel->output);
    return *length > 0 ? channel->output.data + channel->output.head : "";
}

void
tls_channel_sent(struct tls_channel *channel, size_t octets)
{
    xml_writer_consume(&channel->output, octets);
}

const char *
tls_channel_problem(const struct tls_channel *channel)
{
    return channel->problem;
}

void
tls_channel_describe(const struct tls_channel *channel, char *text, size_t size)
{
    snprintf(text, size, "%s %s", mbedtls_ssl_get_version(&channel->ssl),
             mbedtls_ssl_get_ciphersuite(&channel->ssl));
}

bool
tls_channel_has_peer(const struct tls_channel *channel)
{
    return channel->established && mbedtls_ssl_get_peer_cert(&channel->ssl) != NULL &&
           mbedtls_ssl_get_verify_result(&channel->ssl) == 0;
}

/* An otherName: whether it is an xmppAddr, and then whether it is of the JID. */
static bool
is_xmpp_addr(const mbedtls_x509_buf *name, const struct jid *jid, bool *is_jid)
{
    size_t length;
    const char *address = certificate_xmpp_addr(name->p, name->len, &length);
    char text[JID_TEXT_MAX];
    struct jid named;

    if (address == NULL)
        return false;
    if (length < sizeof(text)) {
        memcpy(text, address, length);
        text[length] = '\0';
        *is_jid |= jid_parse(text, &named) == 0 && named.resource[0] == '\0' &&
                   jid_equal_bare(&named, jid);
    }
    return true;
}

static bool
is_host(const mbedtls_x509_buf *name, const char *host)
{
    return name->len == strlen(host) && strncasecmp((const char *)name->p, host, name->len) == 0;
}

bool
tls_channel_peer_is(const struct tls_channel *channel, const struct jid *jid)
{
    const mbedtls_x509_crt *peer = mbedtls_ssl_get_peer_cert(&channel->ssl);
    const mbedtls_x509_sequence *name = &peer->subject_alt_names;
    bool has_address = false, is_jid = false, is_local_part = false;

    if (!tls_channel_has_peer(channel))
        return false;
    /* an empty sequence is one element without a buffer */
    for (; name != NULL && name->buf.p != NULL; name = name->next) {
        const int tag = name->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK;

        if (tag == MBEDTLS_X509_SAN_OTHER_NAME)
            has_address |= is_xmpp_addr(&name->buf, jid, &is_jid);
        else if (tag == MBEDTLS_X509_SAN_DNS_NAME)
            is_local_part |= is_host(&name->buf, jid->local);
    }
    return has_address ? is_jid : is_local_part;
}
