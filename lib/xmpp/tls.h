/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * TLS for a session, on mbedTLS (2.28: TLS 1.2; 3.6: also 1.3): octets in, octets out, no socket.
 * An identity is what one of our programs is and whom it trusts; sessions share it, and keep the
 * one that they began with when another is loaded. A channel is the TLS of one session. Chains are
 * always verified: there is no way to ask for less. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_PROBLEM_MAX 256

struct jid;
struct tls_identity;
struct tls_channel;

/** PEM files. */
struct tls_files {
    const char *trust;       /* certificates of the authorities that we trust */
    const char *certificate; /* ours, and those between it and the authority; NULL: none */
    const char *key;         /* of `certificate`; NULL: in the same file */
};

/**
 * Loads an identity, and warns in the log if our certificate is about to expire. Reads files.
 * @return the identity, with one reference, or NULL with what is wrong, the file named.
 */
struct tls_identity *tls_identity_load(const struct tls_files *files,
                                       char problem[TLS_PROBLEM_MAX]);

/** One reference more, and one less; the last one frees it. NULL is let pass. */
struct tls_identity *tls_identity_hold(struct tls_identity *identity);
void tls_identity_release(struct tls_identity *identity);

/** When our certificate ends to be valid: seconds since 1970-01-01 UTC; 0 without one. */
int64_t tls_identity_expiry(const struct tls_identity *identity);

/**
 * The TLS of a client that expects a server whose certificate is for `name` (RFC 6125; a DNS
 * name), or of a server, which asks its client for a certificate and takes one of a trusted chain,
 * or none. The channel holds a reference to the identity.
 * @return NULL without memory.
 */
struct tls_channel *tls_channel_client(struct tls_identity *identity, const char *name);
struct tls_channel *tls_channel_server(struct tls_identity *identity);
void tls_channel_free(struct tls_channel *channel);

enum tls_event {
    TLS_WAITING,     /* nothing more can be had from what came */
    TLS_ESTABLISHED, /* the handshake is done: said once */
    TLS_PLAIN,       /* `*length` octets were put into `plain` */
    TLS_CLOSED,      /* the peer closed the channel in order */
    TLS_FAILED,      /* tls_channel_problem() says why; what output waits is still to be sent */
};

/** Octets from the peer: borrowed until tls_channel_next() has said TLS_WAITING, TLS_CLOSED or
 * TLS_FAILED, to be called until then. */
void tls_channel_input(struct tls_channel *channel, const void *octets, size_t length);
enum tls_event tls_channel_next(struct tls_channel *channel, char *plain, size_t size,
                                size_t *length);

/** A client begins the handshake. */
void tls_channel_begin(struct tls_channel *channel);

bool tls_channel_is_established(const struct tls_channel *channel);

/**
 * Encrypts octets, established channels only.
 * @return how many were taken: fewer than `length` if much waits already; 0 after a failure.
 */
size_t tls_channel_write(struct tls_channel *channel, const char *octets, size_t length);

/** Says that no more will be written (close_notify), once. */
void tls_channel_close(struct tls_channel *channel);

/** What waits for the peer, and that so much of it has been taken. */
const char *tls_channel_output(const struct tls_channel *channel, size_t *length);
void tls_channel_sent(struct tls_channel *channel, size_t octets);

/** For people: what failed. */
const char *tls_channel_problem(const struct tls_channel *channel);

/** "TLSv1.2 ECDHE-…", of an established channel. */
void tls_channel_describe(const struct tls_channel *channel, char *text, size_t size);

/** Whether the peer has shown a certificate, of a trusted chain. */
bool tls_channel_has_peer(const struct tls_channel *channel);

/** Whether that certificate is of a client `jid`: one of its xmppAddr names (RFC 6120 section
 * 13.7.1.4) is the bare JID; or it has none, and one of its DNS names is the local part. */
bool tls_channel_peer_is(const struct tls_channel *channel, const struct jid *jid);
