/* SPDX-License-Identifier: MIT */
/* Strips: pixels that cannot be converted where they lie pass through a small buffer, some rows at
 * a time. */
#pragma once

/* Bytes. Small enough to stay in a cache, and larger than the widest row that a layout allows. */
#define STRIP_SIZE (256u * 1024)
/* Rows that go through a strip begin at whole samples of every plane of any output: at multiples of
 * this. */
#define STRIP_ROWS 2
