#include "cli/context.h"

#include <string.h>

#include "base/mem.h"
#include "cli/terminal.h"

int
context_open(struct context *x, const struct cli *c, struct err *e)
{
	_strv_ struct strv passed_over = { NULL, 0 };
	_free_ char *path = NULL;

	memset(x, 0, sizeof(*x));
	path = c->config ? xstrdup(c->config) : config_find(&passed_over);
	for (size_t i = 0; i < passed_over.n; i++)
		terminal_say(STYLE_YELLOW, "warning", passed_over.items[i]);
	x->config_found = path && !c->config;
	if (setup_load(&x->setup, path, e) < 0)
		return -1;
	log_set_level(x->setup.config.agent.log_level);
	return 0;
}

void
context_release(struct context *x)
{
	setup_release(&x->setup);
}
