/*
 * clock.h: what time it is.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

int64_t clock_mono_ms(void); /* CLOCK_MONOTONIC, milliseconds */
int64_t clock_mono_us(void); /* the same, microseconds */
int64_t clock_real_ms(void); /* CLOCK_REALTIME, milliseconds since 1970 */
int64_t
clock_us(clockid_t id); /* any, microseconds; 0: no such; never a test's */

/* RFC 3339 in UTC with milliseconds, "2026-01-31T23:59:59.123Z"; buf. */
#define CLOCK_TEXT 32
char *clock_format(int64_t real_ms, char buf[CLOCK_TEXT]);

/*
 * For tests: the clocks are variables that a test may set, for the whole
 * process.
 *
 * A frozen clock stands still until it is moved; an event loop on frozen
 * clocks does not sleep, it moves them to what is due next (loop.h).
 * Shifting adds to each clock, frozen or running: by the same amount, time
 * passes; the wall clock alone, somebody set it.  clock_release_for_tests()
 * gives the kernel's clocks back.
 */
void clock_freeze_for_tests(int64_t mono_ms, int64_t real_ms);
void clock_shift_for_tests(int64_t mono_ms, int64_t real_ms);
void clock_release_for_tests(void);

/* What the event loop asks: is time a test's; how far the wall clock was set
 * by hand in all; what the kernel's wall clock shows at `real_ms`. */
bool clock_is_frozen(void);
int64_t clock_set_by_ms(void);
int64_t clock_to_kernel_ms(int64_t real_ms);

#endif
