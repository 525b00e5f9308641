/* SPDX-License-Identifier: BSD-3-Clause */

/* millracectl explain: the packet may be in a file of tcpdump's; the answer is a line a stage. */

#include "control/cli/perform.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <pcap/pcap.h>

#include "lib/base/text.h"

static bool
is_file(const char *path)
{
    struct stat what;

    return stat(path, &what) == 0 && !S_ISDIR(what.st_mode);
}

/* Puts the `number`th packet of an open file into the parameters. @return 0 or -EREMOTEIO. */
static int
take_packet(pcap_t *file, const char *path, int64_t number, json_t *params,
            struct rpc_client_error *error)
{
    const int link = pcap_datalink(file);
    struct pcap_pkthdr *header;
    const u_char *octets;
    int status = 0;

    if (link != DLT_EN10MB && link != DLT_RAW && link != DLT_IPV4 && link != DLT_IPV6)
        return cli_refuse(error, path, "its packets begin neither with Ethernet nor with IP (%s)",
                          pcap_datalink_val_to_name(link));
    for (int64_t i = 0; i < number; i++) {
        status = pcap_next_ex(file, &header, &octets);
        if (status != 1)
            break;
    }
    if (status == PCAP_ERROR_BREAK)
        return cli_refuse(error, path, "it has fewer than %lld packets", (long long)number);
    if (status != 1)
        return cli_refuse(error, path, "%s", pcap_geterr(file));

    char *hex = text_hex(octets, header->caplen);

    json_object_set_new(params, "packet", json_string(hex == NULL ? "" : hex));
    json_object_set_new(params, "link", json_string(link == DLT_EN10MB ? "ethernet" : "ip"));
    free(hex);
    return 0;
}

/* A packet that is a file's name becomes that file's packet. */
static int
read_file(json_t *params, int64_t number, struct rpc_client_error *error)
{
    char problem[PCAP_ERRBUF_SIZE], path[1024];
    pcap_t *file;
    int status;

    snprintf(path, sizeof(path), "%s", json_string_value(json_object_get(params, "packet")));
    file = pcap_open_offline(path, problem);
    if (file == NULL)
        return cli_refuse(error, path, "%s", problem);
    status = take_packet(file, path, number, params, error);
    pcap_close(file);
    return status;
}

/* What may be octets in hexadecimal digits: anything else without an arrow is meant as a file. */
static bool
is_hexadecimal(const char *text)
{
    return text[strspn(text, "0123456789abcdefABCDEF: \t\n")] == '\0';
}

void
cli_print_steps(FILE *out, const json_t *steps, const char *indent)
{
    const json_t *step;
    size_t i;

    json_array_foreach(steps, i, step)
    {
        const char *stage = json_string_value(json_object_get(step, "stage"));
        const char *text = json_string_value(json_object_get(step, "text"));

        fprintf(out, "%s%-8s %s\n", indent, stage == NULL ? "-" : stage, text == NULL ? "" : text);
    }
}

int
cli_explain(struct rpc_client *client, json_t *params, bool json, struct rpc_client_error *error)
{
    const char *packet = json_string_value(json_object_get(params, "packet"));
    const json_t *number = json_object_get(params, CLI_LOCAL "number");
    const int64_t nth = number == NULL ? 1 : json_integer_value(number);
    json_t *result;
    int status = 0;

    if (nth < 1)
        return cli_refuse(error, "-n", "packets are numbered from 1");
    if (strchr(packet, '>') == NULL && is_file(packet))
        status = read_file(params, nth, error);
    else if (strchr(packet, '>') == NULL && !is_hexadecimal(packet))
        return cli_refuse(error, packet,
                          "no such file; as a description, PROTOCOL ADDRESS > ADDRESS is expected");
    else if (number != NULL)
        return cli_refuse(error, "-n", "only a file has several packets");
    json_object_del(params, CLI_LOCAL "number");
    if (status == 0)
        status = rpc_client_call(client, "route.explain", json_incref(params), &result, error);
    if (status != 0)
        return status;
    if (json) {
        json_dumpf(result, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        cli_print_steps(stdout, json_object_get(result, "steps"), "");
    }
    json_decref(result);
    return 0;
}
