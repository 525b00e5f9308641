/* SPDX-License-Identifier: BSD-3-Clause */

/* Captures as pcapng: see pcapng.h. Numbers are in the machine's own order, as the format wants;
 * everything is padded to 32 bits. */

#include "control/cli/pcapng.h"

#include <string.h>

enum block { BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1, BLOCK_PACKET = 6 };

enum option {
    OPTION_END = 0,
    OPTION_COMMENT = 1,
    OPTION_SECTION_PROGRAM = 4,
    OPTION_INTERFACE_NAME = 2,
    OPTION_INTERFACE_RESOLUTION = 9,
    OPTION_PACKET_FLAGS = 2,
};

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define NANOSECONDS      9 /* resolution: 10^-9 s */
#define INBOUND          1u
#define OUTBOUND         2u
#define COMMENT_MAX      1024

static uint32_t
padded(uint32_t octets)
{
    return (octets + 3) & ~3u;
}

static void
put(FILE *file, const void *octets, uint32_t length)
{
    static const uint8_t zeros[4];

    fwrite(octets, 1, length, file);
    fwrite(zeros, 1, padded(length) - length, file);
}

static void
put_u32(FILE *file, uint32_t value)
{
    put(file, &value, sizeof(value));
}

static uint32_t
option_octets(uint32_t length)
{
    return 4 + padded(length);
}

static void
put_option(FILE *file, enum option code, const void *value, uint32_t length)
{
    const uint16_t head[2] = { (uint16_t)code, (uint16_t)length };

    put(file, head, sizeof(head));
    put(file, value, length);
}

/* A block's type and its length, which stands at both ends. `body` is what is between. */
static uint32_t
put_head(FILE *file, enum block type, uint32_t body)
{
    const uint32_t total = 12 + body;

    put_u32(file, type);
    put_u32(file, total);
    return total;
}

void
pcapng_begin(FILE *file, const char *interface, uint16_t link, uint32_t snaplen)
{
    static const char program[] = "millracectl " MILLRACE_VERSION;
    static const uint16_t version[2] = { 1, 0 };
    static const uint64_t section_length = UINT64_MAX; /* not known */
    const uint32_t name_length = (uint32_t)strlen(interface);
    const uint16_t link_and_reserved[2] = { link, 0 };
    const uint8_t resolution = NANOSECONDS;
    uint32_t total;

    total = put_head(file, BLOCK_SECTION, 16 + option_octets(sizeof(program) - 1) + 4);
    put_u32(file, BYTE_ORDER_MAGIC);
    put(file, version, sizeof(version));
    put(file, &section_length, sizeof(section_length));
    put_option(file, OPTION_SECTION_PROGRAM, program, sizeof(program) - 1);
    put_u32(file, OPTION_END);
    put_u32(file, total);

    total = put_head(file, BLOCK_INTERFACE, 8 + option_octets(name_length) + option_octets(1) + 4);
    put(file, link_and_reserved, sizeof(link_and_reserved));
    put_u32(file, snaplen);
    put_option(file, OPTION_INTERFACE_NAME, interface, name_length);
    put_option(file, OPTION_INTERFACE_RESOLUTION, &resolution, 1);
    put_u32(file, OPTION_END);
    put_u32(file, total);
}

void
pcapng_packet(FILE *file, uint64_t time_ns, bool inbound, const void *octets, uint32_t kept,
              uint32_t length, const char *comment)
{
    const uint32_t flags = inbound ? INBOUND : OUTBOUND;
    const uint32_t comment_length = comment == NULL ? 0 : (uint32_t)strnlen(comment, COMMENT_MAX);
    const uint32_t options =
        option_octets(sizeof(flags)) + (comment_length > 0 ? option_octets(comment_length) : 0) + 4;
    const uint32_t total = put_head(file, BLOCK_PACKET, 20 + padded(kept) + options);

    put_u32(file, 0); /* the one interface */
    put_u32(file, (uint32_t)(time_ns >> 32));
    put_u32(file, (uint32_t)time_ns);
    put_u32(file, kept);
    put_u32(file, length);
    put(file, octets, kept);
    put_option(file, OPTION_PACKET_FLAGS, &flags, sizeof(flags));
    if (comment_length > 0)
        put_option(file, OPTION_COMMENT, comment, comment_length);
    put_u32(file, OPTION_END);
    put_u32(file, total);
}
