/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Output of XML into a growing buffer with a bound, which is also the queue of octets that wait
 * for the socket. Once the bound is hit nothing more is taken and `full` stays set.
 * One thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xml_writer {
    char *data;
    size_t head;     /* first octet not yet consumed */
    size_t tail;     /* end of what was written */
    size_t capacity; /* octets of `data` */
    size_t max;      /* bound on tail - head */
    bool full;       /* something did not fit, or memory ran out */
};

/** An empty writer for at most `max` octets waiting at a time. */
void xml_writer_init(struct xml_writer *writer, size_t max);

/** Frees the buffer. */
void xml_writer_clear(struct xml_writer *writer);

/** The octets that wait. */
static inline size_t
xml_writer_pending(const struct xml_writer *writer)
{
    return writer->tail - writer->head;
}

/** Drops the first `octets` of those that wait (at most all of them). */
void xml_writer_consume(struct xml_writer *writer, size_t octets);

/** Takes back what was written since `pending` octets waited, and clears `full`. */
void xml_writer_rewind(struct xml_writer *writer, size_t pending);

/** Appends octets as they are: mark-up. */
void xml_write(struct xml_writer *writer, const char *markup);
void xml_write_octets(struct xml_writer *writer, const char *octets, size_t length);

/** Appends text with the five special characters escaped, fit for content and attribute values.
 * What XML 1.0 cannot carry (controls, octets that are not UTF-8) becomes U+FFFD. */
void xml_write_text(struct xml_writer *writer, const char *text);

/** Appends ` name='value'` with the value escaped; nothing if `value` is NULL. */
void xml_write_attribute(struct xml_writer *writer, const char *name, const char *value);

/** Appends a decimal number. */
void xml_write_number(struct xml_writer *writer, uint64_t number);

/** Appends `<name>text</name>` with the text escaped. */
void xml_write_leaf(struct xml_writer *writer, const char *name, const char *text);
