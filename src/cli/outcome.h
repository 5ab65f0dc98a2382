/*
 * outcome.h: what a job came to, as people are shown it, wherever it ran.
 *
 * `record` is a job's record, the JSON of docs/protocol.md.
 */
#ifndef CLI_OUTCOME_H
#define CLI_OUTCOME_H

#include <stdbool.h>

#include "base/strv.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "model/value.h"

/*
 * Its denials and its error to standard error, its result to standard output;
 * with --json all of the record there.
 */
void outcome_print(const struct cli *c, const struct value *record);

/* Denials and error alone. */
void outcome_print_trouble(const struct value *record);

/* The exit status of a job that ended so. */
int outcome_status(const struct value *record);

/* Its state's name, one of those that there are. */
const char *outcome_state_name(const struct value *record);
/* The colour of that. */
enum terminal_style outcome_style(const char *state);

/* Whether it has ended at all. */
bool outcome_is_final(const struct value *record);

/* Indented on a terminal, one line otherwise. */
void outcome_print_value(const struct value *v);

/* Refused: what is missing, a line each, before the reason. */
int outcome_refuse(const struct strv *difference, const struct err *e);

#endif
