/*
 * parts.h: what the files of this folder share.
 */
#ifndef CONFIG_PARTS_H
#define CONFIG_PARTS_H

#include "config/settings.h"

/* --- store.c and store_maps.c -------------------------------------------- */

/* Fill `e`: "LINE:COL: jobs.NAME.PATH: text". Returns -1. */
int setting_fail(const struct setting *s, const struct value *at,
		 const struct setting_place *p, struct err *e, const char *fmt,
		 ...) __attribute__((format(printf, 5, 6)));
int setting_fail_type(const struct setting *s, const struct value *v,
		      const struct setting_place *p, struct err *e);
int setting_fail_name(const struct setting *s, const struct value *v,
		      const struct setting_place *p, const char *const *names,
		      struct err *e);

/* What stands in the file, for an error: a number, a word, "a list". */
const char *setting_found(const struct value *v, char text[64]);

/* A string once its ${...} is looked up, NULL on failure. The caller frees. */
char *setting_text(const struct setting *s, const struct value *v,
		   const struct setting_place *p, struct err *e);

int store_secret(const struct setting *s, const struct value *v,
		 const struct setting_place *p, struct err *e);
int store_url(const struct setting *s, const struct value *v,
	      const struct setting_place *p, struct err *e);
int store_flags(const struct setting *s, const struct value *v,
		const struct setting_place *p, struct err *e);
int store_patterns(const struct setting *s, const struct value *v,
		   const struct setting_place *p, struct err *e);
int store_layers(const struct setting *s, const struct value *v,
		 const struct setting_place *p, struct err *e);
int store_hosts(const struct setting *s, const struct value *v,
		const struct setting_place *p, struct err *e);
int store_roles(const struct setting *s, const struct value *v,
		const struct setting_place *p, struct err *e);
int store_labels(const struct setting *s, const struct value *v,
		 const struct setting_place *p, struct err *e);
int store_params(const struct setting *s, const struct value *v,
		 const struct setting_place *p, struct err *e);
int store_secrets(const struct setting *s, const struct value *v,
		  const struct setting_place *p, struct err *e);

/* --- jobs.c --------------------------------------------------------------- */

/*
 * Read the map of jobs into c->jobs, which is empty; secrets are added to
 * c->secrets. Errors are "LINE:COL: jobs.NAME...: text".
 */
int jobs_load(struct config *c, const struct value *v, struct err *e);
void jobs_release(struct config_jobs *jobs);

/* --- destinations.c ------------------------------------------------------- */

/* The same of the list of destinations, into c->forward. */
int destinations_load(struct config *c, const struct value *v,
		      struct strv *warnings, struct err *e);
void destinations_release(struct config_destinations *all);

/* --- secrets.c ------------------------------------------------------------ */

/* Make of c->secrets what config_secrets() hands out. */
void secrets_finish(struct config *c);

/* --- api.c ---------------------------------------------------------------- */

/* That the settings of the HTTP API go together. */
int config_check_api(const struct config *c, struct err *e);

#endif
