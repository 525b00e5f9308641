/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What the writer (snapshot.c) and the reader (snapshot_load.c) of the RIB's snapshot share. */

#include <stddef.h>
#include <stdint.h>

#define SNAPSHOT_MAGIC          "millrace-rib"
#define SNAPSHOT_VERSION        1u
#define SNAPSHOT_CHECKSUM_START 0xcbf29ce484222325u

/** Goes on with a checksum over `length` octets more. */
uint64_t snapshot_checksum(uint64_t sum, const char *text, size_t length);
