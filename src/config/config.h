/*
 * config.h: the agent's settings, from config.yaml or built in.
 *
 * The caller's steps: config_init(), which sets the defaults; config_load()
 * with the file of --config, or with the one that config_find() names, if
 * any; config_release() at the end (or _config_).
 *
 *	_config_ struct config c;
 *
 *	config_init(&c);
 *	path = given ? xstrdup(given) : config_find(&warnings);
 *	if (path && config_load(path, &c, &warnings, e) < 0)
 *		return -1;
 *
 * Everything is owned by the struct. What a setting means and how it is
 * written is a row of the tables in settings.c and job_settings.c, which
 * docs/configuration.md is made from.
 *
 * To reload: load the file into a fresh struct; if that fails, or
 * config_check() does, the old one stays. Otherwise apply what
 * config_diff(&old, &fresh) reports, then config_keep_fixed(&old, &fresh), and
 * release the old one.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/strv.h"
#include "config/destination.h"
#include "config/job.h"
#include "model/manifest.h"
#include "model/value.h"

#define CONFIG_DATA_DIR "/var/lib/devops_agent"
#define CONFIG_SYSTEM_FILE "/etc/devops_agent/config.yaml"
#define CONFIG_MAX_FILE (16UL << 20) /* bytes */

/* Where a service's own folder in /run is, and the name of a socket. */
#define CONFIG_SERVICE_SOCKET "/run/devops_agent/agent.sock"
#define CONFIG_SOCKET_NAME "agent.sock"

enum config_log_format { CONFIG_LOG_AUTO, CONFIG_LOG_JSON, CONFIG_LOG_TEXT };
enum storage_type { STORAGE_SQLITE };
enum config_anonymous { CONFIG_ANONYMOUS_NONE, CONFIG_ANONYMOUS_READ };
enum config_durability { CONFIG_DURABILITY_FULL, CONFIG_DURABILITY_NORMAL };

struct config {
	char *file;   /* absolute; NULL: the built-in defaults */
	char *folder; /* its folder; NULL with it */
	struct {
		char *listen_addr; /* HOST:PORT; "": no HTTP API */
		char *data_dir;	   /* absolute, as every path here */
		enum log_level log_level;
		enum config_log_format log_format;
		struct value *labels;	 /* object of strings, maybe empty */
		char *user;		 /* whom root's agent becomes */
		char *group;		 /* NULL: no group may use the socket */
		char *socket;		 /* NULL: see config_socket_path() */
		int64_t stop_timeout_ms; /* more than GRACE_WORKER_MS */
	} agent;
	struct {
		char *path;   /* NULL: the program's own plugins */
		char *grants; /* NULL: see config_grants() */
		struct {
			bool enabled;
			char *interpreter;
		} python, shell;
		struct limits ceiling; /* 0: none; see config_ceiling() */
		unsigned require;      /* set of enum layer */
	} plugins;
	struct {
		enum storage_type type;
		char *path; /* NULL: see config_storage_path() */
		enum config_durability durability;
		struct {
			int64_t age_ms;
			int64_t size_bytes;
		} retention;
	} storage;
	struct {
		int64_t max; /* jobs that run at once */
	} workers;
	struct {
		int64_t max; /* jobs that wait at once */
	} queue;
	struct {
		bool prometheus;
	} metrics;
	struct {
		enum config_anonymous anonymous;
		bool insecure; /* neither TLS nor tokens where others listen */
		struct value *hosts; /* array of strings */
		struct {
			char *cert, *key;      /* NULL: no TLS */
			char *client_ca;       /* NULL: none is asked for */
			struct value *clients; /* subject, or fingerprint of
						* SHA-256 in hex -> role */
		} tls;
		struct {
			int64_t connections, per_address, streams;
			int64_t body_bytes;
			int64_t header_ms, idle_ms, request_ms;
		} limits;
	} api;
	struct config_jobs {
		struct config_job *items; /* by name */
		size_t n;
	} jobs;
	struct config_destinations {
		struct config_destination *items; /* as in the file */
		size_t n;
	} forward;

	/* config/ alone: */
	char *name; /* of the file, as it was given */
	/* path of a setting in the file -> its value as written there */
	struct value *given;
	struct strv secrets; /* see config_secrets() */
};

void config_init(struct config *c);
void config_release(struct config *c); /* also the cleanup function */

#define _config_ _cleanup_(config_release)

/*
 * The file to read where the user named none: ./config.yaml, if only root or
 * the caller may change it and put it there; then CONFIG_SYSTEM_FILE; NULL
 * where there is neither. A ./config.yaml that can't be trusted is passed
 * over, with a warning that says why. The caller frees.
 */
char *config_find(struct strv *warnings);

/*
 * Read `path` into `c`, which was initialised; on failure `c` is as it was.
 * /dev/null stands for the built-in defaults.
 *
 * Warnings are added for what is in the file and is not obeyed here. Errors
 * are ERR_USAGE, "FILE:LINE:COL: plugins.path: ...", FILE being `path`; a file
 * that can't be read is one too.
 */
int config_load(const char *path, struct config *c, struct strv *warnings,
		struct err *e);

/*
 * The same for a text that is in memory. `path` is the file that relative
 * paths are relative to; it need not exist.
 */
int config_parse(const char *text, size_t len, const char *path,
		 struct config *c, struct strv *warnings, struct err *e);

/* --- What follows from the settings --------------------------------------- */

/* Whether the HTTP API listens where this host's processes alone connect. */
bool config_api_is_local(const struct config *c);

/* The most that a plugin may ask for: the ceiling, or what is built in. */
void config_ceiling(const struct config *c, struct limits *l);

/* The folder of grants; NULL: the program's own. The caller frees both. */
char *config_grants(const struct config *c);
char *config_storage_path(const struct config *c);

/*
 * The socket that an agent listens on: agent.socket; or in the folder that
 * systemd made for it ($RUNTIME_DIRECTORY); or in data_dir. The caller frees.
 */
char *config_socket_path(const struct config *c);

/*
 * Where a client finds the agent of this configuration, the likeliest first:
 * the client has no $RUNTIME_DIRECTORY. The service's own socket is among
 * them only for the service's configuration, so that nobody talks to another
 * agent than the one that was meant.
 */
void config_client_sockets(const struct config *c, struct strv *paths);

/* The job of that name, NULL where there is none. */
const struct config_job *config_find_job(const struct config *c,
					 const char *name);
/* The destination of that name, NULL where there is none. */
const struct config_destination *config_find_destination(const struct config *c,
							 const char *name);

/*
 * Every text that was put in for ${...} in params and secrets, and every
 * secret of jobs and destinations: what a log must not show. Texts of less than
 * CONFIG_SECRET_MIN bytes are left out, and of a text of several lines, its
 * lines are there as well. Each once, the longest first.
 */
#define CONFIG_SECRET_MIN 4
void config_secrets(const struct config *c,
		    void (*fn)(void *arg, const char *text), void *arg);

/* --- Checks that take more than the file --------------------------------- */

/*
 * Look at one thing of one job. 0: it is right; 1: a warning, -1: an error,
 * both in `e`, without a place.
 */
typedef int config_check_fn(void *arg, const struct config_job *j,
			    enum config_check what, struct err *e);

/*
 * Have every job checked, by name, the things of each in the order of the
 * enum; what comes after an unknown plugin (a warning or an error) is left
 * out. Ends at the first error, ERR_USAGE "FILE:LINE:COL: jobs.NAME.cron: ...".
 */
int config_check(const struct config *c, config_check_fn *fn, void *arg,
		 struct strv *warnings, struct err *e);

/* --- Reloading ------------------------------------------------------------ */

enum config_change_kind {
	CONFIG_JOB_ADDED,   /* to */
	CONFIG_JOB_REMOVED, /* from */
	CONFIG_JOB_CHANGED, /* from, to */
	CONFIG_DESTINATION_ADDED,
	CONFIG_DESTINATION_REMOVED,
	CONFIG_DESTINATION_CHANGED,
	CONFIG_SETTING_CHANGED,
};

struct config_change {
	enum config_change_kind kind;
	const char *name; /* of job or destination, or the setting's path */
	const struct config_job *from, *to;
	/* a setting that is read at start only: to be reported, not applied */
	bool needs_restart;
};

/*
 * What differs, settings first, then jobs by name, then destinations; all of
 * it is borrowed.
 */
void config_diff(const struct config *from, const struct config *to,
		 void (*fn)(void *arg, const struct config_change *change),
		 void *arg);

/*
 * Keep in `to` what can't change while the agent runs, as `from` has it: `to`
 * is what is in force after a reload, and the next one reports it again.
 */
void config_keep_fixed(const struct config *from, struct config *to);

/*
 * The effective settings, as a configuration file that loads to the same;
 * what is not in the file is marked as a default. A value that came by
 * ${...}, from the environment or from a file, is shown as it was written.
 */
void config_show(const struct config *c, struct buf *out);

/*
 * The same as one object, for JSON: durations are whole numbers of
 * milliseconds under a key that ends in _ms, sizes in bytes under _bytes.
 * What is not set is null. The caller frees.
 */
struct value *config_to_value(const struct config *c);

/* The table of docs/configuration.md, and config.example.yaml. */
void config_write_reference(struct buf *out);
void config_write_example(struct buf *out);

#endif
