/*
 * master/forward: what destinations are owed through a week without their
 * collector, by a clock of the test's; and that nothing is lost or counted
 * twice whatever is asked, done, dropped or replayed in between.
 */
#include "store_folder.h"

#include "base/clock.h"
#include "base/mem.h"
#include "master/forward_parts.h"
#include "master/messages.h"
#include "proto/json.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)
#define START (INT64_C(20000) * DAY)

static struct master m;
static struct peer peer;
static int64_t request_id;

/* --- The master ------------------------------------------------------------
 */

static void
end_turn(void *arg)
{
	(void)arg;
	changes_commit(&m);
	forward_turn(&m);
	if (!TAILQ_EMPTY(&m.changes.list))
		changes_commit(&m);
}

static void
configure(struct setup *s, const char *forward)
{
	_strv_ struct strv warnings = { 0 };
	_free_ char *text = xasprintf("forward: [%s]", forward);
	struct err e = ERR_INIT;

	config_init(&s->config);
	if (config_parse(text, strlen(text), "/tmp/x.yaml", &s->config,
			 &warnings, &e) < 0)
		diag("%s", e.msg);
}

static void
set_up(const char *forward)
{
	m = (struct master){ .phase = PHASE_STARTING };
	peer = (struct peer){ .master = &m };
	clock_freeze_for_tests(1000000, START);
	m.loop = loop_new();
	loop_on_turn(m.loop, end_turn, NULL);
	m.setup = xcalloc(1, sizeof(*m.setup));
	configure(m.setup, forward);
	m.store = new_store();
	m.agent.id = xstrdup("A");
	changes_init(&m.changes);
	pools_init(&m);
	channel_init(&peer.channel, &m, 1UL << 30);
	forward_open(&m);
	end_turn(NULL);
}

/* The same store, as after the master's death. */
static void
die(void)
{
	peer.channel.out.len = 0;
	forward_peer.down(&peer);
	channel_drop_requests(&peer.channel);
	forward_close(&m);
	store_close(m.store);
	m.store = open_store();
	forward_open(&m);
	end_turn(NULL);
}

static void
tear_down(void)
{
	channel_release(&peer.channel);
	forward_close(&m);
	store_close(m.store);
	config_release(&m.setup->config);
	free(m.setup);
	free(m.agent.id);
	loop_free(m.loop);
	clock_release_for_tests();
}

/* Turns, until no timer is due. */
static void
settle(void)
{
	end_turn(NULL);
	for (int i = 0; i < 100 && loop_turn(m.loop, clock_mono_ms()); i++)
		continue;
}

/* --- Jobs ------------------------------------------------------------------
 */

static int
two_lines(void *arg, store_log_fn *add, void *add_arg)
{
	const struct store_log line = {
		.level = "info", .stream = "log", .message = "x", .len = 1
	};

	for (int i = 0; i < *(int *)arg; i++)
		if (add(add_arg, &line) < 0)
			return -1;
	return 0;
}

static void
add_jobs(int n, int lines, const char *result)
{
	struct err e = ERR_INIT;

	store_begin(m.store, &e);
	for (int i = 0; i < n; i++) {
		struct store_job job = sample();

		job.params = NULL;
		store_job_add(m.store, &job, &e);
		store_job_begin(m.store, job.id, 1, clock_real_ms(), &e);
		job.state = JOB_SUCCEEDED;
		job.finished_ms = clock_real_ms();
		job.result = result;
		store_job_finish(m.store, &job, two_lines, &lines, &e);
	}
	if (store_commit(m.store, &e) < 0)
		diag("%s", e.msg);
}

/* --- The forwarder ---------------------------------------------------------
 */

static void
ask_as_admin(const struct rpc_request *r)
{
	static const struct caller admin = { .role = ROLE_ADMIN };

	request_take(&peer.channel, &admin, r, MESSAGE_LOCAL);
}

static void
ask_as_forwarder(const struct rpc_request *r)
{
	forward_peer.request(&peer, r);
}

/* What is answered; NULL where nothing is yet. */
static struct value *
call_by(void (*send)(const struct rpc_request *r), const char *method,
	const char *params)
{
	_buf_ struct buf line = { 0 };
	_cleanup_(rpc_request_release) struct rpc_request r;
	struct err e = ERR_INIT;
	struct value *v = NULL;
	enum rpc_code code;

	buf_addf(&line,
		 "{\"jsonrpc\":\"2.0\",\"id\":%" PRId64 ",\"method\":\"%s\","
		 "\"params\":%s}",
		 ++request_id, method, params);
	if (rpc_request_parse(line.data, line.len, &r, &code, &e) < 0)
		diag("%s", e.msg);
	peer.channel.out.len = 0;
	send(&r);
	settle();
	if (peer.channel.out.len &&
	    json_decode(peer.channel.out.data, peer.channel.out.len, &v, &e) <
		    0)
		diag("%s: %.200s", e.msg, peer.channel.out.data);
	return v;
}

static struct value *
call(const char *method, const char *params)
{
	return call_by(ask_as_forwarder, method, params);
}

/* "" where it was done, else the error's kind. */
static const char *
error_kind(const struct value *answer)
{
	const struct value *error = value_get(answer, "error");

	return error ? value_get_string(value_get(error, "data"), "kind", "?") :
		       "";
}

/* A batch, and the position after it. */
static struct value *
next(const char *after, int records, char position[32])
{
	_free_ char *go_on =
		after ? xasprintf(",\"after\":\"%s\"", after) : xstrdup("");
	_free_ char *params = xasprintf(
		"{\"destination\":\"a\",\"records\":%d,\"bytes\":1000000%s}",
		records, go_on);
	_value_ struct value *v = call("batch.next", params);
	const struct value *result = value_get(v, "result");

	snprintf(position, 32, "%s", value_get_string(result, "batch", ""));
	result = value_get(result, "records");
	return result ? value_copy(result) : NULL;
}

/* "" where it was taken, else the error's kind. */
static const char *
done(const char *position)
{
	static char kind[32];
	_free_ char *params =
		xasprintf("{\"destination\":\"a\",\"batch\":\"%s\"}", position);
	_value_ struct value *v = call("batch.done", params);

	snprintf(kind, sizeof(kind), "%s", error_kind(v));
	return kind;
}

static size_t
count(const struct value *records)
{
	return records ? records->u.array.n : 0;
}

static const char *
id_at(const struct value *records, size_t i)
{
	return count(records) > i ?
		       value_get_string(records->u.array.items[i], "id", "?") :
		       "none";
}

static struct destination *
dest(void)
{
	return forward_find(&m, "a");
}

static int64_t
dropped(void)
{
	int64_t sum = 0;

	for (int i = 0; i < STORE_DROPS; i++)
		sum += dest()->now.cursor.dropped[i];
	return sum;
}

/* What is left is read to its end; how many records that is. */
static int64_t
drain(void)
{
	_value_ struct value *records = NULL;
	char position[32];
	int64_t n = 0;

	records = next(NULL, 1000, position);
	while (count(records)) {
		n += (int64_t)count(records);
		done(position);
		value_free(records);
		records = next(position, 1000, position);
	}
	return n;
}

/* --- A week without the collector ------------------------------------------
 */

#define A "{name: a, url: 'http://c/'"

static void
live(int hours, int jobs, int lines, const char *result)
{
	for (int i = 0; i < hours; i++) {
		clock_shift_for_tests(HOUR, HOUR);
		add_jobs(jobs, lines, result);
		forward_limit(&m);
		settle();
	}
}

/* How long the first that is owed has waited, in hours. */
static int64_t
oldest_hours(void)
{
	struct err e = ERR_INIT;
	int64_t ms = 0;

	store_owed_time(m.store, ranges_first(&dest()->now.cursor.owed), &ms,
			&e);
	return ms ? (clock_real_ms() - ms) / HOUR : 0;
}

static void
test_week_by_age(void)
{
	struct err e = ERR_INIT;
	size_t pruned = 0;

	set_up(A ", buffer: {age: 3d}}");
	live(7 * 24, 10, 2, "[1]");
	is_int(oldest_hours(), 72, "a week later it is owed three days");
	is_int(dest()->now.jobs, 73 * 10, "... of jobs");
	is_int(dest()->now.cursor.dropped[STORE_DROP_AGE], (168 - 73) * 30,
	       "... and what went before is counted, by record");
	is_int(dropped(), (168 - 73) * 30, "... and nothing else");
	is_int(forward_keep_seq(&m), (168 - 73) * 10 + 1,
	       "retention keeps what is owed");
	while (store_prune(m.store,
			   &(struct store_retention){
				   .before_ms = clock_real_ms(),
				   .keep_seq = forward_keep_seq(&m),
				   .limit = 1000 },
			   &pruned, &e) > 0)
		continue;
	is_int((intmax_t)pruned, (168 - 73) * 10, "... and nothing more");
	die();
	is_int(dest()->now.jobs, 0, "a new master measures");
	is_int(drain(), 73 * 30, "all that is owed arrives");
	is_int(dest()->now.jobs, 0, "... and then nothing is owed");
	is_int(dest()->now.bytes, 0, "... not a byte");
	tear_down();
}

static void
test_week_by_size(bool newest)
{
	_free_ char *result = xmalloc(2049);
	_free_ char *text = xasprintf(A ", buffer: {size: 1MiB, full: %s}}",
				      newest ? "drop_newest" : "drop_oldest");
	_value_ struct value *records = NULL;
	char position[32];
	int64_t left;

	memset(result, '1', 2048);
	result[0] = result[2047] = '"';
	result[2048] = '\0';
	set_up(text);
	for (int i = 0; i < 7; i++) {
		live(24, 10, 0, result);
		ok(dest()->now.bytes <= 1 << 20, "day %d: %lld bytes are owed",
		   i + 1, (long long)dest()->now.bytes);
	}
	ok(dest()->now.bytes > (1 << 20) - 4096, "... as many as may be");
	left = dest()->now.jobs;
	is_int(dropped(), 1680 - left, "what does not fit is counted");
	is_int(dest()->now.cursor.dropped[STORE_DROP_SIZE], 1680 - left,
	       "... by its reason");
	records = next(NULL, 1, position);
	if (newest)
		is_str(id_at(records, 0), "A-1", "the oldest is kept");
	else
		ok(strcmp(id_at(records, 0), "A-1") != 0, "the oldest went: %s",
		   id_at(records, 0));
	is_int(drain(), left, "the rest arrives");
	live(1, 3, 0, result);
	is_int(drain(), 3, "... and what comes then");
	is_int(dropped(), 1680 - left, "... and is not dropped");
	tear_down();
}

/* What is under way may still arrive: then it was not dropped. */
static void
test_under_way(void)
{
	_value_ struct value *records = NULL;
	char one[32], two[32];

	set_up(A ", buffer: {age: 3d}}");
	add_jobs(10, 0, "[1]");
	records = next(NULL, 4, one);
	is_int((intmax_t)count(records), 4, "four are under way");
	value_free(records);
	records = next(one, 4, two);
	is_int((intmax_t)count(records), 4, "... and four more");
	live(7 * 24, 1, 0, "[1]");
	is_int(forward_keep_seq(&m), 10 + 168 - 73 + 1,
	       "nothing is kept for what is too old, though it is under way");
	is_int(dropped(), 10 + 168 - 73, "... it counts as dropped");
	is_str(done("1.3"), "", "three of them arrive");
	is_int(dropped(), 10 + 168 - 73 - 3, "... and count no more");
	is_str(done(two), "", "... and all");
	is_int(dropped(), 10 + 168 - 73 - 8, "... likewise");
	is_int(dest()->now.cursor.accepted, 8, "... as accepted");
	is_int(drain(), 73, "the rest arrives");
	is_int(dest()->now.jobs, 0, "... and nothing is owed");
	tear_down();
}

static void
test_too_large(void)
{
	_free_ char *result = xmalloc((13 << 20) + 1);
	_value_ struct value *records = NULL;
	char position[32];

	memset(result, '1', 13 << 20);
	result[0] = result[(13 << 20) - 1] = '"';
	result[13 << 20] = '\0';
	set_up(A "}");
	add_jobs(1, 0, "[1]");
	add_jobs(1, 1, result);
	add_jobs(1, 0, "[1]");
	records = next(NULL, 10, position);
	is_int((intmax_t)count(records), 2, "up to one that is too large");
	done(position);
	value_free(records);
	records = next(position, 10, position);
	is_str(id_at(records, 0), "A-3", "it is passed over");
	is_str(done(position), "", "...");
	is_int(dest()->now.cursor.aside, 1, "... and put aside");
	is_str(ask(m.store, "SELECT record || code FROM aside"), "A-2too_large",
	       "... which says why");
	tear_down();
}

/* A disk that takes nothing: nothing has happened. */
static void
test_refused(void)
{
	_value_ struct value *records = NULL;
	char position[32];

	set_up(A "}");
	add_jobs(6, 0, "[1]");
	records = next(NULL, 4, position);
	is_int((intmax_t)count(records), 4, "a batch");
	sql(m.store, "ALTER TABLE destination RENAME TO gone");
	is_str(done("1.2"), "agent", "what can't be kept is not done");
	sql(m.store, "ALTER TABLE gone RENAME TO destination");
	is_int(dest()->now.cursor.accepted, 0, "... nor counted");
	settle();
	clock_shift_for_tests(60000, 60000);
	settle();
	is_str(done(position), "", "told again, it is");
	is_int(dest()->now.cursor.accepted, 4, "... once");
	is_int(drain(), 2, "... and the rest follows");
	tear_down();
}

static void
test_replay_refused(void)
{
	static const char all[] = "{\"since\":\"1970-01-01T00:00:00Z\"}";
	struct value *answer;

	set_up(A "}");
	add_jobs(6, 0, "[1]");
	is_int(drain(), 6, "all is sent");
	sql(m.store, "ALTER TABLE destination RENAME TO gone");
	answer = call_by(ask_as_admin, "forward.replay", all);
	is_str(error_kind(answer), "agent",
	       "a replay that can't be kept is not promised");
	value_free(answer);
	sql(m.store, "ALTER TABLE gone RENAME TO destination");
	settle();
	clock_shift_for_tests(60000, 60000);
	settle();
	is_int(drain(), 0, "... and nothing is sent again");
	answer = call_by(ask_as_admin, "forward.replay", all);
	is_str(error_kind(answer), "", "asked again, it is");
	value_free(answer);
	is_int(drain(), 6, "... and all is sent again");
	tear_down();
}

/* --- At random -------------------------------------------------------------
 */

#define JOBS 2000

struct chaos {
	unsigned seed;
	char position[32];
	bool fresh; /* begin anew */
	int added;
	uint8_t arrived[JOBS + 1];
};

static unsigned
pick(struct chaos *c, unsigned n)
{
	c->seed = c->seed * 1103515245 + 12345;
	return (c->seed >> 16) % n;
}

static void
take_batch(struct chaos *c)
{
	_value_ struct value *records = next(c->fresh ? NULL : c->position,
					     1 + (int)pick(c, 40), c->position);
	size_t n = count(records), some;
	char at[48];

	c->fresh = !records;
	if (!n)
		return;
	if (pick(c, 4) == 0)
		return; /* is told with the next, or never */
	some = pick(c, 3) ? n : 1 + pick(c, (unsigned)n);
	snprintf(at, sizeof(at), "%.*s%zu", (int)strcspn(c->position, ".") + 1,
		 c->position, some);
	if (*done(at)) {
		c->fresh = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		c->arrived[atoi(id_at(records, i) + 2)] = 1;
	/* those before, which were not told */
	if (some < n)
		c->fresh = true;
}

static void
act(struct chaos *c)
{
	switch (pick(c, 12)) {
	case 0:
		die();
		c->fresh = true;
		break;
	case 1:
		clock_shift_for_tests(2 * HOUR, 2 * HOUR);
		forward_limit(&m);
		settle();
		break;
	case 2:
		forward_peer.down(&peer);
		c->fresh = true;
		break;
	case 3:
	case 4:
	case 5:
		if (c->added < JOBS - 60) {
			int n = (int)pick(c, 60);

			add_jobs(n, 0, "[1]");
			c->added += n;
			settle();
		}
		break;
	default:
		take_batch(c);
		break;
	}
}

/* What is measured bit by bit is what there is. */
static bool
is_measured(void)
{
	struct destination *d = dest();
	struct store_owed all = { 0 };
	struct err e = ERR_INIT;

	destination_measure(d, &e);
	for (size_t i = 0; i < d->now.cursor.owed.n; i++) {
		struct range r = d->now.cursor.owed.items[i];

		store_owed_measure(m.store, &r, &d->wanted,
				   &(struct store_measure){ 0 }, &all, &e);
	}
	if (all.jobs == d->now.jobs && all.bytes == d->now.bytes)
		return true;
	diag("%lld jobs, %lld bytes; measured %lld, %lld", (long long)all.jobs,
	     (long long)all.bytes, (long long)d->now.jobs,
	     (long long)d->now.bytes);
	return false;
}

static void
test_chaos(unsigned seed, const char *more)
{
	_free_ char *text = xasprintf(A ", %s}", more);
	struct chaos c = { .seed = seed, .fresh = true };
	struct destination *d;
	bool measured = true;
	int64_t total;

	set_up(text);
	for (int i = 0; i < 600 && measured; i++) {
		act(&c);
		measured = is_measured();
	}
	ok(measured, "%s, %u: what is owed is known throughout", more, seed);
	total = drain();
	d = dest();
	is_int(d->now.cursor.accepted + dropped(), c.added,
	       "... every job was taken once or dropped once: %lld, %lld of "
	       "them at the end",
	       (long long)d->now.cursor.accepted, (long long)total);
	is_int(d->now.jobs + d->now.bytes, 0, "... and nothing is left");
	is_int((intmax_t)d->now.cursor.owed.n, 1, "... nor any hole");
	tear_down();
}

int
main(void)
{
	static const char *const ways[] = {
		"order: oldest, buffer: {age: 0ms, size: 0}",
		"order: newest, buffer: {age: 0ms, size: 0}",
		"order: oldest, buffer: {age: 12h, size: 0}",
		"order: newest, buffer: {age: 12h, size: 0}",
		"order: oldest, buffer: {age: 0ms, size: 64KiB}",
		"buffer: {age: 0ms, size: 64KiB, full: drop_newest}",
		("order: newest, buffer: {age: 1d, size: 64KiB, full: "
		 "drop_newest}"),
	};

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/agent.db", folder);
	test_week_by_age();
	test_week_by_size(false);
	test_week_by_size(true);
	test_under_way();
	test_too_large();
	test_refused();
	test_replay_refused();
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		for (unsigned seed = 1; seed <= 3; seed++)
			test_chaos(seed, ways[i]);
	empty_folder();
	rmdir(folder);
	return tap_done();
}
