/* SPDX-License-Identifier: BSD-3-Clause */

/* Strict readers for numbers and names that come from configuration, XML and the control socket. */

#include "lib/base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
text_parse_u64(const char *text, uint64_t max, uint64_t *value)
{
    uint64_t sum = 0;

    if (*text == '\0')
        return -EINVAL;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return -EINVAL;
        uint64_t digit = (uint64_t)(*text - '0');
        if (sum > (UINT64_MAX - digit) / 10)
            return -ERANGE;
        sum = sum * 10 + digit;
    }
    if (sum > max)
        return -ERANGE;
    *value = sum;
    return 0;
}

int
text_parse_u32(const char *text, uint32_t max, uint32_t *value)
{
    uint64_t wide;
    int error = text_parse_u64(text, max, &wide);

    if (error == 0)
        *value = (uint32_t)wide;
    return error;
}

int
text_parse_bit_rate(const char *text, uint64_t max, uint64_t *bits)
{
    static const struct {
        const char *name;
        uint64_t bits;
    } units[] = {
        { "", 1 }, { "bit", 1 }, { "kbit", 1000 }, { "Mbit", 1000000 }, { "Gbit", 1000000000 },
    };
    const size_t digits = strspn(text, "0123456789");
    char number[24];
    uint64_t value;

    if (digits >= sizeof(number))
        return -ERANGE;
    memcpy(number, text, digits);
    number[digits] = '\0';
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(text + digits, units[i].name) != 0)
            continue;
        int error = text_parse_u64(number, max / units[i].bits, &value);
        if (error == 0)
            *bits = value * units[i].bits;
        return error;
    }
    return -EINVAL;
}

bool
text_is_ascii_name(const char *text, size_t max_length)
{
    size_t length = 0;

    for (; text[length] != '\0'; length++) {
        if (length == max_length || text[length] <= ' ' || text[length] > '~')
            return false;
    }
    return length > 0;
}

char *
text_hex(const void *octets, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *at = octets;
    char *text = malloc(2 * length + 1);

    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < length; i++) {
        text[2 * i] = digits[at[i] >> 4];
        text[2 * i + 1] = digits[at[i] & 15];
    }
    text[2 * length] = '\0';
    return text;
}

static int
digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int
text_unhex(const char *text, uint8_t *octets, size_t room, size_t *length)
{
    *length = 0;
    while (*text != '\0') {
        if (*text == ' ' || *text == ':' || *text == '\n') {
            text++;
            continue;
        }

        const int high = digit_of(text[0]), low = high < 0 ? -1 : digit_of(text[1]);

        if (low < 0)
            return -EINVAL;
        if (*length == room)
            return -EMSGSIZE;
        octets[(*length)++] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    return 0;
}
