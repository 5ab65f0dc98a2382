/*
 * cron.h: five fields that say when.
 *
 *	minute hour day-of-month month day-of-week
 *
 * Each is "*", a number, a range "a-b", or a list of them ("1,5-7"); "*" and a
 * range may have a step behind them, "/n".  Months and weekdays also by name
 * (jan, mon; any case); 0 and 7 are Sunday.  Where both day fields are
 * restricted (hold no "*") a day that either of them matches will do, as in
 * every cron since Vixie's; otherwise both must match.  @hourly, @daily,
 * @midnight, @weekly, @monthly, @yearly and @annually stand for what they say.
 *
 * Fields are matched with local time.  Where the zone's clock changes:
 *
 * - A time that does not exist (the clock went forward over it) comes at the
 *   first minute after the gap; all that match in a gap come at it, once.
 * - A time that exists twice (the clock went back over it) comes once, the
 *   first time.
 * - With every hour allowed ("*" in the hour field) no time of day is named:
 *   it comes at each minute that matches whenever that minute is there, in
 *   both passes of a repeated hour and not for an hour that there is not.  So
 *   every five minutes stays every five minutes.
 *
 * docs/scheduling.md has a table with examples.
 */
#ifndef MODEL_CRON_H
#define MODEL_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/zone.h"

struct cron {
	uint64_t minutes; /* bit 0 to 59 */
	uint32_t hours;	  /* bit 0 to 23 */
	uint32_t days;	  /* bit 1 to 31 */
	uint16_t months;  /* bit 1 to 12 */
	uint8_t weekdays; /* bit 0 (Sunday) to 6 */
	bool day_star;	  /* the field of days holds a "*" ... */
	bool weekday_star;
};

#define CRON_TEXT_MAX 1024

/*
 * Errors (ERR_USAGE) read "column 3: hour: 24 is out of range; want 0-23";
 * columns are bytes from 1.  *c is untouched then.
 */
int cron_parse(const char *text, struct cron *c, struct err *e);

#define CRON_NEVER INT64_MAX

/*
 * The first time after after_s (strictly), a whole local minute; CRON_NEVER
 * where none comes within 40 years (such as 30 February) or before year 10000.
 * zone NULL is UTC.  Takes a microsecond or so, 0.2 ms for never.
 */
int64_t cron_next(const struct cron *c, int64_t after_s,
		  const struct zone *zone);

/*
 * How many times there are after after_s up to and including until_s: as many
 * as steps of cron_next(), at the cost of a look at each day.
 */
uint64_t cron_count(const struct cron *c, int64_t after_s, int64_t until_s,
		    const struct zone *zone);

#endif
