/*
 * store/: a disk that fails at each of its operations in turn, a process that
 * is killed at each, power that is cut at each. What was acknowledged is there,
 * all of a batch or nothing of it, and the handle goes on.
 */
#include "store_folder.h"

#include "faulty_disk.h"

/* --- Some work --------------------------------------------------------------
 */

#define BATCHES 8
#define JOBS 40

/* What is known of each job, by its number; JOB_STATES: not there. */
struct known {
	int states[JOBS];
	int64_t logs[JOBS];
};

static void
nothing_known(struct known *k)
{
	memset(k, 0, sizeof(*k));
	for (int i = 0; i < JOBS; i++)
		k->states[i] = JOB_STATES;
}

static char big[5000];

static int
lines(void *arg, store_log_fn *add, void *add_arg)
{
	const struct store_log line = {
		.level = "info", .stream = "log", .message = big, .len = 700
	};

	(void)arg;
	for (int i = 0; i < 3; i++)
		if (add(add_arg, &line) < 0)
			return -1;
	return 0;
}

static int
add_job(struct store *s, struct known *k, struct err *e)
{
	struct store_job job = { .name = "a",
				 .plugin = "b",
				 .trigger = "api",
				 .attempt = 1,
				 .params = big };

	if (store_job_add(s, &job, e) != 0)
		return -1;
	k->states[job.id] = JOB_QUEUED;
	return 0;
}

/* Each job moves on one step: begun, logs, put back or ended. */
static int
move_job(struct store *s, struct known *k, int id, int batch, struct err *e)
{
	struct store_job end = { .id = id,
				 .state = JOB_FAILED,
				 .finished_ms = batch + 1,
				 .result = big };
	const struct store_log line = {
		.level = "info", .stream = "log", .message = big, .len = 300
	};
	int rc;

	if (k->states[id] == JOB_QUEUED) {
		rc = store_job_begin(s, id, 1, batch + 1, e);
		k->states[id] = JOB_RUNNING;
	} else if ((id + batch) % 4 == 0) {
		rc = store_log_add(s, id, &line, NULL, e);
		k->logs[id]++;
	} else if ((id + batch) % 4 == 1) {
		rc = store_job_requeue(s, &end, 0, NULL, NULL, e);
		k->states[id] = JOB_QUEUED;
	} else {
		rc = store_job_finish(s, &end, lines, NULL, e);
		k->states[id] = JOB_FAILED;
		k->logs[id] += 3;
	}
	return rc;
}

/* One batch; *k is what holds once it is on disk. */
static int
work(struct store *s, int batch, struct known *k, struct err *e)
{
	if (store_begin(s, e) < 0)
		return -1;
	for (int id = 0; id < JOBS; id++)
		if ((k->states[id] == JOB_QUEUED ||
		     k->states[id] == JOB_RUNNING) &&
		    move_job(s, k, id, batch, e) < 0)
			return -1;
	for (int i = 0; i < 4; i++)
		if (add_job(s, k, e) < 0)
			return -1;
	return 0;
}

static void
checkpoint(struct store *s)
{
	/* as SQLite does it by itself now and then */
	sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL,
				  NULL);
}

/* --- What is there ----------------------------------------------------------
 */

static int
take_state(void *arg, const struct store_job *job)
{
	*(int *)arg = (int)job->state;
	return 0;
}

static int
count_line(void *arg, const struct store_log *log)
{
	(void)log;
	++*(int64_t *)arg;
	return 0;
}

static void
look(struct store *s, struct known *k)
{
	struct err e = ERR_INIT;

	nothing_known(k);
	for (int id = 1; id < JOBS; id++) {
		store_job_get(s, id, take_state, &k->states[id], &e);
		store_log_list(s, id, 0, 0, count_line, &k->logs[id], &e);
	}
}

static bool
counts_are_right(struct store *s, const struct known *k)
{
	struct store_stats stats = { 0 };
	struct err e = ERR_INIT;

	if (store_stats(s, &stats, &e) < 0)
		return false;
	for (int i = 1; i < JOBS; i++)
		if (k->states[i] < JOB_STATES)
			stats.jobs[k->states[i]]--;
	for (int i = 0; i < JOB_STATES; i++)
		if (stats.jobs[i])
			return false;
	return true;
}

static bool
same(const struct known *a, const struct known *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static bool
holds(struct store *s, const struct known *want)
{
	struct known k;

	look(s, &k);
	return same(&k, want) && counts_are_right(s, &k) &&
	       strcmp(ask(s, "PRAGMA integrity_check"), "ok") == 0 &&
	       strcmp(ask(s, "PRAGMA foreign_key_check"), "?") == 0;
}

/* --- A disk that fails -------------------------------------------------------
 */

struct outcome {
	int fired, failed, wrong, unhinted;
};

/* Each of the first, then some. */
static int
next_place(int at)
{
	return at + 1 + at / 40;
}

/* All batches; those that failed again, once the disk is well. */
static void
try(enum faulty kind, int at, int times, struct outcome *o)
{
	struct store *s = new_store();
	struct known k, next;
	bool failed = false;

	nothing_known(&k);
	faulty_arm(kind, at, times);
	for (int batch = 0; batch < BATCHES; batch++) {
		struct err e = ERR_INIT;

		next = k;
		if (work(s, batch, &next, &e) < 0) {
			struct err again = ERR_INIT;

			failed = true;
			if (store_commit(s, &again) == 0)
				o->wrong++;
		} else if (store_commit(s, &e) < 0) {
			failed = true;
		} else {
			k = next;
			if (batch % 3 == 2)
				checkpoint(s);
			continue;
		}
		o->unhinted += e.hint[0] == '\0';
		store_rollback(s);
		if (faulty.fired >= faulty.times)
			faulty_arm(FAULTY_NONE, 0, 0);
		batch--;
	}
	o->fired += faulty.kind == FAULTY_NONE || faulty.fired > 0;
	o->failed += failed;
	faulty_arm(FAULTY_NONE, 0, 0);
	o->wrong += !holds(s, &k);
	store_close(s);
	s = open_store();
	o->wrong += !holds(s, &k);
	store_close(s);
}

static void
test_faults(void)
{
	static const struct {
		const char *title;
		enum faulty kind;
		int times, least;
	} cases[] = {
		{ "a write finds no space", FAULTY_FULL, 1, 40 },
		{ "writes find no space for a while", FAULTY_FULL, 6, 40 },
		{ "a write fails", FAULTY_WRITE, 1, 40 },
		{ "a sync fails", FAULTY_SYNC, 1, 7 },
		{ "syncs fail for a while", FAULTY_SYNC, 5, 7 },
		{ "a read fails", FAULTY_READ, 1, 2 },
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		struct outcome o = { 0 };
		int at = 0, tries = 0;

		do {
			at = next_place(at);
			tries++;
			try(cases[i].kind, at, cases[i].times, &o);
		} while (o.fired == tries);
		is_int(o.wrong, 0,
		       "%s, at each place: all is there, and the rest goes on",
		       cases[i].title);
		is_int(o.unhinted, 0, "... each error has a hint");
		ok(o.failed > cases[i].least, "... %d of %d places, %d failed",
		   tries, at, o.failed);
	}
}

/* --- A process that ends -----------------------------------------------------
 */

static void
tell(int fd, const struct known *k)
{
	if (write(fd, k, sizeof(*k)) != (ssize_t)sizeof(*k))
		_exit(3);
}

static void
work_until_it_ends(enum faulty kind, int at, enum store_durability d, int fd)
{
	struct store *s = open_store();
	struct known k;
	struct err e = ERR_INIT;

	store_set_durability(s, d, &e);
	nothing_known(&k);
	tell(fd, &k);
	faulty.seed = (unsigned)at;
	faulty_arm(kind, at, 1);
	for (int batch = 0; batch < BATCHES; batch++) {
		if (work(s, batch, &k, &e) < 0)
			_exit(4);
		tell(fd, &k);
		if (store_commit(s, &e) < 0)
			_exit(5);
		tell(fd, &k);
		if (batch % 3 == 2)
			checkpoint(s);
	}
	_exit(0);
}

#define TOLD (2 * BATCHES + 1)

/* All that it told: what holds after each batch. Returns how often. */
static int
run_child(enum faulty kind, int at, enum store_durability d, struct known *told,
	  int *status)
{
	char *file = xasprintf("%s/told", folder);
	int fd, n = 0;

	store_close(new_store());
	fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fork() == 0)
		work_until_it_ends(kind, at, d, fd);
	wait(status);
	lseek(fd, 0, SEEK_SET);
	while (n < TOLD && read(fd, &told[n], sizeof(*told)) > 0)
		n++;
	close(fd);
	free(file);
	return n;
}

/*
 * The last two that it told: what was there before the batch that it was at
 * and what was to be after. Unsafe: any that it told.
 */
static bool
is_one_of(struct store *s, const struct known *told, int n, bool unsafe)
{
	for (int i = n - 1; i >= 0 && (unsafe || i >= n - 2); i--)
		if (holds(s, &told[i]))
			return true;
	return false;
}

static void
test_ends(const char *title, enum faulty kind, enum store_durability d)
{
	static struct known told[TOLD];
	int status = 0, at = 0, tries = 0, wrong = 0, aside = 0;
	int unfinished = 0;

	do {
		struct store *s;
		int n;

		at = next_place(at);
		tries++;
		n = run_child(kind, at, d, told, &status);

		if (kind == FAULTY_POWER) {
			char *shm = xasprintf("%s-shm", path);

			unlink(shm);
			free(shm);
		}
		s = open_store();
		wrong += !is_one_of(s, told, n, d == STORE_NORMAL);
		unfinished += n % 2 == 0;
		aside += count_files("damaged");
		wrong += start(s) == 0;
		store_close(s);
	} while (WEXITSTATUS(status) == FAULTY_KILLED);
	is_int(status, 0, "%s at each write and sync", title);
	is_int(wrong, 0, "... all that was acknowledged is there, %s",
	       d == STORE_FULL ? "and no half of a batch" :
				 "but for some last batches");
	is_int(aside, 0, "... and nothing is taken for damage");
	ok(tries > 60 && unfinished > 30,
	   "... %d of %d places, %d within a commit", tries, at, unfinished);
}

/* --- Damage while it runs
 * ----------------------------------------------------- */

static void
test_damage(void)
{
	struct store *s = new_store();
	struct known k;
	struct err e = ERR_INIT;
	_free_ char *aside = NULL;
	char junk[4096];
	int fd, rc = 0;

	nothing_known(&k);
	for (int batch = 0; batch < BATCHES && rc == 0; batch++)
		rc = work(s, batch, &k, &e) < 0 ? -1 : store_commit(s, &e);
	is_int(rc, 0, "(a store at work)");
	ok(!store_damaged(s), "... is not damaged");
	sql(s, "PRAGMA wal_checkpoint(TRUNCATE)");
	/* what it has in memory hides what is on the disk */
	sqlite3_db_release_memory(s->db);
	memset(junk, 0x5a, sizeof(junk));
	fd = open(path, O_RDWR | O_CLOEXEC);
	for (off_t page = 2; page * 4096 < lseek(fd, 0, SEEK_END); page++)
		if (pwrite(fd, junk, sizeof(junk), page * 4096) < 0)
			diag("spoil: %s", strerror(errno));
	close(fd);
	rc = work(s, 0, &k, &e) < 0 ? -1 : store_commit(s, &e);
	is_int(rc, -1, "once its pages are spoilt, work fails");
	has_str(e.msg, "the database is damaged", "... and says why");
	store_rollback(s);
	ok(store_damaged(s), "... and so does the store");
	is_int(store_replace(s, &aside, &e), 0, "it can be replaced");
	ok(aside && access(aside, F_OK) == 0, "... the old one is set aside");
	ok(!store_damaged(s), "... and the new one is well");
	ok(start(s) > 4 * BATCHES, "... numbers go on");
	is_str(ask(s, "PRAGMA integrity_check"), "ok", "... it is sound");
	store_close(s);
}

int
main(void)
{
	/* where a sync costs nothing: what it is for is done by the shim */
	if (access("/dev/shm", W_OK) == 0)
		snprintf(folder, sizeof(folder), "/dev/shm/test_store.XXXXXX");
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/agent.db", folder);
	memset(big, 'x', sizeof(big) - 1);
	faulty_install();
	test_faults();
	test_ends("a process is killed", FAULTY_KILL, STORE_FULL);
	test_ends("power is cut", FAULTY_POWER, STORE_FULL);
	test_ends("power is cut, not so durable", FAULTY_POWER, STORE_NORMAL);
	test_damage();
	empty_folder();
	rmdir(folder);
	return tap_done();
}
