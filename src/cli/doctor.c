#include <sys/ioctl.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/context.h"
#include "cli/terminal.h"
#include "proto/json.h"
#include "sandbox/try.h"
#include "worker/program.h"

/* What the whole sandbox runs: nothing, by a program that every host has. */
#define PROGRAM "/bin/sh"

#define STATE_WIDTH 8 /* "enforced" */
#define NO_WRAP 100000

struct doctor {
	struct try_fact facts[TRY_MAX_FACTS];
	size_t n_facts;
	struct try_result layers[TRY_LAYERS];
	struct try_whole whole;
	unsigned required;
	unsigned missing; /* of the required ones */
};

/* --- Finding out ---------------------------------------------------------- */

static void
try_everything(struct doctor *d)
{
	_cleanup_(sandbox_spec_release) struct sandbox_spec spec;

	d->n_facts = try_facts(d->facts);
	for (int i = 0; i < TRY_LAYERS; i++)
		try_layer(1u << i, &d->layers[i]);
	sandbox_spec_init(&spec);
	d->required = spec.require;
	/* what it has, not whether it is enough */
	spec.require = 0;
	strv_add(&spec.argv, PROGRAM);
	strv_add(&spec.argv, "-c");
	strv_add(&spec.argv, ":");
	program_needs(PROGRAM, &spec.exec, &spec.libraries);
	try_whole(&spec, &d->whole);
}

static unsigned
tried_layers(const struct doctor *d)
{
	unsigned set = 0;

	for (int i = 0; i < TRY_LAYERS; i++)
		if (d->layers[i].counts)
			set |= d->layers[i].layer;
	return set;
}

/* Layers of which the trial and the whole sandbox say different things. */
static unsigned
contradictions(const struct doctor *d)
{
	return d->whole.started ? tried_layers(d) ^ d->whole.layers : 0;
}

/* A layer is there where both say so. */
static void
check_minimum(struct doctor *d, const struct context *x)
{
	unsigned have = tried_layers(d);

	d->required |= x->setup.config.plugins.require;
	if (d->whole.started)
		have &= d->whole.layers;
	d->missing = d->required & ~have;
}

static void
list_layers(unsigned set, struct buf *out)
{
	for (int i = 0; i < TRY_LAYERS; i++)
		if (set >> i & 1)
			buf_addf(out, "%s%s", out->len ? ", " : "",
				 layer_name(1u << i));
	if (!out->len)
		buf_adds(out, "none");
}

/* --- For people ----------------------------------------------------------- */

static size_t
columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return NO_WRAP;
	return size.ws_col < 60 ? 60 : size.ws_col;
}

/* Words from column `indent` on, where it stands; ends the line. */
static void
print_words(const char *text, size_t indent)
{
	size_t width = columns(), at = indent;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (at > indent && at + 1 + len >= width) {
			printf("\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			putchar(' ');
			at++;
		}
		printf("%.*s", (int)len, text);
		at += len;
		text += len;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void
print_hint(const char *hint, size_t indent)
{
	if (!*hint)
		return;
	printf("%*s%shint: ", (int)indent, "",
	       terminal_style(STDOUT_FILENO, STYLE_DIM));
	print_words(hint, indent + strlen("hint: "));
	fputs(terminal_plain(STDOUT_FILENO), stdout);
}

static void
print_facts(const struct doctor *d)
{
	int width = 0;

	for (size_t i = 0; i < d->n_facts; i++)
		if ((int)strlen(d->facts[i].name) > width)
			width = (int)strlen(d->facts[i].name);
	for (size_t i = 0; i < d->n_facts; i++) {
		printf("%-*s  ", width, d->facts[i].name);
		print_words(d->facts[i].value, (size_t)width + 2);
		print_hint(d->facts[i].hint, (size_t)width + 2);
	}
	putchar('\n');
}

/* "seccomp   enforced  what that means", with columns that all lines share. */
static void
print_line(const char *name, const char *state, enum terminal_style style,
	   const char *text, const char *hint)
{
	static int width;
	_buf_ struct buf shown = { 0 };

	for (int i = 0; !width && i < TRY_LAYERS; i++)
		if ((int)strlen(layer_name(1u << i)) > width)
			width = (int)strlen(layer_name(1u << i));
	text_add_terminal(&shown, text, strlen(text), NULL);
	printf("%-*s  %s%-*s%s  ", width, name,
	       terminal_style(STDOUT_FILENO, style), STATE_WIDTH, state,
	       terminal_plain(STDOUT_FILENO));
	print_words(shown.data ? shown.data : "",
		    (size_t)width + STATE_WIDTH + 4);
	print_hint(hint, (size_t)width + STATE_WIDTH + 4);
}

static void
print_layers(const struct doctor *d)
{
	static const enum terminal_style styles[] = {
		[TRY_ABSENT] = STYLE_RED,
		[TRY_WEAKER] = STYLE_YELLOW,
		[TRY_ENFORCED] = STYLE_GREEN,
	};

	for (int i = 0; i < TRY_LAYERS; i++) {
		const struct try_result *r = &d->layers[i];

		print_line(layer_name(r->layer), try_state_name(r->state),
			   styles[r->state], r->detail, r->hint);
	}
	putchar('\n');
}

static void
print_whole(const struct doctor *d)
{
	const struct try_whole *w = &d->whole;
	_buf_ struct buf differ = { 0 };
	_free_ char *text = NULL;
	_free_ char *hint = NULL;

	if (!w->started) {
		print_line("sandbox", "failed", STYLE_RED, w->error,
			   "no plugin runs here");
		return;
	}
	text = xasprintf("all layers at once stand after %.1f ms, and are gone "
			 "with a program in them after %.1f ms (medians of %d)",
			 (double)w->entered_us / 1000,
			 (double)w->gone_us / 1000, TRY_TIMES);
	list_layers(contradictions(d), &differ);
	hint = contradictions(d) ?
		       xasprintf("a whole sandbox says otherwise of: %s",
				 differ.data) :
		       xstrdup("");
	print_line("sandbox", "started", STYLE_GREEN, text, hint);
}

static void
print_minimum(const struct doctor *d)
{
	_buf_ struct buf list = { 0 };
	_free_ char *text = NULL;

	list_layers(d->missing ? d->missing : d->required, &list);
	if (d->missing) {
		text = xasprintf("this host lacks what the configuration "
				 "requires: %s",
				 list.data);
		print_line("minimum", "not met", STYLE_RED, text,
			   "get them as said above, or take them off "
			   "plugins.require in the configuration");
	} else if (!d->whole.started) {
		print_line("minimum", "not met", STYLE_RED,
			   "no sandbox starts, whatever is required", "");
	} else {
		text = xasprintf("this host has what the configuration "
				 "requires: %s",
				 list.data);
		print_line("minimum", "met", STYLE_GREEN, text, "");
	}
}

/* --- For programs --------------------------------------------------------- */

/* One object a line. */
static void
print_object(const struct value *v)
{
	_buf_ struct buf text = { 0 };

	json_encode(v, &text);
	printf("%s\n", text.data);
}

static void
set_string(struct value *v, const char *key, const char *text)
{
	value_set(v, key, value_string(text));
}

static void
set_layers(struct value *v, const char *key, unsigned set)
{
	struct value *list = value_set(v, key, value_array());

	for (int i = 0; i < TRY_LAYERS; i++)
		if (set >> i & 1)
			value_append(list, value_string(layer_name(1u << i)));
}

static void
print_json_lists(const struct doctor *d)
{
	for (int i = 0; i < TRY_LAYERS; i++) {
		const struct try_result *r = &d->layers[i];
		_value_ struct value *v = value_object();

		set_string(v, "layer", layer_name(r->layer));
		set_string(v, "state", try_state_name(r->state));
		set_string(v, "detail", r->detail);
		set_string(v, "hint", r->hint);
		print_object(v);
	}
	for (size_t i = 0; i < d->n_facts; i++) {
		_value_ struct value *v = value_object();

		set_string(v, "fact", d->facts[i].name);
		set_string(v, "value", d->facts[i].value);
		set_string(v, "hint", d->facts[i].hint);
		print_object(v);
	}
}

static void
print_json_whole(const struct doctor *d)
{
	const struct try_whole *w = &d->whole;
	_value_ struct value *v = value_object();

	set_string(v, "sandbox", w->started ? "started" : "failed");
	set_string(v, "error", w->error);
	value_set(v, "entered_us", value_int(w->entered_us));
	value_set(v, "gone_us", value_int(w->gone_us));
	set_layers(v, "layers", w->layers);
	set_layers(v, "differ", contradictions(d));
	print_object(v);
}

static void
print_json_minimum(const struct doctor *d)
{
	_value_ struct value *v = value_object();

	set_string(v, "minimum",
		   d->whole.started && !d->missing ? "met" : "not met");
	set_layers(v, "required", d->required);
	set_layers(v, "missing", d->missing);
	print_object(v);
}

/* --- The command ---------------------------------------------------------- */

int
cmd_doctor(const struct cli *c)
{
	_cleanup_(context_release) struct context x;
	static struct doctor d;
	struct err e = ERR_INIT;
	int rc = context_open(&x, c, &e);

	try_everything(&d);
	if (c->json) {
		print_json_lists(&d);
		print_json_whole(&d);
	} else {
		print_facts(&d);
		print_layers(&d);
		print_whole(&d);
	}
	/* what the host has is true whatever the configuration says */
	if (rc < 0) {
		fflush(stdout);
		return cli_fail(&e);
	}
	check_minimum(&d, &x);
	if (c->json)
		print_json_minimum(&d);
	else
		print_minimum(&d);
	return !d.whole.started || d.missing;
}
