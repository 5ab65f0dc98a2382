#include "master/control.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/systemd.h"
#include "master/master.h"
#include "master/messages.h"
#include "proto/line.h"

#define BACKLOG 128
#define CHUNK 65536
#define GROUPS_MAX 256

static const struct log_about about = { .component = "control" };

struct client {
	TAILQ_ENTRY(client) link;
	struct master *master;
	struct loop_io io;
	struct loop_timer line_timer;
	int fd;
	struct ucred who;
	struct caller caller;
	struct line_splitter lines;
	struct channel channel;
	bool ended;   /* it will send no more */
	bool dropped; /* to be freed at the end of the turn */
};

/* --- Who may what ------------------------------------------------------- */

static bool
is_in_group(const struct ucred *who, gid_t group)
{
	struct passwd *pw = getpwuid(who->uid);
	gid_t groups[GROUPS_MAX];
	int n = GROUPS_MAX;

	if (who->gid == group)
		return true;
	if (!pw || getgrouplist(pw->pw_name, pw->pw_gid, groups, &n) < 0)
		return false;
	for (int i = 0; i < n; i++)
		if (groups[i] == group)
			return true;
	return false;
}

static enum role
role_of(const struct master *m, const struct ucred *who)
{
	const char *name = m->setup->config.agent.group;
	struct group *group = name ? getgrnam(name) : NULL;

	if (who->uid == 0 || who->uid == geteuid())
		return ROLE_ADMIN;
	return group && is_in_group(who, group->gr_gid) ? ROLE_OPERATOR :
							  ROLE_NONE;
}

static void
caller_init(struct client *c)
{
	c->caller.role = role_of(c->master, &c->who);
	c->caller.uid = c->who.uid;
	snprintf(c->caller.name, sizeof(c->caller.name), "uid %u",
		 (unsigned)c->who.uid);
}

/* --- Requests ----------------------------------------------------------- */

static int
take_line(void *arg, const struct line *line, struct err *e)
{
	struct client *c = arg;
	_cleanup_(rpc_request_release) struct rpc_request r;
	enum rpc_code code;
	struct err wrong = ERR_INIT;

	(void)e;
	if (c->dropped)
		return 0;
	if (rpc_request_parse(line->s, line->len, &r, &code, &wrong) < 0)
		rpc_add_error(&c->channel.out, &r.id, code, &wrong, NULL);
	else
		request_take(&c->channel, &c->caller, &r, MESSAGE_LOCAL);
	return 0;
}

/* --- Clients ------------------------------------------------------------ */

static void
client_drop(struct client *c)
{
	if (c->dropped)
		return;
	c->dropped = true;
	channel_drop_requests(&c->channel);
	loop_io_del(&c->io);
	loop_timer_cancel(&c->line_timer);
}

static void
client_free(struct control *control, struct client *c)
{
	client_drop(c);
	TAILQ_REMOVE(&control->clients, c, link);
	control->n--;
	close(c->fd);
	line_release(&c->lines);
	channel_release(&c->channel);
	free(c);
}

static void
set_events(struct client *c)
{
	unsigned events = 0;

	if (!c->ended && c->channel.out.len < CLIENT_OUT_PAUSE)
		events |= EPOLLIN;
	if (c->channel.out.len)
		events |= EPOLLOUT;
	loop_io_set(&c->io, events);
}

static void
line_too_slow(void *arg)
{
	struct client *c = arg;

	log_event(LOG_LEVEL_INFO, &about,
		  "user id %u left a request unfinished for %d s",
		  (unsigned)c->who.uid, CLIENT_LINE_MS / 1000);
	client_drop(c);
}

/* A line that was begun has a time to end by; silence between has none. */
static void
watch_line(struct client *c, bool progressed)
{
	if (!c->lines.pending.len)
		loop_timer_cancel(&c->line_timer);
	else if (progressed || !c->line_timer.at_ms)
		loop_timer_set(c->master->loop, &c->line_timer,
			       clock_mono_ms() + CLIENT_LINE_MS, line_too_slow,
			       c);
}

static void
read_client(struct client *c)
{
	static char chunk[CHUNK];
	struct err e = ERR_INIT;
	struct rpc_id none = { "null" };
	ssize_t n = recv(c->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
	bool had = c->lines.pending.len > 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* what it asked for it may still read */
		c->ended = true;
		if (n < 0 || (!c->channel.n_requests && !c->channel.out.len))
			client_drop(c);
		return;
	}
	if (line_feed(&c->lines, chunk, (size_t)n, take_line, c, &e) < 0) {
		err_hint(&e, "a request has at most %lu bytes", RPC_LINE_MAX);
		rpc_add_error(&c->channel.out, &none, RPC_PARSE_ERROR, &e,
			      NULL);
		c->ended = true; /* dropped once it was told */
		return;
	}
	watch_line(c, !had || memchr(chunk, '\n', (size_t)n));
}

static void
write_client(struct client *c)
{
	ssize_t n;

	if (!c->channel.out.len)
		return;
	n = send(c->fd, c->channel.out.data, c->channel.out.len,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		buf_consume(&c->channel.out, (size_t)n);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		client_drop(c);
}

static void
on_client(void *arg, unsigned events)
{
	struct client *c = arg;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)) {
		if (c->ended && events & (EPOLLHUP | EPOLLERR))
			client_drop(c);
		else if (!c->ended)
			read_client(c);
	}
}

void
control_flush(struct master *m)
{
	struct control *control = &m->control;
	struct client *c, *next;

	for (c = TAILQ_FIRST(&control->clients); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (!c->dropped)
			write_client(c);
		if (c->channel.out.len > CLIENT_OUT_MAX ||
		    c->channel.out.overflow) {
			log_event(LOG_LEVEL_WARN, &about,
				  "user id %u does not read its answers",
				  (unsigned)c->who.uid);
			client_drop(c);
		}
		if (!c->dropped && c->ended && !c->channel.n_requests &&
		    !c->channel.out.len)
			client_drop(c);
		if (c->dropped)
			client_free(control, c);
		else
			set_events(c);
	}
	if (control->full && control->n < CLIENTS_MAX) {
		control->full = false;
		loop_io_set(&control->listener, EPOLLIN);
	}
}

/* --- Connecting --------------------------------------------------------- */

static void
add_client(struct master *m, int fd)
{
	struct client *c = xcalloc(1, sizeof(*c));
	socklen_t len = sizeof(c->who);

	c->master = m;
	c->fd = fd;
	line_init(&c->lines, RPC_LINE_MAX);
	channel_init(&c->channel, m, CLIENT_OUT_MAX * 2);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c->who, &len) == 0)
		caller_init(c);
	TAILQ_INSERT_TAIL(&m->control.clients, c, link);
	m->control.n++;
	m->control.accepted++;
	if (loop_io_add(m->loop, &c->io, fd, EPOLLIN, on_client, c) < 0)
		client_drop(c);
}

static void
on_connect(void *arg, unsigned events)
{
	struct master *m = arg;
	struct control *control = &m->control;
	int fd;

	(void)events;
	while (control->n < CLIENTS_MAX) {
		fd = accept4(control->fd, NULL, NULL,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE))
			break;
		if (fd < 0)
			return;
		add_client(m, fd);
	}
	/* those that come wait in the kernel's queue until one goes */
	control->full = true;
	control->refused++;
	loop_io_set(&control->listener, 0);
	log_event(LOG_LEVEL_WARN, &about,
		  "%zu clients are connected: others "
		  "wait",
		  control->n);
}

/* Somebody answers there: it is not ours to take. */
static bool
is_alive(const struct sockaddr_un *address)
{
	_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && connect(fd, (const struct sockaddr *)address,
				  sizeof(*address)) == 0;
}

static int
bind_socket(struct control *control, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(control->path);

	if (len >= sizeof(address.sun_path)) {
		err_set(e, ERR_USAGE,
			"%s: a socket's path has at most %zu bytes",
			control->path, sizeof(address.sun_path) - 1);
		return err_hint(e, "set agent.socket");
	}
	memcpy(address.sun_path, control->path, len + 1);
	if (is_alive(&address))
		return err_set(e, ERR_AGENT, "%s: another agent listens there",
			       control->path);
	unlink(control->path);
	if (bind(control->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_errno(e, "listen at %s", control->path);
	/* whoever connects is told what he may; the folder may say more */
	if (chmod(control->path, 0666) < 0)
		return err_errno(e, "%s", control->path);
	return 0;
}

static int
make_socket(struct master *m, struct err *e)
{
	struct control *control = &m->control;
	_free_ char *folder = NULL;

	control->path = config_socket_path(&m->setup->config);
	folder = xstrndup(control->path, (size_t)(strrchr(control->path, '/') -
						  control->path));
	if (file_mkdir_p(folder, 0755, e) < 0)
		return -1;
	control->fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->fd < 0)
		return err_errno(e, "socket");
	return bind_socket(control, e);
}

/* One that systemd listens on for us: the first; others are closed. */
static int
take_socket(void)
{
	struct systemd_socket sockets[SYSTEMD_SOCKETS_MAX];
	size_t n = systemd_take_sockets(sockets);

	for (size_t i = 1; i < n; i++)
		close(sockets[i].fd);
	return n ? sockets[0].fd : -1;
}

int
control_open(struct master *m, struct err *e)
{
	struct control *control = &m->control;

	TAILQ_INIT(&control->clients);
	control->fd = take_socket();
	if (control->fd < 0 && make_socket(m, e) < 0)
		return -1;
	if (listen(control->fd, BACKLOG) < 0)
		return err_errno(e, "listen");
	if (loop_io_add(m->loop, &control->listener, control->fd, EPOLLIN,
			on_connect, m) < 0)
		return err_errno(e, "epoll");
	return 0;
}

void
control_close(struct master *m)
{
	struct control *control = &m->control;
	struct client *c, *next;

	for (c = TAILQ_FIRST(&control->clients); c; c = next) {
		next = TAILQ_NEXT(c, link);
		client_free(control, c);
	}
	loop_io_del(&control->listener);
	if (control->fd >= 0)
		close(control->fd);
	if (control->path)
		unlink(control->path);
	free(steal_ptr(&control->path));
	control->fd = -1;
}
