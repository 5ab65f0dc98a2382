/*
 * api_parts.h: what the files of api.h share.
 */
#ifndef MASTER_API_PARTS_H
#define MASTER_API_PARTS_H

#include "master/api.h"

/* api_listen.c: of struct peer_kind. */
int api_sockets(struct master *m, int fds[PEER_SOCKETS_MAX], struct err *e);

#endif
