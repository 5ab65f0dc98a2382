/*
 * program.h: what a program needs to start: its interpreter, if it is a
 * script, the dynamic loader, and the folders of its libraries.
 *
 * Only the first bytes of files are looked at.
 */
#ifndef WORKER_PROGRAM_H
#define WORKER_PROGRAM_H

#include "base/strv.h"

/*
 * The words of a "#!" line, "env NAME" resolved to the program that it would
 * find; none where the file has no such line.
 */
void program_shebang(const char *path, struct strv *words);

/*
 * Add what has to be startable and what has to be visible so that the
 * program at `path` starts: itself, the interpreters in its way, the dynamic
 * loader; the libraries of the host, and those of the language.
 */
void program_needs(const char *path, struct strv *exec, struct strv *libraries);

#endif
