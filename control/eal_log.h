/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** Has DPDK's messages written as log lines of area "dpdk" (those of the TAP driver, which
 * complains about kernels without a qdisc that we don't use, on level debug). Before
 * rte_eal_init().
 * @return 0 or -ENOMEM. */
int eal_log_redirect(void);
