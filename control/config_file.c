/* SPDX-License-Identifier: BSD-3-Clause */

/* libconfuse gives sections, lists and line numbers; numbers, addresses and names are read here, as
 * strictly as anywhere else. The line of an option is kept in its comment, which libconfuse frees
 * with it. */

#include "control/config_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"

#define END_TEXT "\n" CONFIG_FILE_END " = true\n"

/* libconfuse hands its callbacks no context, and not every section knows its file. */
static _Thread_local struct config_error *complaint;
static _Thread_local const char *file_name;

static void __attribute__((format(printf, 2, 0)))
parse_failed(cfg_t *cfg, const char *format, va_list arguments)
{
    char text[CONFIG_ERROR_MAX / 2];

    if (complaint->text[0] != '\0')
        return; /* the first one tells */
    vsnprintf(text, sizeof(text), format, arguments);
    if (strstr(text, CONFIG_FILE_END) != NULL)
        snprintf(text, sizeof(text), "the file ends inside of a section");
    snprintf(complaint->text, sizeof(complaint->text), "%.200s:%d: %s", file_name, cfg->line, text);
}

/* The whole file with END_TEXT behind it: libconfuse takes the end of a file for the end of every
 * open section and comment. @return NULL after a complaint. */
static char *
text_read(FILE *file, const char *name, struct config_error *error)
{
    char *text = NULL, *longer;
    size_t room = 0;
    ssize_t length = getdelim(&text, &room, '\0', file);
    const char *problem = NULL;

    if (length < 0 && ferror(file))
        problem = strerror(errno);
    else if (length > 0 && text[length - 1] == '\0')
        problem = "not a text: it holds a zero octet";
    if (length < 0)
        length = 0; /* an empty file */
    longer = problem == NULL ? realloc(text, (size_t)length + sizeof(END_TEXT)) : NULL;
    if (longer == NULL) {
        snprintf(error->text, sizeof(error->text), "%.200s: %s", name,
                 problem != NULL ? problem : "out of memory");
        free(text);
        return NULL;
    }
    memcpy(longer + length, END_TEXT, sizeof(END_TEXT));
    return longer;
}

cfg_t *
config_file_parse(FILE *file, const char *name, cfg_opt_t *schema, struct config_error *error)
{
    cfg_t *cfg = NULL;
    char *text;

    memset(error, 0, sizeof(*error));
    text = text_read(file, name, error);
    if (text == NULL)
        return NULL;
    cfg = cfg_init(schema, CFGF_NONE);
    if (cfg == NULL) {
        snprintf(error->text, sizeof(error->text), "%.200s: out of memory", name);
        goto failed;
    }
    complaint = error;
    file_name = name;
    cfg_set_error_function(cfg, parse_failed);
    if (cfg_parse_buf(cfg, text) != CFG_SUCCESS) {
        if (error->text[0] == '\0')
            cfg_error(cfg, "a key, its value or a section is expected");
        goto failed;
    }
    if (cfg_size(cfg, CONFIG_FILE_END) == 0) {
        cfg_error(cfg, "the file ends inside of a comment");
        goto failed;
    }
    free(text);
    return cfg;

failed:
    free(text);
    if (cfg != NULL)
        cfg_free(cfg);
    return NULL;
}

/* libconfuse calls for each item of a list, and once more at the list's end: a list that begins
 * again is seen by a count that falls, or by a third time that it is one. */
static bool
is_given_twice(const cfg_opt_t *option, unsigned items, unsigned ones)
{
    if ((option->flags & CFGF_LIST) == 0)
        return true;
    return option->nvalues < items || (option->nvalues == 1 && ones == 2);
}

int
config_file_note(cfg_t *section, cfg_opt_t *option)
{
    unsigned items = 0, ones = 0;
    int line = section->line;
    char note[48];

    if (option->comment != NULL) {
        if (sscanf(option->comment, "%d %u %u", &line, &items, &ones) == 3 &&
            is_given_twice(option, items, ones)) {
            option->comment[0] = '\0'; /* the line of the second time is told */
            config_file_refuse(section, option->name, complaint, "is given twice");
            return -1;
        }
    }
    snprintf(note, sizeof(note), "%d %u %u", line, option->nvalues, ones + (option->nvalues == 1));
    return cfg_opt_setcomment(option, note) == CFG_SUCCESS ? 0 : -1;
}

static int
line_of(cfg_t *section, const char *key)
{
    cfg_opt_t *option = key == NULL ? NULL : cfg_getopt(section, key);
    const bool root = strcmp(cfg_name(section), "root") == 0;

    if (option != NULL && option->comment != NULL && option->comment[0] != '\0')
        return atoi(option->comment);
    /* what the file as a whole lacks stands in no line */
    return root && key == NULL ? 0 : section->line;
}

int
config_file_refuse(cfg_t *section, const char *key, struct config_error *error, const char *format,
                   ...)
{
    const char *title = cfg_title(section);
    const int line = line_of(section, key);
    char text[CONFIG_ERROR_MAX / 2], where[64 + VPN_NAME_MAX] = "", at[16] = "";
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (title != NULL)
        snprintf(where, sizeof(where), "%s \"%.*s\"", cfg_name(section), VPN_NAME_MAX, title);
    else if (strcmp(cfg_name(section), "root") != 0)
        snprintf(where, sizeof(where), "%s", cfg_name(section));
    snprintf(error->field, sizeof(error->field), "%s", key == NULL ? "" : key);
    if (line > 0)
        snprintf(at, sizeof(at), ":%d", line);
    snprintf(error->text, sizeof(error->text), "%.120s%s: %s%s%s%s%.200s", file_name, at, where,
             where[0] != '\0' && key != NULL ? " " : "", key == NULL ? "" : key,
             where[0] != '\0' || key != NULL ? ": " : "", text);
    return -EINVAL;
}

unsigned
config_file_items(cfg_t *section, const char *key)
{
    return cfg_size(section, key);
}

const char *
config_file_item(cfg_t *section, const char *key, unsigned n)
{
    return cfg_getnstr(section, key, n);
}

const char *
config_file_text(cfg_t *section, const char *key)
{
    return cfg_size(section, key) == 0 ? NULL : cfg_getstr(section, key);
}

int
config_file_require(cfg_t *section, const char *key, const char *what, struct config_error *error)
{
    if (cfg_size(section, key) > 0)
        return 0;
    return config_file_refuse(section, key, error, "%s is expected, but the key is missing", what);
}

int
config_file_copy(cfg_t *section, const char *key, char *to, size_t size, struct config_error *error)
{
    const char *text = config_file_text(section, key);

    if (text == NULL)
        return 0;
    if (text[0] == '\0' || strlen(text) >= size)
        return config_file_refuse(section, key, error, "1 to %zu octets are expected", size - 1);
    memcpy(to, text, strlen(text) + 1);
    return 0;
}

int
config_file_number(cfg_t *section, const char *key, uint32_t min, uint32_t max, uint32_t *value,
                   struct config_error *error)
{
    const char *text = config_file_text(section, key);
    uint32_t number;

    if (text == NULL)
        return 0;
    if (text_parse_u32(text, max, &number) < 0 || number < min)
        return config_file_refuse(section, key, error,
                                  "a number from %u to %u is expected, not \"%.40s\"", min, max,
                                  text);
    *value = number;
    return 0;
}

int
config_file_bool(cfg_t *section, const char *key, bool *value, struct config_error *error)
{
    const char *text = config_file_text(section, key);

    if (text == NULL)
        return 0;
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return config_file_refuse(section, key, error, "true or false is expected, not \"%.40s\"",
                                  text);
    *value = text[0] == 't';
    return 0;
}

int
config_file_address(cfg_t *section, const char *key, uint8_t family, struct ip_addr *addr,
                    struct config_error *error)
{
    const char *text = config_file_text(section, key);
    const char *name = family == IP_V4 ? "IPv4 " : family == IP_V6 ? "IPv6 " : "";
    struct ip_addr parsed;

    if (text == NULL)
        return 0;
    if (ip_addr_parse(text, &parsed) < 0 || (family != IP_NONE && parsed.family != family) ||
        !(ip_addr_is_unicast(&parsed) || (family == IP_V6 && ip_addr_is_link_local(&parsed))))
        return config_file_refuse(section, key, error,
                                  "the %saddress of one host is expected, not \"%.40s\"", name,
                                  text);
    *addr = parsed;
    return 0;
}
