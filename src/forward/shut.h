/*
 * shut.h: the forwarder shuts itself in, once it knows what it has to read.
 *
 * Before: what names are resolved with and what TLS is configured by. Then
 * the folders of the certificates that destinations name, and no other file.
 */
#ifndef FORWARD_SHUT_H
#define FORWARD_SHUT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "forward/settings.h"

/* Add the folders that a destination has to read. */
void shut_add(struct strv *folders, const struct settings *s);

/*
 * For good. `folders` is what shut_add() gave; *words, for the log, says
 * which layers there are.
 */
int shut_in(const struct strv *folders, struct buf *words, struct err *e);

/* Whether all of `folders` is among those that it was shut in with. */
bool shut_covers(const struct strv *shut, const struct strv *folders);

#endif
