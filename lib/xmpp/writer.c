/* SPDX-License-Identifier: BSD-3-Clause */

/* XML out: escaping, and a queue of octets that grows up to its bound. */

#include "lib/xmpp/writer.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN 4096

void
xml_writer_init(struct xml_writer *writer, size_t max)
{
    *writer = (struct xml_writer){ .max = max };
}

void
xml_writer_clear(struct xml_writer *writer)
{
    free(writer->data);
    *writer = (struct xml_writer){ .max = writer->max };
}

void
xml_writer_consume(struct xml_writer *writer, size_t octets)
{
    size_t pending = xml_writer_pending(writer);

    writer->head += octets < pending ? octets : pending;
    if (writer->head == writer->tail) {
        writer->head = writer->tail = 0;
        /* A burst's memory is not kept for a quiet session. */
        if (writer->capacity > 4 * CAPACITY_MIN) {
            free(writer->data);
            writer->data = NULL;
            writer->capacity = 0;
        }
    }
}

void
xml_writer_rewind(struct xml_writer *writer, size_t pending)
{
    if (pending < xml_writer_pending(writer))
        writer->tail = writer->head + pending;
    writer->full = false;
}

/* Makes room for `length` octets at the tail. */
static bool
make_room(struct xml_writer *writer, size_t length)
{
    size_t pending = xml_writer_pending(writer);

    if (writer->full || length > writer->max || pending > writer->max - length) {
        writer->full = true;
        return false;
    }
    if (length <= writer->capacity - writer->tail)
        return true;
    if (writer->head >= writer->capacity / 2 && pending + length <= writer->capacity) {
        memmove(writer->data, writer->data + writer->head, pending);
    } else {
        size_t capacity = writer->capacity > 0 ? writer->capacity : CAPACITY_MIN;

        while (capacity < pending + length)
            capacity *= 2;
        if (capacity == writer->capacity)
            capacity *= 2;
        char *data = malloc(capacity);
        if (data == NULL) {
            writer->full = true;
            return false;
        }
        if (pending > 0)
            memcpy(data, writer->data + writer->head, pending);
        free(writer->data);
        writer->data = data;
        writer->capacity = capacity;
    }
    writer->head = 0;
    writer->tail = pending;
    return true;
}

void
xml_write_octets(struct xml_writer *writer, const char *octets, size_t length)
{
    if (length > 0 && make_room(writer, length)) {
        memcpy(writer->data + writer->tail, octets, length);
        writer->tail += length;
    }
}

void
xml_write(struct xml_writer *writer, const char *markup)
{
    xml_write_octets(writer, markup, strlen(markup));
}

/*
 * The octets of the UTF-8 character at `text` if XML 1.0 may carry it, else 0. Follows the table of
 * well-formed sequences in RFC 3629 section 4, which has no surrogates and no overlong forms.
 */
static size_t
character_octets(const unsigned char *text)
{
    unsigned first = text[0];
    unsigned low = 0x80, high = 0xbf;
    size_t octets;

    if (first < 0x80)
        return first >= 0x20 || first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
    if (first >= 0xc2 && first <= 0xdf)
        octets = 2;
    else if (first >= 0xe0 && first <= 0xef)
        octets = 3;
    else if (first >= 0xf0 && first <= 0xf4)
        octets = 4;
    else
        return 0;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    for (size_t i = 1; i < octets; i++) {
        if (text[i] < low || text[i] > high)
            return 0;
        low = 0x80;
        high = 0xbf;
    }
    if (first == 0xef && text[1] == 0xbf && text[2] >= 0xbe)
        return 0; /* U+FFFE and U+FFFF */
    return octets;
}

static const char *
escape_of(char c)
{
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '\'':
        return "&apos;";
    case '"':
        return "&quot;";
    case '\r':
        return "&#13;"; /* a parser would turn these into blanks or newlines */
    case '\n':
        return "&#10;";
    case '\t':
        return "&#9;";
    default:
        return NULL;
    }
}

void
xml_write_text(struct xml_writer *writer, const char *text)
{
    const char *run = text; /* start of what needs no change */

    while (*text != '\0') {
        size_t octets = character_octets((const unsigned char *)text);
        const char *instead = octets == 0 ? "\xef\xbf\xbd" : escape_of(*text);

        if (instead != NULL) {
            xml_write_octets(writer, run, (size_t)(text - run));
            xml_write(writer, instead);
            run = text + 1;
            octets = 1;
        }
        text += octets;
    }
    xml_write_octets(writer, run, (size_t)(text - run));
}

void
xml_write_attribute(struct xml_writer *writer, const char *name, const char *value)
{
    if (value == NULL)
        return;
    xml_write(writer, " ");
    xml_write(writer, name);
    xml_write(writer, "='");
    xml_write_text(writer, value);
    xml_write(writer, "'");
}

void
xml_write_number(struct xml_writer *writer, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    xml_write_octets(writer, digits + at, sizeof(digits) - at);
}

void
xml_write_leaf(struct xml_writer *writer, const char *name, const char *text)
{
    xml_write(writer, "<");
    xml_write(writer, name);
    xml_write(writer, ">");
    xml_write_text(writer, text);
    xml_write(writer, "</");
    xml_write(writer, name);
    xml_write(writer, ">");
}
