#include "plugin/permissions.h"

#include <string.h>

#include "base/mem.h"
#include "plugin/at.h"
#include "plugin/items.h"

static int
read_processes(const struct field *f, const struct value *v, void *to,
	       struct err *e)
{
	if (v->type != VALUE_STRING || strcmp(v->u.string.s, "host") != 0)
		return at_value(e, v, "%s: the only value is 'host'", f->key);
	*(bool *)to = true;
	return 0;
}

#define LIST(name, check)                                                     \
	{                                                                     \
		.key = #name, .read = field_list,                             \
		.offset = offsetof(struct permissions, name), .item = (check) \
	}

const struct field permissions_fields[PERMISSIONS_FIELDS] = {
	LIST(read, item_path),
	LIST(write, item_path),
	LIST(exec, item_program),
	LIST(network, item_network),
	LIST(capabilities, item_capability),
	{ .key = "processes",
	  .read = read_processes,
	  .offset = offsetof(struct permissions, processes_host) },
	LIST(env, item_env),
	LIST(secrets, item_secret),
	{ .key = "user",
	  .read = field_text,
	  .offset = offsetof(struct permissions, user),
	  .item = item_user },
};

/* --- In words ------------------------------------------------------------ */

static void
describe_read(const char *s, struct strv *lines)
{
	if (strcmp(s, "/") == 0)
		strv_add(lines, "may read every file that its user id may "
				"read: /");
	else
		strv_addf(lines, "may read %s and all below it", s);
}

static void
describe_write(const char *s, struct strv *lines)
{
	if (strcmp(s, "/") == 0)
		strv_add(lines, "may change every file that its user id may "
				"change: /");
	else
		strv_addf(lines,
			  "may read, change, create and remove %s and "
			  "all below it",
			  s);
}

static void
describe_exec(const char *s, struct strv *lines)
{
	if (strcmp(s, "*") == 0)
		strv_add(lines, "may start every program that it can see");
	else
		strv_addf(lines, "may start the program %s", s);
}

static void
describe_network(const char *s, struct strv *lines)
{
	if (strcmp(s, "host") == 0)
		strv_add(lines, "may use the host's network without bounds: "
				"every port, listening, local sockets");
	else if (strcmp(s, "udp") == 0)
		strv_add(lines, "may send UDP to any host and port, as name "
				"resolution does");
	else if (strncmp(s, "tcp:", 4) == 0)
		strv_addf(lines, "may connect to TCP port %s of any host",
			  s + 4);
	else
		strv_addf(lines, "may accept connections on TCP port %s",
			  strchr(s, ':') + 1);
}

/* Those that amount to the whole host. */
static const char *const mighty[] = {
	"sys_admin",	"sys_module",	   "sys_rawio", "sys_ptrace",
	"dac_override", "dac_read_search", "setuid",	"setgid",
	"setfcap",	"setpcap",	   "bpf",	"mknod",
	"sys_boot",	"chown",	   "fowner",	"mac_admin",
	"mac_override",
};

static void
describe_capability(const char *s, struct strv *lines)
{
	bool all = false;

	for (size_t i = 0; i < ARRAY_SIZE(mighty); i++)
		all = all || strcmp(mighty[i], s) == 0;
	strv_addf(lines, "keeps the capability %s%s", s,
		  all ? ", with which the whole host may be in its reach" : "");
}

static void
describe_env(const char *s, struct strv *lines)
{
	strv_addf(lines, "is passed the environment variable %s", s);
}

static void
describe_secret(const char *s, struct strv *lines)
{
	strv_addf(lines, "is given the secret %s", s);
}

/* A row a list: its key, where it is, how an item reads in words. */
static const struct list {
	const char *key;
	size_t offset;
	void (*describe)(const char *s, struct strv *lines);
	const char *all; /* the item that covers every other one */
} lists[] = {
	{ "read", offsetof(struct permissions, read), describe_read, NULL },
	{ "write", offsetof(struct permissions, write), describe_write, NULL },
	{ "exec", offsetof(struct permissions, exec), describe_exec, "*" },
	{ "network", offsetof(struct permissions, network), describe_network,
	  "host" },
	{ "capabilities", offsetof(struct permissions, capabilities),
	  describe_capability, NULL },
	{ "env", offsetof(struct permissions, env), describe_env, NULL },
	{ "secrets", offsetof(struct permissions, secrets), describe_secret,
	  NULL },
};

static const struct strv *
list_of(const struct list *l, const struct permissions *p)
{
	return (const struct strv *)((const char *)p + l->offset);
}

void
permissions_describe(const struct permissions *p, struct strv *lines)
{
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct strv *items = list_of(&lists[i], p);

		for (size_t j = 0; j < items->n; j++)
			lists[i].describe(items->items[j], lines);
	}
	if (p->processes_host)
		strv_add(lines, "sees every process of the host, with its "
				"command line");
	if (p->user)
		strv_addf(lines, "runs as the user %s", p->user);
}

/* --- As YAML ------------------------------------------------------------- */

#define COLUMNS 78

/* A text that YAML reads as itself without quotes, whatever its version. */
static bool
is_bare(const char *s)
{
	static const char *const words[] = { "true", "false", "yes",  "no",
					     "on",   "off",   "null", "y",
					     "n",    "nan",   "inf" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(s, words[i]) == 0)
			return false;
	return ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		*s == '/') &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
			   "XYZ0123456789/._:-")] == '\0' &&
	       s[strlen(s) - 1] != ':';
}

/* Items hold no control characters (fields.h), so two escapes suffice. */
static char *
quoted(const char *s)
{
	_buf_ struct buf b = { 0 };

	if (is_bare(s))
		return xstrdup(s);
	buf_addc(&b, '"');
	for (; *s; s++)
		buf_addf(&b, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
	buf_addc(&b, '"');
	return buf_steal(&b);
}

static void
write_list(const char *key, const struct strv *items, struct buf *out)
{
	size_t indent = 2 + strlen(key) + 3, column = indent;

	if (!items->n)
		return;
	buf_addf(out, "  %s: [", key);
	for (size_t i = 0; i < items->n; i++) {
		_free_ char *item = quoted(items->items[i]);

		if (i)
			buf_adds(out, column + strlen(item) + 3 > COLUMNS ?
					      "," :
					      ", ");
		if (i && column + strlen(item) + 3 > COLUMNS) {
			buf_addf(out, "\n%*s", (int)indent, "");
			column = indent;
		}
		buf_adds(out, item);
		column += strlen(item) + 2;
	}
	buf_adds(out, "]\n");
}

void
permissions_write(const struct permissions *p, struct buf *out)
{
	if (permissions_empty(p)) {
		buf_adds(out, "permissions: {}\n");
		return;
	}
	buf_adds(out, "permissions:\n");
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		write_list(lists[i].key, list_of(&lists[i], p), out);
	if (p->processes_host)
		buf_adds(out, "  processes: host\n");
	if (p->user) {
		_free_ char *user = quoted(p->user);

		buf_addf(out, "  user: %s\n", user);
	}
}

/* --- Compared ------------------------------------------------------------ */

static size_t
list_beyond(const struct list *l, const struct strv *asked,
	    const struct strv *granted, struct strv *difference)
{
	size_t missing = 0;

	if (l->all && strv_has(granted, l->all))
		return 0;
	for (size_t i = 0; i < asked->n; i++) {
		_free_ char *item = quoted(asked->items[i]);

		if (strv_has(granted, asked->items[i]))
			continue;
		strv_addf(difference, "+ %s: [%s]", l->key, item);
		missing++;
	}
	return missing;
}

size_t
permissions_beyond(const struct permissions *asked,
		   const struct permissions *granted, struct strv *difference)
{
	size_t missing = 0;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		missing += list_beyond(&lists[i], list_of(&lists[i], asked),
				       list_of(&lists[i], granted), difference);
	if (asked->processes_host && !granted->processes_host) {
		strv_add(difference, "+ processes: host");
		missing++;
	}
	if (asked->user &&
	    (!granted->user || strcmp(asked->user, granted->user) != 0)) {
		strv_addf(difference, "+ user: %s", asked->user);
		missing++;
	}
	return missing;
}
