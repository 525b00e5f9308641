/* SPDX-License-Identifier: BSD-3-Clause */

/* What millrace is called with: see options.h. */

#include "control/options.h"

#include <getopt.h>
#include <stdio.h>

#include "lib/base/log.h"

#define CONFIG_PATH_DEFAULT "/etc/millrace/millrace.conf"

static void
print_help(FILE *to)
{
    fprintf(to,
            "usage: millrace [-c FILE] [-l LEVEL] [--check-config [FILE]]\n"
            "\n"
            "The vRouter: forwards between virtual interfaces and an MPLS-over-UDP/GRE underlay.\n"
            "\n"
            "  -c, --config FILE          configuration (default " CONFIG_PATH_DEFAULT ")\n"
            "  -C, --check-config         check the configuration and end\n"
            "  -l, --log-level LEVEL      error, warning, info (default) or debug\n"
            "  -V, --version              print the version\n"
            "  -h, --help                 print this\n"
            "\n"
            "See millrace(8), millrace.conf(5); millracectl(8) talks to a running one.\n");
}

int
options_read(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        { "config", required_argument, NULL, 'c' },
        { "check-config", no_argument, NULL, 'C' },
        { "log-level", required_argument, NULL, 'l' },
        { "version", no_argument, NULL, 'V' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int option, level;

    *options = (struct options){ .config_path = CONFIG_PATH_DEFAULT };
    while ((option = getopt_long(argc, argv, "c:Cl:Vh", known, NULL)) != -1) {
        switch (option) {
        case 'c':
            options->config_path = optarg;
            break;
        case 'C':
            options->check_only = true;
            break;
        case 'l':
            level = log_level_parse(optarg);
            if (level < 0) {
                fprintf(stderr, "millrace: --log-level: error, warning, info or debug, not %s\n",
                        optarg);
                return EXIT_STATUS_USAGE;
            }
            log_level_set((enum log_level)level);
            break;
        case 'V':
            printf("millrace %s\n", MILLRACE_VERSION);
            return EXIT_STATUS_OK;
        case 'h':
            print_help(stdout);
            return EXIT_STATUS_OK;
        default:
            fprintf(stderr, "millrace: see millrace --help\n");
            return EXIT_STATUS_USAGE;
        }
    }
    if (optind < argc && options->check_only && optind + 1 == argc)
        options->config_path = argv[optind++];
    if (optind < argc) {
        fprintf(stderr, "millrace: %s: no such argument; see millrace --help\n", argv[optind]);
        return EXIT_STATUS_USAGE;
    }
    return -1;
}
