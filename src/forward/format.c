#include "forward/format.h"

#include <string.h>

#include "base/mem.h"

static const struct format *const formats[] = {
	&format_jsonl, &format_otlp,   &format_elasticsearch,
	&format_loki,  &format_splunk, &format_influx,
};

const struct format *
format_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	return NULL;
}
