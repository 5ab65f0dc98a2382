/* base/log: structured lines, repeats, secrets, a reader that does not read. */
#include "tap.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proto/json.h"

#define NOW INT64_C(1769903999123) /* 2026-01-31T23:59:59.123Z */
#define T "2026-01-31T23:59:59.123Z"

static int in, out; /* of the pipe that stands for standard output */

static void
pipe_open(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		abort();
	in = fds[0];
	out = fds[1];
	/* the test's side alone: that of the log is what is tested */
	fcntl(in, F_SETFL, O_NONBLOCK);
}

static void
pipe_close(void)
{
	log_close();
	if (in >= 0)
		close(in);
	close(out);
}

/* What has been written since; the caller's buffer is static. */
static const char *
take(void)
{
	static char text[1 << 20];
	size_t len = 0;
	ssize_t n;

	while ((n = read(in, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	return text;
}

static void
open_log(enum log_format format)
{
	log_open(&(struct log_options){
		.fd = out, .format = format, .level = LOG_LEVEL_INFO });
}

/* --- Lines --- */

static const struct {
	const char *title;
	enum log_level level;
	struct log_about about;
	const char *message, *json, *text;
} cases[] = {
	{ "a plain message",
	  LOG_LEVEL_INFO,
	  { 0 },
	  "started",
	  "{\"time\":\"" T "\",\"level\":\"info\",\"message\":\"started\"}\n",
	  T " INFO  started\n" },
	{ "all that a line can be about",
	  LOG_LEVEL_WARN,
	  { "queue", 42, "x" },
	  "late",
	  "{\"time\":\"" T "\",\"level\":\"warn\",\"message\":\"late\","
	  "\"component\":\"queue\",\"job\":42,\"plugin\":\"x\"}\n",
	  T " WARN  queue: late (job 42, plugin x)\n" },
	{ "a plugin without a job",
	  LOG_LEVEL_ERROR,
	  { NULL, 0, "x" },
	  "m",
	  "{\"time\":\"" T "\",\"level\":\"error\",\"message\":\"m\","
	  "\"plugin\":\"x\"}\n",
	  T " ERROR m (plugin x)\n" },
	{ "a job without a plugin",
	  LOG_LEVEL_ERROR,
	  { "", 7, "" },
	  "m",
	  "{\"time\":\"" T "\",\"level\":\"error\",\"message\":\"m\","
	  "\"job\":7}\n",
	  T " ERROR m (job 7)\n" },
	{ "several lines, quotes, a control",
	  LOG_LEVEL_INFO,
	  { 0 },
	  "a\nb\"\\\033[2J\x7f\t\n",
	  "{\"time\":\"" T "\",\"level\":\"info\","
	  "\"message\":\"a\\u000ab\\\"\\\\\\u001b[2J\\u007f\\u0009\"}\n",
	  T " INFO  a\\x0ab\"\\\\x1b[2J\\x7f\t\n" },
	{ "a turn of the direction of writing",
	  LOG_LEVEL_INFO,
	  { NULL, 0, "\xe2\x80\xae" },
	  "\xc3\xbc\xe2\x80\xae",
	  "{\"time\":\"" T "\",\"level\":\"info\","
	  "\"message\":\"\xc3\xbc\\u202e\",\"plugin\":\"\\u202e\"}\n",
	  T " INFO  \xc3\xbc\\u202e (plugin \\u202e)\n" },
	{ "bytes that are no UTF-8",
	  LOG_LEVEL_INFO,
	  { 0 },
	  "a\xff\xc3",
	  "{\"time\":\"" T "\",\"level\":\"info\","
	  "\"message\":\"a\xef\xbf\xbd\xef\xbf\xbd\"}\n",
	  T " INFO  a\\xff\\xc3\n" },
};

static void
test_lines(void)
{
	pipe_open();
	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		open_log(LOG_AUTO);
		log_event(cases[i].level, &cases[i].about, "%s",
			  cases[i].message);
		is_str(take(), cases[i].json, "%s, as JSON", cases[i].title);
		open_log(LOG_TEXT);
		log_event(cases[i].level, &cases[i].about, "%s",
			  cases[i].message);
		is_str(take(), cases[i].text, "%s, as text", cases[i].title);
	}
	log_debug("no");
	is_str(take(), "", "what is below the level is not said");
	log_warn("%d%%", 5);
	is_str(take(), T " WARN  5%\n",
	       "the shorter calls say structured lines too");
	pipe_close();
}

static void
test_any_bytes(void)
{
	unsigned state = 7, valid = 0, lines = 0;
	char message[200];

	pipe_open();
	open_log(LOG_JSON);
	for (int i = 0; i < 3000; i++) {
		size_t len = (size_t)(i % 199);
		const char *line;
		size_t n;
		struct err e = ERR_INIT;

		for (size_t k = 0; k < len; k++) {
			state = state * 1103515245u + 12345u;
			message[k] = (char)(state >> 16);
			if (!message[k])
				message[k] = '\n';
		}
		message[len] = '\0';
		log_event(LOG_LEVEL_INFO,
			  &(struct log_about){ .plugin = message }, "%d %s", i,
			  message);
		line = take();
		n = strlen(line);
		lines += n && strchr(line, '\n') == line + n - 1;
		valid += n && json_check(line, n - 1, &e) == 0;
	}
	is_int(lines, 3000, "whatever bytes it holds, a line is one line");
	is_int(valid, 3000, "... and valid JSON");
	pipe_close();
}

static void
test_cut(void)
{
	char *message = xmalloc(3 * LOG_MESSAGE_MAX);
	const char *line;

	memset(message, 'x', 3 * LOG_MESSAGE_MAX);
	message[3 * LOG_MESSAGE_MAX - 1] = '\0';
	memcpy(message + LOG_MESSAGE_MAX - 1, "\xc3\xbc", 2);
	memcpy(message + LOG_MESSAGE_MAX - 20, "secretsecret12345678SECRET",
	       26);
	pipe_open();
	open_log(LOG_TEXT);
	log_info("%s", message);
	line = take();
	is_int((intmax_t)strlen(line), LOG_MESSAGE_MAX + 31 + 4,
	       "a long message is cut");
	log_add_secret("12345678SECRET");
	log_info("%s", message);
	line = take();
	ok(!strstr(line, "1234"), "... after secrets are hidden, not through "
				  "one");
	memset(message, 'x', LOG_MESSAGE_MAX);
	memcpy(message + LOG_MESSAGE_MAX - 1, "\xc3\xbc", 2);
	log_info("%s", message);
	has_str(take(), "x...\n", "... and not within a character");
	log_forget_secrets();
	pipe_close();
	free(message);
}

/* --- Repeats --- */

static void
count(const char *component, int64_t job, const char *message)
{
	log_event(LOG_LEVEL_INFO,
		  &(struct log_about){ .component = component, .job = job },
		  "%s", message);
}

static void
test_repeats(void)
{
	struct log_stats s, before;

	log_get_stats(&before);
	pipe_open();
	open_log(LOG_TEXT);
	clock_freeze_for_tests(1000, NOW);
	count("a", 1, "full");
	is_str(take(), T " INFO  a: full (job 1)\n", "the first is said");
	is_int(log_next_flush_ms(), -1, "... and nothing is to be flushed");
	count("a", 2, "full");
	count("a", 2, "full");
	is_str(take(), "", "its repeats are held");
	is_int(log_next_flush_ms(), 11000, "... until the window ends");
	count("b", 0, "full");
	log_event(LOG_LEVEL_WARN, &(struct log_about){ .component = "a" },
		  "full");
	is_str(take(), T " INFO  b: full\n" T " WARN  a: full\n",
	       "another component's, another level's, are not");
	count("a", 2, "full");
	is_str(take(), "", "... nor do they end the first one's window");
	log_flush(false);
	is_str(take(), "", "a flush before its time says nothing");
	clock_freeze_for_tests(11000, NOW);
	log_flush(false);
	is_str(take(), T " INFO  a: full (repeated 3 times) (job 2)\n",
	       "at its time it says what was held");
	is_int(log_next_flush_ms(), -1, "... once");
	count("a", 1, "full");
	count("a", 2, "full");
	is_str(take(), "", "what goes on is said once a window");
	clock_freeze_for_tests(21001, NOW);
	count("a", 2, "full");
	is_str(take(), T " INFO  a: full (repeated 3 times)\n",
	       "... with the next one if nobody flushed; of several jobs none "
	       "is named");
	count("a", 0, "full");
	log_flush(true);
	is_str(take(), T " INFO  a: full (repeated 1 times)\n",
	       "all is flushed when asked");
	clock_freeze_for_tests(50000, NOW);
	log_flush(false);
	count("a", 0, "full");
	is_str(take(), T " INFO  a: full\n",
	       "what paused for a window is as new");
	count("a", 0, "full");
	for (int i = 0; i < LOG_RECENT; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%d", i);
		clock_shift_for_tests(1, 0);
		count("b", 0, text);
	}
	has_str(take(), " INFO  a: full (repeated 1 times)\n",
		"what needs its place says it");
	log_get_stats(&s);
	is_int((intmax_t)(s.repeated - before.repeated), 7,
	       "repeats are counted");
	count("b", 0, "3");
	log_close();
	has_str(take(), "b: 3 (repeated 1 times)\n", "... and so does the end");
	log_open(&(struct log_options){ .fd = out, .window_ms = -1 });
	count("a", 0, "full");
	take();
	count("a", 0, "full");
	has_str(take(), "full", "without a window nothing is held");
	log_open(&(struct log_options){ .fd = out });
	count("a", 0, "full");
	count("a", 0, "full");
	has_str(take(), "\"message\":\"full\"", "in JSON");
	log_flush(true);
	has_str(take(), "\"full (repeated 1 times)\",\"repeated\":1,",
		"... the count is a member as well");
	pipe_close();
}

/* --- Secrets --- */

static const struct {
	const char *title, *secrets[3], *message, *want;
} secret_cases[] = {
	{ "a secret", { "s3cret" }, "a s3cret, s3crets", "a ***, ***s" },
	{ "an empty secret", { "" }, "text", "text" },
	{ "the longer of two", { "abc", "abcdef" }, "xabcdefx", "x***x" },
	{ "the longer of two, given first",
	  { "abcdef", "abc" },
	  "zabcdefz",
	  "z***z" },
	{ "two that overlap", { "abcd", "cdef" }, "yabcdefy", "y***y" },
	{ "two side by side", { "abcd" }, "abcdabcd", "******" },
	{ "one that is not whole", { "abcd" }, "abcabc", "abcabc" },
	{ "one that ends the message", { "abcd" }, "xabcd", "x***" },
	{ "a line of several",
	  { "-- BEGIN\n0123456789\nshort\n" },
	  "0123456789 short",
	  "*** short" },
	{ "bytes that are no text",
	  { "\xff\x01\xfe" },
	  "a\xff\x01\xfe",
	  "a***" },
};

static void
test_secrets(void)
{
	pipe_open();
	open_log(LOG_TEXT);
	for (size_t i = 0; i < TAP_COUNT(secret_cases); i++) {
		char want[200];

		for (size_t k = 0; k < 3; k++)
			if (secret_cases[i].secrets[k])
				log_add_secret(secret_cases[i].secrets[k]);
		log_error("%s", secret_cases[i].message);
		snprintf(want, sizeof(want), T " ERROR %s\n",
			 secret_cases[i].want);
		is_str(take(), want, "hidden: %s", secret_cases[i].title);
		log_forget_secrets();
	}
	log_error("s3cret is no more");
	has_str(take(), "s3cret", "a forgotten secret is shown");
	pipe_close();
}

/* --- Readers --- */

/* Log until the log keeps something; false if it never does. */
static bool
fill(void)
{
	for (int i = 0; i < 100000; i++) {
		log_info("line %d", i);
		if (log_pending_fd() >= 0)
			return true;
	}
	return false;
}

static uint64_t
dropped(void)
{
	struct log_stats s;

	log_get_stats(&s);
	return s.dropped;
}

/* A reader that does not read; `out` is anything that fills. */
static void
slow_reader(const char *what)
{
	uint64_t before = dropped();
	const char *said;
	int i;

	alarm(20); /* a log that waits is the failure */
	ok(fill(), "%s: what is not read is kept", what);
	is_int((intmax_t)(dropped() - before), 0, "... and not dropped");
	for (i = 0; i < 100000 && dropped() == before; i++)
		log_info("more %d", i);
	ok(dropped() > before, "... up to a bound");
	log_info("lost %d", 1);
	is_int((intmax_t)(dropped() - before), 3,
	       "... and what is lost, with its notice, is counted");
	for (i = 0; i < 1000 && log_pending_fd() >= 0; i++) {
		take();
		log_write();
	}
	is_int(log_pending_fd(), -1, "... read again, all that was kept comes");
	said = take();
	has_str(said, "3 lines were lost", "... then how many were lost");
	log_info("after");
	said = take();
	has_str(said, "INFO  after\n", "... and what is said then");
	ok(!strstr(said, "lost"), "... which was said once");
	ok(!(fcntl(out, F_GETFL) & O_NONBLOCK),
	   "... and who shares the descriptor still finds it blocking");
	alarm(0);
}

static void
open_small(void)
{
	log_open(&(struct log_options){ .fd = out,
					.format = LOG_TEXT,
					.level = LOG_LEVEL_INFO,
					.buffer = 4096 });
}

static void
test_slow_readers(void)
{
	struct rlimit old, tight;
	int fds[2];

	pipe_open();
	open_small();
	slow_reader("a pipe");
	pipe_close();

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	in = fds[0];
	out = fds[1];
	fcntl(in, F_SETFL, O_NONBLOCK);
	open_small();
	slow_reader("a socket");
	pipe_close();

	pipe_open();
	getrlimit(RLIMIT_NOFILE, &old);
	tight = old;
	tight.rlim_cur = (rlim_t)out + 1;
	setrlimit(RLIMIT_NOFILE, &tight);
	open_small();
	setrlimit(RLIMIT_NOFILE, &old);
	slow_reader("a pipe that can't be opened again");
	pipe_close();
}

static void
test_gone_readers(void)
{
	uint64_t before = dropped();

	pipe_open();
	open_log(LOG_TEXT);
	close(in);
	in = -1;
	log_info("nobody");
	is_int((intmax_t)(dropped() - before), 1,
	       "what a closed pipe does not take is lost and counted");
	is_int(log_pending_fd(), -1, "... and not kept");
	pipe_close();

	before = dropped();
	out = open("/dev/full", O_WRONLY | O_CLOEXEC);
	open_log(LOG_TEXT);
	log_info("no room");
	is_int((intmax_t)(dropped() - before), 1, "on a full disk, likewise");
	pipe_close();

	before = dropped();
	out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	close(out);
	open_log(LOG_TEXT);
	log_info("nowhere");
	is_int((intmax_t)(dropped() - before), 1,
	       "on a closed descriptor, likewise");
	log_close();
}

/* A file-size limit cuts a line in two: the rest of it is lost. */
static void
test_half_a_line(void)
{
	char path[] = "/tmp/test_log.XXXXXX";
	struct rlimit old, tight;
	char text[400] = "";
	int fd = mkostemp(path, O_CLOEXEC);

	unlink(path);
	out = fd;
	getrlimit(RLIMIT_FSIZE, &old);
	tight = old;
	tight.rlim_cur = 50;
	setrlimit(RLIMIT_FSIZE, &tight);
	sigaction(SIGXFSZ, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	open_log(LOG_TEXT);
	log_info("0123456789012345678901234567890123456789");
	setrlimit(RLIMIT_FSIZE, &old);
	log_info("whole");
	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		abort();
	is_str(text,
	       T " INFO  0123456789012345678\n" T
		 " WARN  log: 1 lines were lost: standard output did not take "
		 "them\n" T " INFO  whole\n",
	       "after half a line the next begins on its own");
	log_close();
	close(fd);
}

/* --- Processes --- */

/* What a child says on standard error and, with `log`, in the log. */
static const char *
child(void (*fn)(void), bool log, int *status)
{
	static char text[4096];
	int fds[2];
	ssize_t n;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		abort();
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		if (log)
			open_log(LOG_TEXT);
		fn();
		_exit(0);
	}
	close(fds[1]);
	waitpid(pid, status, 0);
	n = read(fds[0], text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	close(fds[0]);
	return text;
}

static void
say_things(void)
{
	log_add_secret("s3cret");
	log_set_level(LOG_LEVEL_INFO);
	log_info("a s3cret\n\033");
	log_warn("w");
	log_event(LOG_LEVEL_ERROR, &(struct log_about){ .component = "c" },
		  "e");
	log_debug("d");
}

static void
die(void)
{
	log_info("before");
	log_info("before");
	fatal("no %s", "way");
}

static void
test_processes(void)
{
	int status;

	pipe_open();
	is_str(child(say_things, false, &status),
	       "devops_agent: a ***  \n"
	       "devops_agent: warning: w\n"
	       "devops_agent: e\n",
	       "without log_open() lines go to standard error");
	has_str(child(die, false, &status), "devops_agent: fatal: no way\n",
		"fatal() says why there");
	is_int(WEXITSTATUS(status), 125, "... and exits with 125");
	is_str(child(die, true, &status), "", "in a service, not there");
	is_str(take(),
	       T " INFO  before\n" T " INFO  before (repeated 1 times)\n" T
		 " ERROR fatal: no way\n",
	       "... but in the log, after what was held");
	is_int(WEXITSTATUS(status), 125, "... and exits with 125");
	open_log(LOG_TEXT);
	has_str(child(die, false, &status), "fatal: no way",
		"a child does not use its parent's log");
	is_str(take(), "", "... at all");
	close(in);
	in = -1;
	has_str(child(die, true, &status), "fatal: no way",
		"what the log does not take is said on standard error");
	pipe_close();
}

/* --- With a loop --- */

static void
test_loop(void)
{
	struct loop *l = loop_new();
	struct loop_stats s;
	uint64_t before;
	int i;

	pipe_open();
	clock_freeze_for_tests(1000, NOW);
	open_small();
	log_attach(l);
	log_info("again");
	log_info("again");
	take();
	loop_turn(l, -1);
	is_int(clock_mono_ms(), 11000, "the loop wakes when a window ends");
	has_str(take(), "again (repeated 1 times)\n", "... and says it");
	loop_take_stats(l, &s);
	is_int((intmax_t)s.timers, 0, "... and has nothing left to do");
	fill();
	before = dropped();
	for (i = 0; i < 1000 && log_pending_fd() >= 0; i++) {
		take();
		loop_turn(l, 0);
	}
	is_int(log_pending_fd(), -1, "it writes what is left when it is read");
	is_int((intmax_t)(dropped() - before), 0, "... all of it");
	is_int(loop_turn(l, 0), 0, "... and then is not woken any more");
	fill();
	open_small();
	fill();
	take();
	ok(loop_turn(l, 0) > 0, "a log that is opened anew is written too");
	log_close();
	is_int(loop_turn(l, 0), 0, "closed, it wakes nobody");
	log_attach(NULL);
	loop_free(l);
	pipe_close();
}

int
main(void)
{
	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	clock_freeze_for_tests(1000, NOW);
	test_lines();
	test_any_bytes();
	test_cut();
	test_repeats();
	test_secrets();
	test_slow_readers();
	test_gone_readers();
	test_half_a_line();
	test_processes();
	test_loop();
	return tap_done();
}
