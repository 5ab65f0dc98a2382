#include "master/master.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/systemd.h"
#include "master/metrics.h"
#include "master/orphans.h"
#include "master/privileges.h"
#include "master/upkeep.h"

/* How long to wait for the processes of an agent that died. */
#define LOCK_WAIT_MS 3000
/* After the workers, the spawner has nothing left to wait for. */
#define SPAWNER_WAIT_MS 5000

static const struct log_about about = { .component = "agent" };

/* --- What the loop tells ------------------------------------------------ */

static void
reload(struct master *m)
{
	struct err e = ERR_INIT;

	systemd_reloading();
	if (master_reload(m, &e) < 0)
		log_event(LOG_LEVEL_ERROR,
			  &(struct log_about){ .component = "config" },
			  "not reloaded, the configuration in force stays: "
			  "%s%s%s",
			  e.msg, e.hint[0] ? "; " : "", e.hint);
	systemd_notify("READY=1\nSTATUS=%s",
		       e.kind == ERR_NONE ? "running" : e.msg);
}

static void
on_signal(void *arg, const struct signalfd_siginfo *info)
{
	struct master *m = arg;

	if (info->ssi_signo == SIGHUP)
		reload(m);
	else
		master_stop(m, info->ssi_signo == SIGQUIT);
}

static void
on_turn(void *arg)
{
	struct master *m = arg;

	CRASH_TIME();
	changes_commit(m);
	forward_turn(m);
	if (!TAILQ_EMPTY(&m->changes.list))
		changes_commit(m);
	peers_flush(m);
	control_flush(m);
	if (m->first)
		orphans_reap(m);
	m->turn++;
}

static void
on_clock_set(void *arg)
{
	struct master *m = arg;

	log_event(LOG_LEVEL_WARN, &about, "the clock was set");
	schedules_clock_set(m);
}

static void
on_spawner_lost(void *arg)
{
	struct err e = ERR_INIT;

	err_set(&e, ERR_AGENT,
		"the spawner died, and every worker with it; the agent can't "
		"go on without");
	master_fail(arg, &e);
}

/* --- Starting ----------------------------------------------------------- */

static int
set_up_loop(struct master *m, struct err *e)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP };

	m->first = getpid() == 1;
	m->loop = loop_new();
	loop_on_turn(m->loop, on_turn, m);
	loop_on_clock_set(m->loop, on_clock_set, m);
	log_attach(m->loop);
	return loop_signals(m->loop, signals, ARRAY_SIZE(signals), on_signal,
			    m) < 0 ?
		       err_errno(e, "signals") :
		       0;
}

static int
open_store(struct master *m, struct err *e)
{
	_free_ char *set_aside = NULL;
	struct utsname host;
	const struct config *c = &m->setup->config;

	m->storage_path = config_storage_path(c);
	if (store_open(m->storage_path, &m->store, &set_aside, e) < 0)
		return err_wrap(e, "open the database");
	if (set_aside)
		master_say_set_aside(m, set_aside);
	if (master_know_self(m, e) < 0 ||
	    store_set_durability(m->store,
				 c->storage.durability ==
						 CONFIG_DURABILITY_NORMAL ?
					 STORE_NORMAL :
					 STORE_FULL,
				 e) < 0)
		return -1;
	uname(&host);
	m->agent.host = xstrdup(host.nodename);
	m->agent.labels = c->agent.labels ? value_copy(c->agent.labels) : NULL;
	return 0;
}

static int
load_config(struct master *m, const char *file, struct err *e)
{
	m->setup = xcalloc(1, sizeof(*m->setup));
	m->config_file = file ? xstrdup(file) : NULL;
	return setup_load(m->setup, file, e);
}

static void
open_log(const struct config *c)
{
	static const enum log_format formats[] = {
		[CONFIG_LOG_AUTO] = LOG_AUTO,
		[CONFIG_LOG_JSON] = LOG_JSON,
		[CONFIG_LOG_TEXT] = LOG_TEXT,
	};

	log_open(&(struct log_options){
		.fd = STDOUT_FILENO,
		.format = formats[c->agent.log_format],
		.level = c->agent.log_level,
	});
}

/* The folder and its lock, which the spawner keeps; then no privilege. */
static int
settle(struct master *m, struct err *e)
{
	const struct config *c = &m->setup->config;

	if (privileges_make_folders(c, e) < 0)
		return -1;
	m->lock = lock_folder(c->agent.data_dir, LOCK_WAIT_MS, e);
	if (m->lock < 0 || spawner_keep(&m->spawner, m->lock, e) < 0)
		return -1;
	api_open(m, c);
	return privileges_drop(c, e);
}

static int
load_once(struct master *m, struct err *e)
{
	pools_init(m);
	jobs_init(m);
	schedules_init(m);
	return jobs_recover(m, e) < 0 || schedules_load(m, e) < 0 ? -1 : 0;
}

/* What the last agent left.  Damage may show only where it is read. */
static int
load_state(struct master *m, struct err *e)
{
	int rc = load_once(m, e);

	if (rc == 0 || !store_damaged(m->store))
		return rc;
	log_event(LOG_LEVEL_ERROR, &(struct log_about){ .component = "store" },
		  "%s", e->msg);
	schedules_release(m);
	jobs_close(m);
	pools_release(m);
	*e = (struct err)ERR_INIT;
	return master_replace_store(m, e) < 0 ? -1 : load_once(m, e);
}

static int
start(struct master *m, const char *file, struct err *e)
{
	CRASH_TIME();
	m->started_ms = clock_real_ms();
	m->turn = 1;
	/* before the configuration's secrets are in memory */
	if (spawner_fork(&m->spawner, -1, e) < 0 || load_config(m, file, e) < 0)
		return -1;
	open_log(&m->setup->config);
	peers_open(m);
	if (settle(m, e) < 0)
		return -1;
	reload_secrets(&m->setup->config);
	tokens_init(m);
	if (reload_check(m->setup, e) < 0 ||
	    api_files_read(&m->setup->config, &m->api.files, e) < 0 ||
	    set_up_loop(m, e) < 0 || open_store(m, e) < 0)
		return -1;
	m->starter = starter_spawner(m->loop, &m->spawner, on_spawner_lost, m);
	plugins_init(&m->plugins, m->setup, &m->turn);
	changes_init(&m->changes);
	metrics_open(m);
	services_init(m);
	forward_open(m);
	return tokens_load(m, e) < 0 || load_state(m, e) < 0 ||
			       control_open(m, e) < 0 ?
		       -1 :
		       0;
}

static void
ready(struct master *m)
{
	m->phase = PHASE_RUNNING;
	systemd_notify("READY=1\nSTATUS=running");
	log_event(LOG_LEVEL_INFO, &about,
		  "ready: %zu jobs wait, %zu schedules; %s", m->jobs.queued,
		  m->schedules.n,
		  m->config_file ? m->config_file : "built-in defaults");
	pools_warm(m);
	schedules_start(m);
	upkeep_start(m);
	peers_start(m);
}

/* --- The end ------------------------------------------------------------ */

/* What has ended must be on disk, if the disk takes it. */
static void
last_commit(struct master *m)
{
	if (m->store) {
		tokens_keep_uses(m);
		changes_commit(m);
	}
	if (!TAILQ_EMPTY(&m->changes.list))
		log_event(LOG_LEVEL_ERROR, &about,
			  "the store took no changes at the end: jobs that "
			  "ended since are taken for cut off");
	control_flush(m);
}

static void
release(struct master *m)
{
	struct err ignored = ERR_INIT;

	upkeep_stop(m);
	peers_close(m);
	forward_close(m);
	api_close(m);
	api_files_release(&m->api.files);
	tokens_release(m);
	events_release(m);
	plugin_metrics_release(m);
	loop_timer_cancel(&m->stop_timer);
	control_close(m);
	schedules_release(m);
	services_release(m);
	jobs_close(m);
	pools_release(m);
	starter_free(m->starter);
	spawner_release(&m->spawner, SPAWNER_WAIT_MS, &ignored);
	plugins_release(&m->plugins);
	metrics_close(m);
	store_close(m->store);
	free(m->agent.id);
	free(m->agent.host);
	value_free(m->agent.labels);
	free(m->storage_path);
	free(m->config_file);
	setup_release(m->setup);
	free(m->setup);
	log_close();
	log_attach(NULL);
	loop_free(m->loop);
}

int
master_run(const char *file)
{
	static struct master m;
	struct err e = ERR_INIT;

	m.spawner.fd = -1;
	m.control.fd = -1;
	m.lock = -1;
	TAILQ_INIT(&m.control.clients);
	if (systemd_open(&e) < 0)
		log_event(LOG_LEVEL_WARN, &about, "%s", e.msg);
	e = (struct err)ERR_INIT;
	if (start(&m, file, &e) < 0) {
		log_event(LOG_LEVEL_ERROR, &about, "%s%s%s", e.msg,
			  e.hint[0] ? "; " : "", e.hint);
		systemd_notify("STATUS=%s", e.msg);
		log_close();
		return err_exit_status(&e);
	}
	ready(&m);
	loop_run(m.loop);
	last_commit(&m);
	log_event(LOG_LEVEL_INFO, &about, "stopped");
	if (m.status == 0)
		release(&m);
	else
		store_close(m.store); /* workers may be left: exit ends them */
	return m.status;
}
