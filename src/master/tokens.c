#include "master/tokens.h"

#include <sys/random.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/api.h"
#include "master/master.h"
#include "master/tokens_parts.h"
#include "model/units.h"
#include "plugin/digest.h"

static const struct log_about about = { .component = "api" };

/* --- The set ------------------------------------------------------------ */

static struct token *
find(const struct tokens *t, const char *name)
{
	struct token *at;

	TAILQ_FOREACH(at, &t->list, link)
	if (strcmp(at->name, name) == 0)
		return at;
	return NULL;
}

static void
token_free(struct token *t)
{
	free(t->name);
	if (t->text)
		explicit_bzero(t->text, strlen(t->text));
	free(t->text);
	free(t);
}

static void
take_out(struct tokens *all, struct token *t)
{
	TAILQ_REMOVE(&all->list, t, link);
	all->n--;
}

static void
put_in(struct tokens *all, struct token *t)
{
	TAILQ_INSERT_TAIL(&all->list, t, link);
	all->n++;
}

static bool
is_over(const struct token *t)
{
	return t->adding || t->removing ||
	       (t->expires_ms && t->expires_ms <= clock_real_ms());
}

bool
tokens_any(const struct master *m)
{
	const struct token *t;

	TAILQ_FOREACH(t, &m->tokens.list, link)
	if (!is_over(t))
		return true;
	return false;
}

/* --- Its time is up ----------------------------------------------------- */

static void set_expiry(struct master *m);

static void
expire(void *arg)
{
	struct master *m = arg;
	struct err e = ERR_INIT;
	struct token *t;

	err_set(&e, ERR_UNAUTHORIZED, "the token has expired");
	TAILQ_FOREACH(t, &m->tokens.list, link)
	if (t->expires_ms && is_over(t))
		api_end_token(m, t->id, &e);
	set_expiry(m);
}

static void
set_expiry(struct master *m)
{
	int64_t next = 0;
	struct token *t;

	TAILQ_FOREACH(t, &m->tokens.list, link)
	if (t->expires_ms > clock_real_ms() && (!next || t->expires_ms < next))
		next = t->expires_ms;
	if (next)
		loop_wall_timer_set(m->loop, &m->tokens.expiry, next, expire,
				    m);
	else
		loop_timer_cancel(&m->tokens.expiry);
}

/* --- Loading ------------------------------------------------------------ */

static int
load_one(void *arg, const struct store_token *from)
{
	struct tokens *all = arg;
	struct token *t = xcalloc(1, sizeof(*t));

	t->id = from->id;
	t->name = xstrdup(from->name ? from->name : "");
	t->created_ms = from->created_ms;
	t->expires_ms = from->expires_ms;
	t->used_ms = from->used_ms;
	snprintf(t->hash, sizeof(t->hash), "%s", from->hash ? from->hash : "");
	snprintf(t->used_from, sizeof(t->used_from), "%s",
		 from->used_from ? from->used_from : "");
	/* a role of another version is none of ours */
	if (!from->role || !role_parse(from->role, &t->role))
		t->role = ROLE_NONE;
	put_in(all, t);
	return 0;
}

void
tokens_init(struct master *m)
{
	TAILQ_INIT(&m->tokens.list);
	TAILQ_INIT(&m->tokens.suspects);
}

int
tokens_load(struct master *m, struct err *e)
{
	if (store_token_each(m->store, load_one, &m->tokens, e) < 0)
		return -1;
	set_expiry(m);
	return 0;
}

int
tokens_restore(struct master *m, struct err *e)
{
	struct token *t;

	TAILQ_FOREACH(t, &m->tokens.list, link)
	{
		struct store_token row = { .name = t->name,
					   .role = role_name(t->role),
					   .hash = t->hash,
					   .created_ms = t->created_ms,
					   .expires_ms = t->expires_ms,
					   .used_ms = t->used_ms,
					   .used_from = t->used_from };

		/* one that was on its way there still is */
		if (t->adding || t->role == ROLE_NONE)
			continue;
		if (store_token_add(m->store, &row, e) < 0)
			return -1;
		t->id = row.id;
	}
	return 0;
}

void
tokens_release(struct master *m)
{
	struct tokens *all = &m->tokens;
	struct token *t;

	loop_timer_cancel(&all->expiry);
	loop_timer_cancel(&all->write);
	change_drop(m, &all->uses);
	while ((t = TAILQ_FIRST(&all->list))) {
		take_out(all, t);
		change_drop(m, &t->change);
		token_free(t);
	}
	suspects_release(all);
}

/* --- Its last use, written now and then --------------------------------- */

static int
write_uses(struct master *m, struct change *c, struct err *e)
{
	struct token *t;

	(void)c;
	TAILQ_FOREACH(t, &m->tokens.list, link)
	{
		const struct store_token row = { .id = t->id,
						 .used_ms = t->used_ms,
						 .used_from = t->used_from };

		if (t->used && !t->adding &&
		    store_token_used(m->store, &row, e) < 0)
			return -1;
	}
	return 0;
}

static void
wrote_uses(struct master *m, struct change *c, const struct err *failed)
{
	struct token *t;

	(void)c;
	/* where it failed, the next use has it written */
	TAILQ_FOREACH(t, &m->tokens.list, link)
	if (!failed)
		t->used = false;
}

static void
write_later(void *arg)
{
	struct master *m = arg;

	if (!m->tokens.uses.pending)
		change_add(m, &m->tokens.uses, false, write_uses, wrote_uses);
}

void
tokens_keep_uses(struct master *m)
{
	if (loop_timer_is_set(&m->tokens.write))
		write_later(m);
}

static void
note_use(struct master *m, struct token *t, const char *address)
{
	t->used_ms = clock_real_ms();
	snprintf(t->used_from, sizeof(t->used_from), "%s", address);
	t->used = true;
	if (!loop_timer_is_set(&m->tokens.write))
		loop_timer_set(m->loop, &m->tokens.write,
			       clock_mono_ms() + TOKEN_USED_MS, write_later, m);
}

/* --- Looking ------------------------------------------------------------ */

/* Takes as long wherever they differ. */
static bool
same_hash(const char *a, const char *b)
{
	unsigned char differs = 0;

	for (size_t i = 0; i < DIGEST_HEX - 1; i++)
		differs |= (unsigned char)(a[i] ^ b[i]);
	return differs == 0;
}

static struct token *
look(const struct tokens *all, const char *text)
{
	char hash[DIGEST_HEX];
	struct token *t, *found = NULL;

	digest_text(text, strlen(text), hash);
	TAILQ_FOREACH(t, &all->list, link)
	if (same_hash(t->hash, hash))
		found = t;
	return found;
}

int
tokens_find(struct master *m, const char *text, const char *address,
	    struct caller *caller, int64_t *retry_ms, struct err *e)
{
	struct tokens *all = &m->tokens;
	struct token *t = look(all, text);

	if (t && !is_over(t)) {
		note_use(m, t, address);
		caller->role = t->role;
		caller->token = t->id;
		caller->anonymous = false;
		snprintf(caller->name, sizeof(caller->name), "token %s",
			 t->name);
		return 0;
	}
	all->wrong++;
	if (suspects_note(all, address, retry_ms) < 0) {
		all->slowed++;
		err_set(e, ERR_TOO_MANY,
			"too many wrong tokens came from this address");
		return err_hint(e, "wait, and send a right one");
	}
	err_set(e, ERR_UNAUTHORIZED, "%s",
		t && !t->adding && !t->removing ? "the token has expired" :
						  "the token is not known");
	log_event(LOG_LEVEL_WARN, &about, "%s: %s", address, e->msg);
	return err_hint(e, "`devops_agent token list` lists those there are");
}

/* --- Changing ----------------------------------------------------------- */

static struct value *
time_or_null(int64_t ms)
{
	char text[UNITS_TEXT];

	return ms ? value_string(units_format_time(ms, text)) : value_null();
}

struct value *
token_value(const struct token *t)
{
	struct value *v = value_object();

	value_set(v, "name", value_string(t->name));
	value_set(v, "role", value_string(role_name(t->role)));
	value_set(v, "created_at", time_or_null(t->created_ms));
	value_set(v, "expires_at", time_or_null(t->expires_ms));
	value_set(v, "expired",
		  value_bool(t->expires_ms &&
			     t->expires_ms <= clock_real_ms()));
	value_set(v, "used_at", time_or_null(t->used_ms));
	value_set(v, "used_from",
		  t->used_from[0] ? value_string(t->used_from) : value_null());
	return v;
}

/* base64url of 256 random bits, without padding. */
static char *
make_text(void)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char bits[33] = { 0 };
	char *text = xmalloc(TOKEN_TEXT), *out;

	if (getrandom(bits, 32, 0) != 32)
		fatal("the kernel has no random bits");
	memcpy(text, TOKEN_PREFIX, strlen(TOKEN_PREFIX));
	out = text + strlen(TOKEN_PREFIX);
	for (size_t i = 0; i < 43; i++) {
		size_t bit = i * 6, at = bit / 8;
		unsigned two =
			(unsigned)bits[at] << 8 | (at < 32 ? bits[at + 1] : 0U);

		*out++ = digits[two >> (10 - bit % 8) & 63];
	}
	*out = '\0';
	explicit_bzero(bits, sizeof(bits));
	return text;
}

static struct token *
of_change(struct change *c)
{
	return container_of(c, struct token, change);
}

static int
write_added(struct master *m, struct change *c, struct err *e)
{
	struct token *t = of_change(c);
	struct store_token row = {
		.name = t->name,
		.role = role_name(t->role),
		.hash = t->hash,
		.created_ms = t->created_ms,
		.expires_ms = t->expires_ms,
	};

	if (store_token_add(m->store, &row, e) < 0)
		return -1;
	t->id = row.id;
	return 0;
}

static void
added(struct master *m, struct change *c, const struct err *failed)
{
	struct token *t = of_change(c);
	struct request *q = ticket_take(t->ticket);
	struct value *v;

	t->ticket = NULL;
	if (failed) {
		take_out(&m->tokens, t);
		token_free(t);
		if (q)
			request_fail(q, failed, NULL);
		return;
	}
	t->adding = false;
	v = token_value(t);
	value_set(v, "token", value_string(t->text));
	explicit_bzero(t->text, strlen(t->text));
	free(steal_ptr(&t->text));
	if (q)
		request_answer(q, v);
	else
		value_free(v);
	set_expiry(m);
	peers_reload(m); /* the API may have waited for one */
}

int
tokens_add(struct master *m, struct request *q, const char *name,
	   enum role role, int64_t expires_ms, struct err *e)
{
	struct token *t;

	if (find(&m->tokens, name)) {
		err_set(e, ERR_CONFLICT, "there is a token %s already", name);
		return err_hint(e,
				"`devops_agent token revoke %s` first, or "
				"choose another name",
				name);
	}
	if (m->tokens.n >= TOKENS_MAX)
		return err_set(e, ERR_TOO_MANY, "there are %d tokens already",
			       TOKENS_MAX);
	t = xcalloc(1, sizeof(*t));
	t->name = xstrdup(name);
	t->role = role;
	t->created_ms = clock_real_ms();
	t->expires_ms = expires_ms;
	t->text = make_text();
	digest_text(t->text, strlen(t->text), t->hash);
	t->adding = true;
	t->ticket = ticket_for(q);
	put_in(&m->tokens, t);
	change_add(m, &t->change, false, write_added, added);
	return 0;
}

static int
write_removed(struct master *m, struct change *c, struct err *e)
{
	return store_token_remove(m->store, of_change(c)->name, e);
}

static void
removed(struct master *m, struct change *c, const struct err *failed)
{
	struct token *t = of_change(c);
	struct request *q = ticket_take(t->ticket);

	t->ticket = NULL;
	if (failed) {
		t->removing = false;
		if (q)
			request_fail(q, failed, NULL);
		return;
	}
	if (q)
		request_answer(q, token_value(t));
	take_out(&m->tokens, t);
	token_free(t);
	set_expiry(m);
}

/* In force at once, and then on disk. */
int
tokens_revoke(struct master *m, struct request *q, const char *name,
	      struct err *e)
{
	struct token *t = find(&m->tokens, name);
	struct err over = ERR_INIT;

	if (!t)
		return err_set(e, ERR_NOT_FOUND, "no token %s", name);
	if (t->adding || t->removing)
		return err_set(e, ERR_CONFLICT, "the token %s is being %s",
			       name, t->adding ? "made" : "revoked");
	t->removing = true;
	t->ticket = ticket_for(q);
	change_add(m, &t->change, false, write_removed, removed);
	err_set(&over, ERR_UNAUTHORIZED, "the token was revoked");
	api_end_token(m, t->id, &over);
	return 0;
}
