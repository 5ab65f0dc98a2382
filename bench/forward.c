/*
 * forward.c: how fast stored records leave, beside libcurl posting the same
 * bytes bare.
 *
 *	forward PROGRAM FORMAT COMPRESSION RECORDS BATCH
 *	forward collect		be such a collector; its port is printed
 *
 * Plays the master, which has every batch ready as text, and the collector,
 * which reads whole bodies and says yes, a process of its own. Then compresses
 * and posts the same body as often, from one libcurl handle. Prints records a
 * second of both, their ratio, the bytes of a record in the body, the most
 * memory that PROGRAM had (KiB) and its processor seconds.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "pack/compress.h"

#define BODY_MAX (64UL << 20)
#define HEAD_MAX (64UL << 10)

static const char *format, *compression;
static long records, batch;
static int first_body = -1; /* a file: the first body that came */

__attribute__((noreturn)) static void
give_up(const char *what)
{
	perror(what);
	exit(1);
}

/* --- The collector --------------------------------------------------------
 */

static char *
make_answer(void)
{
	_buf_ struct buf body = { 0 }, all = { 0 };

	if (strcmp(format, "elasticsearch") == 0) {
		buf_adds(&body, "{\"took\":1,\"errors\":false,\"items\":[");
		for (long i = 0; i < batch; i++)
			buf_addf(&body,
				 "%s{\"create\":{\"_index\":\"devops_agent\","
				 "\"_id\":\"%ld\",\"status\":201}}",
				 i ? "," : "", i);
		buf_adds(&body, "]}");
	} else {
		buf_adds(&body, "{\"text\":\"Success\",\"code\":0}");
	}
	if (strcmp(format, "loki") == 0 || strcmp(format, "influx") == 0)
		buf_adds(&all, "HTTP/1.1 204 No Content\r\n\r\n");
	else
		buf_addf(&all,
			 "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
			 body.len, body.data);
	return buf_steal(&all);
}

/* The length of the body that a head announces; *at is where it begins. */
static long
content_length(const char *head, size_t *at)
{
	const char *end = strstr(head, "\r\n\r\n");
	const char *length = strcasestr(head, "\r\ncontent-length:");

	if (!end || !length)
		return -1;
	*at = (size_t)(end - head) + 4;
	return strtol(length + 17, NULL, 10);
}

static void
keep_first(const char *data, size_t len, off_t at)
{
	if (pwrite(first_body, data, len, at) != (ssize_t)len)
		give_up("write the body");
}

/* Requests of one connection, until it ends; true: one had a body. */
static bool
serve(int fd, const char *answer, bool first)
{
	static char data[1 << 20];
	bool kept = false;

	for (;;) {
		size_t have = 0, at = 0;
		long body = -1, n, left;

		while (body < 0 && have < HEAD_MAX) {
			n = recv(fd, data + have, sizeof(data) - 1 - have, 0);
			if (n <= 0)
				return kept;
			have += (size_t)n;
			data[have] = '\0';
			body = content_length(data, &at);
		}
		left = body - (long)(have - at);
		if (first && !kept)
			keep_first(data + at, have - at, 0);
		for (off_t to = (off_t)(have - at); left > 0; to += n) {
			n = recv(fd, data, sizeof(data), 0);
			if (n <= 0)
				return kept;
			if (first && !kept)
				keep_first(data, (size_t)n, to);
			left -= n;
		}
		kept = true;
		if (file_write_all(fd, answer, strlen(answer)) < 0)
			return kept;
	}
}

static pid_t
start_collector(int *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	_free_ char *answer = make_answer();
	bool kept = false;
	pid_t pid;

	if (bind(listener, (struct sockaddr *)&a, len) < 0 ||
	    listen(listener, 8) < 0 ||
	    getsockname(listener, (struct sockaddr *)&a, &len) < 0)
		give_up("listen");
	*port = ntohs(a.sin_port);
	pid = fork();
	if (pid) {
		close(listener);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		kept |= serve(fd, answer, first_body >= 0 && !kept);
		close(fd);
	}
}

/* --- The master ------------------------------------------------------------
 */

static char *
make_batch(void)
{
	struct buf out = { 0 };

	buf_adds(&out, "{\"batch\":\"x\",\"records\":[");
	for (long i = 0; i < batch; i++)
		buf_addf(&out,
			 "%s{\"id\":\"9f0c2d6e-0000-4000-8000-0000000001-%ld\","
			 "\"at\":\"%ld.e\",\"kind\":\"job\",\"record\":"
			 "{\"id\":%ld,\"name\":\"collect-%ld\",\"plugin\":"
			 "\"collect-disk\",\"state\":\"succeeded\",\"trigger\":"
			 "\"schedule\",\"attempt\":1,\"scheduled_at\":"
			 "\"2026-01-31T23:59:59.%03ldZ\",\"started_at\":"
			 "\"2026-01-31T23:59:59.%03ldZ\",\"finished_at\":"
			 "\"2026-02-01T00:00:00.%03ldZ\",\"duration_ms\":%ld,"
			 "\"result\":{\"used\":%ld},\"usage\":{\"cpu_ms\":%ld}}"
			 "}",
			 i ? "," : "", i, i, i, i % 7, i % 1000, (i + 1) % 1000,
			 (i * 7) % 1000, i % 97, i * 7919 % 100003, i % 31);
	buf_adds(&out, "],\"more\":true}}\n");
	return buf_steal(&out);
}

static void
say(int fd, struct buf *out)
{
	if (file_write_all(fd, out->data, out->len) < 0)
		give_up("write to the forwarder");
	out->len = 0;
}

/* Answer until every record is told to be done; returns the seconds. */
static double
play_master(int fd, int port)
{
	_free_ char *text = make_batch();
	_buf_ struct buf in = { 0 }, out = { 0 };
	const size_t len = strlen(text);
	long given = 0, done = 0;
	int64_t start = 0;

	buf_addf(&out,
		 "{\"jsonrpc\":\"2.0\",\"method\":\"configure\",\"params\":{"
		 "\"agent\":{\"id\":\"9f0c\",\"host\":\"web-1\",\"labels\":{}},"
		 "\"destinations\":[{\"name\":\"x\",\"url\":"
		 "\"http://127.0.0.1:%d\",\"format\":\"%s\",\"compression\":"
		 "\"%s\",\"batch\":{\"records\":%ld}}]}}\n",
		 port, format, compression, batch);
	say(fd, &out);
	while (done < records) {
		char *end;
		ssize_t n;

		if (!buf_reserve(&in, 65536))
			give_up("a line");
		n = recv(fd, in.data + in.len, 65536, 0);
		if (n <= 0)
			give_up("the forwarder ended");
		in.len += (size_t)n;
		in.data[in.len] = '\0';
		while ((end = strchr(in.data, '\n'))) {
			const char *id, *accepted;

			*end = '\0';
			id = strstr(in.data, "\"id\":");
			accepted = strstr(in.data, "\"accepted\":");
			if (strstr(in.data, "\"batch.next\"")) {
				start = start ? start : clock_mono_us();
				given += batch;
				if (given <= records) {
					buf_addf(&out,
						 "{\"jsonrpc\":\"2.0\",\"id\":"
						 "%ld,\"result\":",
						 strtol(id + 5, NULL, 10));
					buf_add(&out, text, len);
				}
			} else if (accepted) {
				done += strtol(accepted + 11, NULL, 10);
				buf_addf(&out,
					 "{\"jsonrpc\":\"2.0\",\"id\":%ld,"
					 "\"result\":{}}\n",
					 strtol(id + 5, NULL, 10));
			}
			buf_consume(&in, (size_t)(end - in.data) + 1);
			say(fd, &out);
		}
	}
	return (double)(clock_mono_us() - start) / 1e6;
}

static pid_t
start_forwarder(const char *program, int *fd)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		give_up("socketpair");
	pid = fork();
	if (pid == 0) {
		if (pair[1] == 3)
			fcntl(3, F_SETFD, 0);
		else
			dup2(pair[1], 3);
		execl(program, program, (char *)NULL);
		give_up(program);
	}
	close(pair[1]);
	*fd = pair[0];
	return pid;
}

/* --- libcurl, bare ---------------------------------------------------------
 */

static size_t
ignore(char *data, size_t size, size_t n, void *arg)
{
	(void)data, (void)arg;
	return size * n;
}

/* The body as it was before it was compressed. */
static void
decompress(const struct buf *body, struct buf *plain)
{
	z_stream z = { .next_in = (unsigned char *)body->data,
		       .avail_in = (unsigned)body->len };

	if (!buf_reserve(plain, BODY_MAX - 1))
		give_up("decompress");
	if (strcmp(compression, "zstd") == 0) {
		plain->len = ZSTD_decompress(plain->data, BODY_MAX - 1,
					     body->data, body->len);
	} else if (strcmp(compression, "gzip") == 0) {
		z.next_out = (unsigned char *)plain->data;
		z.avail_out = BODY_MAX - 1;
		inflateInit2(&z, MAX_WBITS + 16);
		inflate(&z, Z_FINISH);
		plain->len = z.total_out;
		inflateEnd(&z);
	} else {
		buf_add(plain, body->data, body->len);
	}
	if (plain->len < body->len || plain->len >= BODY_MAX)
		give_up("decompress");
}

static double
post_bare(int port, const struct buf *body)
{
	struct compressor *compressor = compressor_new();
	_buf_ struct buf plain = { .max = BODY_MAX }, out = { 0 };
	_free_ char *url = xasprintf("http://127.0.0.1:%d/", port);
	struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
	CURL *c = curl_easy_init();
	int64_t start;

	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, ignore);
	decompress(body, &plain);
	start = clock_mono_us();
	for (long i = 0; i < records / batch; i++) {
		out.len = 0;
		compressor_begin(
			compressor,
			(enum compression)compression_parse(compression), &out);
		compressor_add(compressor, plain.data, plain.len);
		compressor_end(compressor);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, out.data);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)out.len);
		if (curl_easy_perform(c) != CURLE_OK)
			give_up("post");
	}
	compressor_free(compressor);
	curl_easy_cleanup(c);
	curl_slist_free_all(headers);
	return (double)(clock_mono_us() - start) / 1e6;
}

/* Of whole bodies of JSON lines, until it is killed. */
static int
collect(void)
{
	pid_t pid;
	int port;

	format = "jsonl";
	pid = start_collector(&port);
	printf("%d\n", port);
	fflush(stdout);
	return waitpid(pid, NULL, 0) != pid;
}

int
main(int argc, char **argv)
{
	_buf_ struct buf body = { 0 };
	struct rusage usage;
	struct err e = ERR_INIT;
	double ours, bare, cpu;
	int port, fd, status;
	pid_t collector, forwarder;
	FILE *file = tmpfile();

	if (argc == 2 && strcmp(argv[1], "collect") == 0)
		return collect();
	if (argc != 6) {
		fputs("usage: forward PROGRAM FORMAT COMPRESSION RECORDS "
		      "BATCH\n",
		      stderr);
		return 2;
	}
	format = argv[2];
	compression = argv[3];
	records = strtol(argv[4], NULL, 10);
	batch = strtol(argv[5], NULL, 10);
	records -= records % batch;
	first_body = fileno(file);
	collector = start_collector(&port);
	forwarder = start_forwarder(argv[1], &fd);
	ours = play_master(fd, port);
	close(fd);
	if (wait4(forwarder, &status, 0, &usage) < 0 || status)
		give_up("the forwarder failed");
	lseek(first_body, 0, SEEK_SET);
	if (file_read_fd(first_body, "the body", &body, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	bare = post_bare(port, &body);
	kill(collector, SIGKILL);
	waitpid(collector, NULL, 0);
	fclose(file);
	cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
	      (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	printf("%s\t%s\t%ld\t%.0f\t%.0f\t%.2f\t%.1f\t%ld\t%.2f\n", format,
	       compression, batch, (double)records / ours,
	       (double)records / bare, bare / ours,
	       (double)body.len / (double)batch, usage.ru_maxrss, cpu);
	return 0;
}
