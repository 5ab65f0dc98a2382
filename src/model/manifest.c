#include "model/manifest.h"

#include <stdlib.h>
#include <string.h>

void
permissions_release(struct permissions *p)
{
	strv_release(&p->read);
	strv_release(&p->write);
	strv_release(&p->exec);
	strv_release(&p->network);
	strv_release(&p->capabilities);
	strv_release(&p->env);
	strv_release(&p->secrets);
	free(p->user);
	memset(p, 0, sizeof(*p));
}

bool
permissions_empty(const struct permissions *p)
{
	return !p->read.n && !p->write.n && !p->exec.n && !p->network.n &&
	       !p->capabilities.n && !p->env.n && !p->secrets.n &&
	       !p->processes_host && !p->user;
}

void
limits_init(struct limits *l)
{
	*l = (struct limits){
		.timeout_ms = 60 * 1000,
		.memory_bytes = 128 << 20,
		.cpu_ms = 0,
		.processes = 16,
		.files = 64,
		.output_bytes = 1 << 20,
		.tmp_bytes = 16 << 20,
	};
}

void
manifest_init(struct manifest *m)
{
	memset(m, 0, sizeof(*m));
	limits_init(&m->limits);
	m->workers = (struct workers){ .min_idle = 0, .max = 0, .max_jobs = 1 };
}

void
manifest_release(struct manifest *m)
{
	free(m->name);
	free(m->version);
	free(m->description);
	value_free(m->params);
	permissions_release(&m->permissions);
	strv_release(&m->args);
	free(m->venv);
	memset(m, 0, sizeof(*m));
}

const char *
plugin_kind_name(enum plugin_kind kind)
{
	static const char *const names[] = {
		[PLUGIN_PYTHON] = "python",
		[PLUGIN_SHELL] = "shell",
		[PLUGIN_EXECUTABLE] = "executable",
	};

	return names[kind];
}

const char *
output_mode_name(enum output_mode mode)
{
	static const char *const names[] = {
		[OUTPUT_RPC] = "rpc",
		[OUTPUT_JSON] = "json",
		[OUTPUT_TEXT] = "text",
	};

	return names[mode];
}
