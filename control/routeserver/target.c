/* SPDX-License-Identifier: BSD-3-Clause */

/* Route targets: text and extended community. */

#include "control/routeserver/target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/net/addr.h"

/* The first two octets: type and sub-type (2, route target). */
#define TYPE_AS2     0x0002u /* 2 octets of AS, 4 of number */
#define TYPE_ADDRESS 0x0102u /* 4 octets of IPv4 address, 2 of number */
#define TYPE_AS4     0x0202u /* 4 octets of AS, 2 of number */

static uint64_t
with_type(uint64_t type, uint64_t value)
{
    return type << 48 | value;
}

int
route_target_parse(const char *text, uint64_t *target)
{
    const char *colon = strchr(text, ':');
    char left[IP_ADDR_TEXT_MAX];
    struct ip_addr addr;
    uint32_t as, number;

    if (colon == NULL || (size_t)(colon - text) >= sizeof(left))
        return -EINVAL;
    memcpy(left, text, (size_t)(colon - text));
    left[colon - text] = '\0';
    if (text_parse_u32(colon + 1, UINT32_MAX, &number) != 0)
        return -EINVAL;

    if (text_parse_u32(left, UINT32_MAX, &as) == 0) {
        if (as > UINT16_MAX && number > UINT16_MAX)
            return -EINVAL;
        *target = as <= UINT16_MAX ? with_type(TYPE_AS2, (uint64_t)as << 32 | number)
                                   : with_type(TYPE_AS4, (uint64_t)as << 16 | number);
        return 0;
    }
    if (ip_addr_parse(left, &addr) != 0 || addr.family != IP_V4 || number > UINT16_MAX)
        return -EINVAL;
    *target = with_type(TYPE_ADDRESS, (uint64_t)ip_addr_to_v4(&addr) << 16 | number);
    return 0;
}

const char *
route_target_format(uint64_t target, char text[ROUTE_TARGET_TEXT_MAX])
{
    struct ip_addr addr = ip_addr_from_v4((uint32_t)(target >> 16));
    char addr_text[IP_ADDR_TEXT_MAX];

    switch (target >> 48) {
    case TYPE_AS2:
        snprintf(text, ROUTE_TARGET_TEXT_MAX, "%u:%" PRIu32, (unsigned)(target >> 32 & 0xffff),
                 (uint32_t)target);
        break;
    case TYPE_ADDRESS:
        snprintf(text, ROUTE_TARGET_TEXT_MAX, "%.15s:%u", ip_addr_format(&addr, addr_text),
                 (unsigned)(target & 0xffff));
        break;
    default:
        snprintf(text, ROUTE_TARGET_TEXT_MAX, "%" PRIu32 ":%u", (uint32_t)(target >> 16),
                 (unsigned)(target & 0xffff));
        break;
    }
    return text;
}
