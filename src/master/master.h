/*
 * master.h: the process that decides what runs: the agent as a service.
 *
 * master_run() is the whole of it.  The rest is what the files of master/
 * share; each file's own header says what it does with its part.
 *
 * One thread and one loop.  In a turn, handlers look at what came and note
 * what is to change (changes.h); at its end all that is committed together,
 * and only then what follows from it leaves: answers, requests to workers.
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/setup.h"
#include "base/loop.h"
#include "master/api.h"
#include "master/changes.h"
#include "master/control.h"
#include "master/events.h"
#include "master/forward.h"
#include "master/jobs.h"
#include "master/peers.h"
#include "master/plugin_metrics.h"
#include "master/plugins.h"
#include "master/pools.h"
#include "master/schedules.h"
#include "master/services.h"
#include "master/tokens.h"
#include "model/record.h"
#include "store/store.h"
#include "worker/spawner.h"
#include "worker/starter.h"

enum phase {
	PHASE_STARTING,
	PHASE_RUNNING,
	PHASE_DRAINING,	  /* nothing starts; what runs may finish */
	PHASE_CANCELLING, /* what runs was told to stop */
	PHASE_STOPPED,
};

const char *phase_name(enum phase phase);

struct master {
	enum phase phase;
	struct loop *loop;
	uint64_t turn;	     /* counts the loop's */
	bool first;	     /* process 1, as in a container */
	struct setup *setup; /* of the configuration in force */
	char *config_file;   /* NULL: built-in defaults */
	int lock;	     /* of data_dir */
	struct spawner spawner;
	struct starter *starter;
	struct store *store;
	char *storage_path;
	struct agent_id agent;
	int64_t started_ms; /* unix */
	int status;	    /* of the process, once it stops */

	struct plugins plugins;
	struct changes changes;
	struct jobs jobs;
	struct pools pools;
	struct schedules schedules;
	struct services services;
	struct control control;
	struct peers peers;
	struct api api;
	struct tokens tokens;
	struct events events;
	struct plugin_metrics plugin_metrics;
	struct forward forward;
	struct metrics *metrics;

	struct loop_timer stop_timer;
	struct loop_timer prune_timer;
	size_t ends_since_prune;
	struct loop_timer log_timer;
	struct loop_timer watchdog_timer;
	int64_t watchdog_ms;
	bool set_aside; /* the database was damaged, and is a new one */
	bool replacing; /* it is damaged, and still in its place */
	bool restoring; /* it is new, and lacks what is in memory */
};

/*
 * Run as a service until told to stop; `file` is the configuration's, NULL
 * for the built-in defaults.  Returns the exit status: 0 stopped as asked, 2
 * wrong configuration, 125 could not start or go on.
 */
int master_run(const char *file);

/* --- life.c: stopping --------------------------------------------------- */

/* Stop: by and by; `quick`, or a second time: cancel what runs. */
void master_stop(struct master *m, bool quick);
/* A job has ended: is that all? */
void master_check_stop(struct master *m);
/* Can't go on. */
void master_fail(struct master *m, const struct err *e);

/* --- replace.c: a database that is damaged ------------------------------ */

/*
 * Where it is: set it aside, start a new one, and put into that what is in
 * memory: every job that waits or runs, and how far each schedule has come.
 * It is to be called again, before any other change, until it returned 0.
 */
int master_replace_store(struct master *m, struct err *e);
/* The database at `aside` was damaged: say so, loudly. */
void master_say_set_aside(struct master *m, const char *aside);
/* Read from the store who this agent is. */
int master_know_self(struct master *m, struct err *e);

/* --- reload.c ----------------------------------------------------------- */

/* Read the configuration again; on failure nothing has changed. */
int master_reload(struct master *m, struct err *e);
/*
 * The same where nothing differs but destinations: what a ${...} of theirs
 * stands for is another now. What else was edited waits for a reload.
 */
void master_renew_destinations(struct master *m);
/* Check its jobs against the plugins there are, and log the warnings. */
int reload_check(struct setup *s, struct err *e);
/* From now on the log masks what the configuration keeps secret. */
void reload_secrets(const struct config *c);

#endif
