/*
 * clock.h: what time it is.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

int64_t clock_mono_ms(void);	/* CLOCK_MONOTONIC, milliseconds */
int64_t clock_real_ms(void);	/* CLOCK_REALTIME, milliseconds since 1970 */
int64_t clock_us(clockid_t id); /* any other, microseconds; 0: no such */

#endif
