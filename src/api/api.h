/*
 * api.h: the program devops_agent-api: HTTP on one side, the master on the
 * other.
 *
 * The master executes it with fixed descriptors: 2 its standard error, 3 the
 * channel (upstream.h), from 4 on the sockets to listen on, already bound.  It
 * is told its settings by `configure`, confines itself, says `ready`, and
 * opens nothing after that.  It decides nothing: who may what is the
 * master's, which is told a request's token, address and certificate.
 *
 * It ends with status 0 when the channel does, or, once what is under way was
 * answered, by SIGTERM.
 */
#ifndef API_API_H
#define API_API_H

#define API_CHANNEL_FD 3
#define API_LISTEN_FD 4
#define API_LISTEN_MAX 16

int api_main(void);

#endif
