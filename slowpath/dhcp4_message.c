/* SPDX-License-Identifier: BSD-3-Clause */

/* Reading and writing DHCPv4 messages: see dhcp4_message.h. */

#include "slowpath/dhcp4_message.h"

#include <string.h>

#define OP_REQUEST        1
#define OP_REPLY          2
#define HARDWARE_ETHERNET 1
#define FLAG_BROADCAST    0x8000
#define MAGIC_COOKIE      0x63825363u

#define OVERLOAD_FILE 1
#define OVERLOAD_NAME 2

struct dhcp4_header {
    uint8_t operation, hardware_type, hardware_length, hops;
    be32 transaction;
    be16 seconds, flags;
    be32 client_address, your_address, next_server_address, relay_address;
    struct mac_addr hardware;
    uint8_t hardware_padding[10];
    uint8_t server_name[64];
    uint8_t file[128];
    be32 cookie;
} __attribute__((packed));

/* What stands in one option field, and which options were there. */
struct option_reader {
    struct dhcp4_message *message;
    uint8_t overload;
    bool seen[256];
};

static bool
read_u32(const uint8_t *data, uint8_t length, uint32_t *value)
{
    be32 word;

    if (length != sizeof(word))
        return false;
    memcpy(&word, data, sizeof(word));
    *value = be32toh(word);
    return true;
}

static bool
read_option(struct option_reader *reader, uint8_t code, const uint8_t *data, uint8_t length)
{
    struct dhcp4_message *message = reader->message;

    switch (code) {
    case DHCP4_OPTION_TYPE:
        message->type = length == 1 ? data[0] : 0;
        return message->type >= DHCP4_DISCOVER && message->type <= DHCP4_INFORM;
    case DHCP4_OPTION_OVERLOAD:
        reader->overload = length == 1 ? data[0] : 0;
        return reader->overload >= OVERLOAD_FILE &&
               reader->overload <= (OVERLOAD_FILE | OVERLOAD_NAME);
    case DHCP4_OPTION_REQUESTED_ADDRESS:
        message->has_requested = true;
        return read_u32(data, length, &message->requested);
    case DHCP4_OPTION_SERVER:
        message->has_server = true;
        return read_u32(data, length, &message->server);
    case DHCP4_OPTION_PARAMETERS:
        message->n_parameters = length;
        memcpy(message->parameters, data, length);
        return true;
    case DHCP4_OPTION_CLIENT_ID:
        message->client_id_length = length;
        memcpy(message->client_id, data, length);
        return length >= 1;
    default:
        return true;
    }
}

/* Reads one field of options, up to its end option or its end. */
static bool
read_options(struct option_reader *reader, const uint8_t *octets, size_t length)
{
    size_t at = 0;

    while (at < length) {
        const uint8_t code = octets[at++];

        if (code == DHCP4_OPTION_PAD)
            continue;
        if (code == DHCP4_OPTION_END)
            return true;
        if (at == length || octets[at] > length - at - 1)
            return false;
        const uint8_t option_length = octets[at++];
        switch (code) {
        case DHCP4_OPTION_TYPE:
        case DHCP4_OPTION_OVERLOAD:
        case DHCP4_OPTION_REQUESTED_ADDRESS:
        case DHCP4_OPTION_SERVER:
        case DHCP4_OPTION_PARAMETERS:
        case DHCP4_OPTION_CLIENT_ID:
            if (reader->seen[code])
                return false;
            break;
        default:
            break;
        }
        reader->seen[code] = true;
        if (!read_option(reader, code, octets + at, option_length))
            return false;
        at += option_length;
    }
    return true;
}

bool
dhcp4_message_parse(const uint8_t *octets, size_t length, struct dhcp4_message *message)
{
    struct dhcp4_header header;
    struct option_reader reader = { .message = message };

    memset(message, 0, sizeof(*message));
    if (length < sizeof(header))
        return false;
    memcpy(&header, octets, sizeof(header));
    if (header.operation != OP_REQUEST || header.hardware_type != HARDWARE_ETHERNET ||
        header.hardware_length != sizeof(struct mac_addr) || header.cookie != htobe32(MAGIC_COOKIE))
        return false;

    message->transaction = header.transaction;
    message->broadcast = (be16toh(header.flags) & FLAG_BROADCAST) != 0;
    message->client_address = be32toh(header.client_address);
    message->relay_address = be32toh(header.relay_address);
    message->hardware = header.hardware;

    if (!read_options(&reader, octets + sizeof(header), length - sizeof(header)))
        return false;
    /* The order of RFC 2131 section 4.1: the file field, then the server name. */
    const uint8_t overload = reader.overload;
    if ((overload & OVERLOAD_FILE) != 0 && !read_options(&reader, header.file, sizeof(header.file)))
        return false;
    if ((overload & OVERLOAD_NAME) != 0 &&
        !read_options(&reader, header.server_name, sizeof(header.server_name)))
        return false;
    return message->type != 0;
}

void
dhcp4_answer_begin(struct dhcp4_builder *builder, uint8_t *octets,
                   const struct dhcp4_message *request, enum dhcp4_type type, uint32_t server,
                   uint32_t client_address, uint32_t your_address)
{
    const struct dhcp4_header header = {
        .operation = OP_REPLY,
        .hardware_type = HARDWARE_ETHERNET,
        .hardware_length = sizeof(struct mac_addr),
        .transaction = request->transaction,
        .flags = htobe16(request->broadcast ? FLAG_BROADCAST : 0),
        .client_address = htobe32(client_address),
        .your_address = htobe32(your_address),
        .hardware = request->hardware,
        .cookie = htobe32(MAGIC_COOKIE),
    };
    const uint8_t type_octet = (uint8_t)type;

    memcpy(octets, &header, sizeof(header));
    *builder = (struct dhcp4_builder){ octets, sizeof(header), false };
    dhcp4_add(builder, DHCP4_OPTION_TYPE, &type_octet, 1);
    dhcp4_add_u32(builder, DHCP4_OPTION_SERVER, server);
    if (request->client_id_length > 0)
        dhcp4_add(builder, DHCP4_OPTION_CLIENT_ID, request->client_id, request->client_id_length);
}

void
dhcp4_add(struct dhcp4_builder *builder, enum dhcp4_option code, const void *data, uint8_t length)
{
    /* The last octet is kept for the end option. */
    if (builder->length + 2u + length + 1u > DHCP4_MESSAGE_MAX) {
        builder->overflow = true;
        return;
    }
    builder->octets[builder->length++] = (uint8_t)code;
    builder->octets[builder->length++] = length;
    memcpy(builder->octets + builder->length, data, length);
    builder->length += length;
}

void
dhcp4_add_u16(struct dhcp4_builder *builder, enum dhcp4_option code, uint16_t value)
{
    const be16 word = htobe16(value);

    dhcp4_add(builder, code, &word, sizeof(word));
}

void
dhcp4_add_u32(struct dhcp4_builder *builder, enum dhcp4_option code, uint32_t value)
{
    const be32 word = htobe32(value);

    dhcp4_add(builder, code, &word, sizeof(word));
}

size_t
dhcp4_answer_end(struct dhcp4_builder *builder)
{
    if (builder->overflow)
        return 0;
    builder->octets[builder->length++] = DHCP4_OPTION_END;
    if (builder->length < DHCP4_MESSAGE_MIN) {
        memset(builder->octets + builder->length, 0, DHCP4_MESSAGE_MIN - builder->length);
        builder->length = DHCP4_MESSAGE_MIN;
    }
    return builder->length;
}
