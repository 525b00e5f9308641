/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * DHCPv4 messages as octets (RFC 2131, options of RFC 2132): a client's message read with every
 * bound checked, option overload included, and a server's message written within its bound.
 * Any thread. Addresses are numbers in host order.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/headers.h"

/* What every client takes (RFC 2131 section 2): a datagram of 576 octets less IP and UDP headers;
 * and what old ones want at least (RFC 1542 section 2.1). */
#define DHCP4_MESSAGE_MAX 548
#define DHCP4_MESSAGE_MIN 300

enum dhcp4_type {
    DHCP4_DISCOVER = 1,
    DHCP4_OFFER,
    DHCP4_REQUEST,
    DHCP4_DECLINE,
    DHCP4_ACK,
    DHCP4_NAK,
    DHCP4_RELEASE,
    DHCP4_INFORM,
};

enum dhcp4_option {
    DHCP4_OPTION_PAD = 0,
    DHCP4_OPTION_SUBNET_MASK = 1,
    DHCP4_OPTION_ROUTER = 3,
    DHCP4_OPTION_DNS = 6,
    DHCP4_OPTION_MTU = 26,
    DHCP4_OPTION_REQUESTED_ADDRESS = 50,
    DHCP4_OPTION_LEASE_TIME = 51,
    DHCP4_OPTION_OVERLOAD = 52,
    DHCP4_OPTION_TYPE = 53,
    DHCP4_OPTION_SERVER = 54,
    DHCP4_OPTION_PARAMETERS = 55,
    DHCP4_OPTION_T1 = 58,
    DHCP4_OPTION_T2 = 59,
    DHCP4_OPTION_CLIENT_ID = 61,
    DHCP4_OPTION_CLASSLESS_ROUTES = 121, /* RFC 3442 */
    DHCP4_OPTION_END = 255,
};

/* A client's message. */
struct dhcp4_message {
    uint8_t type;
    be32 transaction;
    bool broadcast; /* the client cannot take unicast yet */
    uint32_t client_address, relay_address;
    struct mac_addr hardware;

    bool has_requested, has_server;
    uint32_t requested, server;
    uint8_t n_parameters; /* option codes that the client asks for, in its order */
    uint8_t parameters[UINT8_MAX];
    uint8_t client_id_length; /* 0: none */
    uint8_t client_id[UINT8_MAX];
};

/**
 * Reads a client's message.
 * @return false if it is not one: not a request over Ethernet, no or an unknown message type, an
 * option cut off, of a wrong length, or given twice.
 */
bool dhcp4_message_parse(const uint8_t *octets, size_t length, struct dhcp4_message *message);

/* A server's message in the making. What does not fit is noticed at the end. */
struct dhcp4_builder {
    uint8_t *octets; /* DHCP4_MESSAGE_MAX of them */
    size_t length;
    bool overflow;
};

/**
 * Begins the answer to `request` in `octets`, of which DHCP4_MESSAGE_MAX can be written; the
 * client's identifier is sent back (RFC 6842).
 * @param client_address, your_address "ciaddr" and "yiaddr"
 */
void dhcp4_answer_begin(struct dhcp4_builder *builder, uint8_t *octets,
                        const struct dhcp4_message *request, enum dhcp4_type type, uint32_t server,
                        uint32_t client_address, uint32_t your_address);

/** Adds an option. */
void dhcp4_add(struct dhcp4_builder *builder, enum dhcp4_option code, const void *data,
               uint8_t length);
void dhcp4_add_u16(struct dhcp4_builder *builder, enum dhcp4_option code, uint16_t value);
void dhcp4_add_u32(struct dhcp4_builder *builder, enum dhcp4_option code, uint32_t value);

/** Ends the message. @return its length, or 0 if it did not fit. */
size_t dhcp4_answer_end(struct dhcp4_builder *builder);
