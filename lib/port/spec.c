/* SPDX-License-Identifier: BSD-3-Clause */

/* Port specifications: the text form, strictly. What a driver would take for an option of its own
 * (commas, brackets, quotes) is refused here, so that a name stays a name. */

#include "lib/port/spec.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"

#define SOCKET_PATH_MAX       107
#define VHOST_SOCKET_PATH_MAX 105 /* see vhost.h */

static const struct {
    const char *prefix;
    enum port_kind kind;
} kinds[] = {
    { "tap:", PORT_TAP },     { "af_packet:", PORT_AF_PACKET }, { "af_xdp:", PORT_AF_XDP },
    { "memif:", PORT_MEMIF }, { "vhost:", PORT_VHOST },         { "pcap:", PORT_PCAP },
    { "null:", PORT_NULL },
};

static int __attribute__((format(printf, 3, 4)))
refuse(char *error, size_t error_size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error, error_size, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static bool
is_interface_name(const char *name)
{
    return text_is_ascii_name(name, IFNAMSIZ - 1) && strpbrk(name, "/:,=[]()\"'\\%") == NULL &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static bool
is_path(const char *path)
{
    return text_is_ascii_name(path, PORT_SPEC_MAX - 1) && strpbrk(path, "=[]()\"'\\") == NULL;
}

static bool
is_pci_address(const char *text)
{
    static const char form[] = "xxxx:xx:xx.x";

    if (strlen(text) != sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        if (form[i] == 'x' ? !isxdigit((unsigned char)text[i]) : text[i] != form[i])
            return false;
    }
    return true;
}

/* One of the options behind a socket: "id=7", "role=client", "client=1". */
static int
option_parse(const char *option, struct port_spec *spec, char *error, size_t error_size)
{
    if (spec->kind == PORT_MEMIF && strncmp(option, "id=", 3) == 0) {
        if (text_parse_u32(option + 3, UINT32_MAX, &spec->id) < 0)
            return refuse(error, error_size, "id: a number from 0 to 4294967295 is expected");
        return 0;
    }
    if (spec->kind == PORT_MEMIF && strncmp(option, "role=", 5) == 0) {
        spec->client = strcmp(option + 5, "client") == 0;
        if (!spec->client && strcmp(option + 5, "server") != 0)
            return refuse(error, error_size, "role: \"server\" or \"client\" is expected");
        return 0;
    }
    if (spec->kind == PORT_VHOST && strncmp(option, "client=", 7) == 0) {
        spec->client = strcmp(option + 7, "1") == 0;
        if (!spec->client && strcmp(option + 7, "0") != 0)
            return refuse(error, error_size, "client: 0 or 1 is expected");
        return 0;
    }
    return refuse(error, error_size, "unknown option \"%.40s\"", option);
}

static int
socket_parse(char *rest, struct port_spec *spec, char *error, size_t error_size)
{
    char *save = NULL;
    char *path = strtok_r(rest, ",", &save);
    const int longest = spec->kind == PORT_VHOST ? VHOST_SOCKET_PATH_MAX : SOCKET_PATH_MAX;

    if (path == NULL || !is_path(path) || strlen(path) > (size_t)longest || path[0] != '/')
        return refuse(error, error_size,
                      "the absolute path of a socket (at most %d octets) is expected", longest);
    snprintf(spec->target, sizeof(spec->target), "%s", path);
    for (char *option = strtok_r(NULL, ",", &save); option != NULL;
         option = strtok_r(NULL, ",", &save)) {
        if (option_parse(option, spec, error, error_size) < 0)
            return -EINVAL;
    }
    return 0;
}

static int
pcap_parse(char *rest, struct port_spec *spec, char *error, size_t error_size)
{
    char *save = NULL, *rx = strtok_r(rest, ",", &save), *tx = strtok_r(NULL, ",", &save);
    char *option = strtok_r(NULL, ",", &save);

    spec->loop = option != NULL && strcmp(option, "loop") == 0;
    if (rx == NULL || tx == NULL || !is_path(rx) || !is_path(tx) ||
        (option != NULL && !spec->loop) || strtok_r(NULL, ",", &save) != NULL)
        return refuse(error, error_size, "RX_FILE,TX_FILE or RX_FILE,TX_FILE,loop is expected");
    snprintf(spec->target, sizeof(spec->target), "%s", rx);
    snprintf(spec->second, sizeof(spec->second), "%s", tx);
    return 0;
}

static int
target_parse(char *rest, struct port_spec *spec, char *error, size_t error_size)
{
    switch (spec->kind) {
    case PORT_TAP:
    case PORT_AF_PACKET:
    case PORT_AF_XDP:
        if (!is_interface_name(rest))
            return refuse(error, error_size, "an interface name of at most %d octets is expected",
                          IFNAMSIZ - 1);
        snprintf(spec->target, sizeof(spec->target), "%s", rest);
        return 0;
    case PORT_MEMIF:
    case PORT_VHOST:
        return socket_parse(rest, spec, error, error_size);
    case PORT_PCAP:
        return pcap_parse(rest, spec, error, error_size);
    case PORT_NULL:
        if (rest[0] == '\0' || is_interface_name(rest))
            return 0; /* the name tells it from others, and is nothing else */
        return refuse(error, error_size, "nothing or a name is expected behind \"null:\"");
    case PORT_PCI:
        break;
    }
    return -EINVAL;
}

int
port_spec_parse(const char *text, struct port_spec *spec, char *error, size_t error_size)
{
    char rest[PORT_SPEC_MAX];

    memset(spec, 0, sizeof(*spec));
    if (strlen(text) >= PORT_SPEC_MAX)
        return refuse(error, error_size, "at most %d octets are expected", PORT_SPEC_MAX - 1);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t length = strlen(kinds[i].prefix);
        if (strncmp(text, kinds[i].prefix, length) != 0)
            continue;
        spec->kind = kinds[i].kind;
        snprintf(rest, sizeof(rest), "%s", text + length);
        return target_parse(rest, spec, error, error_size);
    }
    if (!is_pci_address(text))
        return refuse(error, error_size,
                      "tap:NAME, af_packet:NAME, af_xdp:NAME, memif:SOCKET, vhost:SOCKET, "
                      "pcap:RX_FILE,TX_FILE, null:NAME or a PCI address is expected");
    spec->kind = PORT_PCI;
    snprintf(spec->target, sizeof(spec->target), "%s", text);
    return 0;
}
