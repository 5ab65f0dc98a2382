/*
 * What zone.c and cron.c say, for tests that compare it with what other
 * programs say. A question a line on standard input, an answer a line on
 * standard output:
 *
 *	offsets ZONE TIME...
 *	times ZONE AFTER UNTIL EXPRESSION	all of them, after < t <= until
 *
 * Times are seconds since 1970. An error is a line that begins with "error ".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/zone.h"
#include "model/cron.h"

static char *
word(char **rest)
{
	static char none[] = "";
	char *w = strsep(rest, " ");

	return w ? w : none;
}

static int
answer_offsets(const struct zone *zone, char *rest)
{
	while (rest)
		printf("%" PRId32 " ",
		       zone_offset(zone, strtoll(word(&rest), NULL, 10)));
	return 0;
}

static int
answer_times(const struct zone *zone, char *rest, struct err *e)
{
	int64_t after = strtoll(word(&rest), NULL, 10);
	int64_t until = strtoll(word(&rest), NULL, 10);
	struct cron c;
	int64_t t;

	if (cron_parse(rest ? rest : "", &c, e) < 0)
		return -1;
	for (t = cron_next(&c, after, zone); t <= until && t != CRON_NEVER;
	     t = cron_next(&c, t, zone))
		printf("%" PRId64 " ", t);
	return 0;
}

static void
answer(char *line)
{
	const char *verb = word(&line);
	const char *name = word(&line);
	const struct zone *zone;
	struct err e = ERR_INIT;

	if (zone_open(name, &zone, &e) < 0 ||
	    (strcmp(verb, "times") == 0 ? answer_times(zone, line, &e) :
					  answer_offsets(zone, line)) < 0)
		printf("error %s", e.msg);
	printf("\n");
}

int
main(void)
{
	_free_ char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) > 0) {
		line[strcspn(line, "\n")] = '\0';
		answer(line);
	}
	return 0;
}
