/* base/zone: rules, files that are damaged, the host's own zone. */
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "tap.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/zone.h"
#include "base/zone_file.h"

static const struct {
	const char *title, *text;
	int64_t at;
	int32_t want;
} offsets[] = {
	{ "a zone without summer time", "EST5", 0, -18000 },
	{ "a quoted name, minutes", "<+0545>-5:45", 0, 20700 },
	{ "winter in the north", "CET-1CEST,M3.5.0,M10.5.0/3", 1767225600,
	  3600 },
	{ "summer in the north", "CET-1CEST,M3.5.0,M10.5.0/3", 1782864000,
	  7200 },
	{ "the second before spring", "CET-1CEST,M3.5.0,M10.5.0/3", 1774745999,
	  3600 },
	{ "the first of summer time", "CET-1CEST,M3.5.0,M10.5.0/3", 1774746000,
	  7200 },
	{ "the last of summer time", "CET-1CEST,M3.5.0,M10.5.0/3", 1792889999,
	  7200 },
	{ "the first after it", "CET-1CEST,M3.5.0,M10.5.0/3", 1792890000,
	  3600 },
	{ "January in the south", "AEST-10AEDT,M10.1.0,M4.1.0/3", 1767225600,
	  39600 },
	{ "July in the south", "AEST-10AEDT,M10.1.0,M4.1.0/3", 1782864000,
	  36000 },
	{ "half an hour", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 1767225600,
	  39600 },
	{ "negative summer, negative hours", "IST-1GMT0,M10.5.0,M3.5.0/1",
	  1767225600, 0 },
	{ "hours before the day", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1774745999,
	  -7200 },
	{ "hours before the day, after them", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
	  1774746000, -3600 },
	{ "summer all the year", "XXX3EDT4,0/0,J365/23", 1767225600, -14400 },
	{ "summer all the year, in summer", "XXX3EDT4,0/0,J365/23", 1782864000,
	  -14400 },
	{ "J60 is 1 March in a leap year", "AAA0BBB,J60/0,J300", 1709251200,
	  3600 },
	{ "... and not before", "AAA0BBB,J60/0,J300", 1709251199, 0 },
	{ "59 is 29 February in a leap year", "AAA0BBB,59/0,300", 1709164800,
	  3600 },
	{ "... and not before", "AAA0BBB,59/0,300", 1709164799, 0 },
	{ "far ahead", "CET-1CEST,M3.5.0,M10.5.0/3", INT64_MAX, 3600 },
	{ "far behind", "CET-1CEST,M3.5.0,M10.5.0/3", INT64_MIN, 3600 },
};

static const char *const no_rules[] = {
	"",
	"C",
	"CE1",
	"CET",
	"CET-",
	"CET-25",
	"CET-1:60",
	"CET-1CEST",
	"CET-1CEST,",
	"CET-1CEST,M3.5.0",
	"CET-1CEST,M3.5.0,",
	"<CET-1",
	"CET-1CEST,M0.5.0,M10.5.0",
	"CET-1CEST,M13.5.0,M10.5.0",
	"CET-1CEST,M3.6.0,M10.5.0",
	"CET-1CEST,M3.0.0,M10.5.0",
	"CET-1CEST,M3.5.7,M10.5.0",
	"CET-1CEST,J0,J1",
	"CET-1CEST,J366,J1",
	"CET-1CEST,366,1",
	"CET-1CEST,M3.5.0/168,M10.5.0",
	"CET-1 ",
	"CET-1CEST,M3.5.0,M10.5.0x",
	"CET-99999999999",
	"Europe/Berlin",
};

static void
test_rules(void)
{
	struct zone_rule r;

	for (size_t i = 0; i < TAP_COUNT(offsets); i++) {
		_zone_ struct zone *z = NULL;

		if (!ok(zone_rule_parse(offsets[i].text, &r), "%s is a rule",
			offsets[i].text))
			continue;
		z = zone_of_rule("x", &r);
		is_int(zone_offset(z, offsets[i].at), offsets[i].want, "%s",
		       offsets[i].title);
	}
	for (size_t i = 0; i < TAP_COUNT(no_rules); i++)
		ok(!zone_rule_parse(no_rules[i], &r), "'%s' is no rule",
		   no_rules[i]);
}

/* Each span ends where the next one begins, and holds what it says. */
static void
test_spans(const struct zone *z, const char *title)
{
	int64_t t = INT64_C(-4000000000), n = 0;
	bool held = true;

	while (held && t < INT64_C(6000000000)) {
		struct zone_span s = zone_span(z, t);
		struct zone_span last = zone_span(z, s.until - 1);

		held = s.from <= t && t < s.until && last.from == s.from &&
		       last.until == s.until && last.offset == s.offset &&
		       (n++ == 0 || s.from == t);
		t = s.until;
	}
	ok(held && n > 10, "spans of %s follow each other", title);
}

/* --- Files ---------------------------------------------------------------- */

static void
put32(struct buf *b, uint32_t n)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_addc(b, (char)(n >> shift));
}

struct parts {
	uint32_t ut, standard, leap, times, types, chars;
	int32_t offset;
	uint8_t kind;
	const char *footer;
};

static void
put_header(struct buf *b, const struct parts *p)
{
	static const char version[16] = "2";

	buf_add(b, "TZif", 4);
	buf_add(b, version, sizeof(version));
	put32(b, p->ut);
	put32(b, p->standard);
	put32(b, p->leap);
	put32(b, p->times);
	put32(b, p->types);
	put32(b, p->chars);
}

/* A file with changes at second 1, two at most, from UTC to `offset`. */
static void
put_file(struct buf *b, const struct parts *p)
{
	static const struct parts none;
	uint32_t times = p->times < 2 ? p->times : 2;

	put_header(b, &none);
	put_header(b, p);
	for (uint32_t i = 0; i < times; i++) {
		put32(b, 0);
		put32(b, 1);
	}
	for (uint32_t i = 0; i < times; i++)
		buf_addc(b, (char)p->kind);
	buf_add(b, "\0\0\0\0\0\0", 6);
	if (p->types > 1)
		put32(b, (uint32_t)p->offset);
	buf_add(b, "\0\0", p->types > 1 ? 2 : 0);
	buf_add(b, "UTC", 4);
	buf_adds(b, p->footer);
}

static const struct {
	const char *title;
	struct parts parts;
	const char *want_error;
} files[] = {
	{ "a small file", { 0, 0, 0, 1, 2, 4, 3600, 1, "\n\n" }, NULL },
	{ "a file with a rule",
	  { 0, 0, 0, 1, 2, 4, 3600, 1, "\nAAA-1\n" },
	  NULL },
	{ "no footer",
	  { 0, 0, 0, 1, 2, 4, 3600, 1, "" },
	  "its footer is missing" },
	{ "an open footer",
	  { 0, 0, 0, 1, 2, 4, 3600, 1, "\nAAA-1" },
	  "its footer has no end" },
	{ "a wrong footer",
	  { 0, 0, 0, 1, 2, 4, 3600, 1, "\nA\n" },
	  "its footer is no rule" },
	{ "a type that there is not",
	  { 0, 0, 0, 1, 2, 4, 3600, 2, "\n\n" },
	  "leads to no type" },
	{ "an offset of days",
	  { 0, 0, 0, 1, 2, 4, 93600, 1, "\n\n" },
	  "an offset is out of range" },
	{ "a negative one",
	  { 0, 0, 0, 1, 2, 4, -90000, 1, "\n\n" },
	  "an offset is out of range" },
	{ "no types",
	  { 0, 0, 0, 0, 0, 4, 0, 0, "\n\n" },
	  "no or too many types" },
	{ "changes not in order",
	  { 0, 0, 0, 2, 2, 4, 0, 1, "\n\n" },
	  "not in order" },
	{ "more changes than bytes",
	  { 0, 0, 0, 0x1fffffff, 2, 4, 0, 1, "\n\n" },
	  "it is cut short" },
	{ "counts that overflow 32 bits",
	  { -1U, -1U, -1U, 1, 2, -1U, 0, 1, "\n\n" },
	  "it is cut short" },
};

static void
test_files(void)
{
	for (size_t i = 0; i < TAP_COUNT(files); i++) {
		_buf_ struct buf b = { 0 };
		_zone_ struct zone *z = NULL;
		struct err e = ERR_INIT;
		int r;

		put_file(&b, &files[i].parts);
		r = zone_decode("x", b.data, b.len, &z, &e);
		is_int(r, files[i].want_error ? -1 : 0, "%s is %s",
		       files[i].title,
		       files[i].want_error ? "refused" : "read");
		if (files[i].want_error)
			has_str(e.msg, files[i].want_error, "... as that");
		else
			ok(zone_offset(z, 0) == 0 && zone_offset(z, 1) == 3600,
			   "... and holds its change");
	}
}

/* Every shorter file is an error, every changed byte is survived. */
static void
test_damage(const char *path)
{
	_buf_ struct buf b = { 0 };
	struct err e = ERR_INIT;
	bool refused = true;
	size_t survived = 0;

	if (!ok(file_read(path, &b, &e) == 0, "%s is there", path))
		return;
	for (size_t len = 0; len < b.len && refused; len++) {
		_free_ char *copy = xmalloc(len);
		_zone_ struct zone *z = NULL;

		memcpy(copy, b.data, len);
		refused = zone_decode("x", copy, len, &z, &e) < 0;
	}
	ok(refused, "a file that is cut short anywhere is refused");
	for (size_t i = 0; i < b.len * 8; i++) {
		_zone_ struct zone *z = NULL;

		b.data[i / 8] ^= (char)(1 << i % 8);
		if (zone_decode("x", b.data, b.len, &z, &e) == 0)
			zone_offset(z, 1700000000);
		b.data[i / 8] ^= (char)(1 << i % 8);
		survived++;
	}
	is_int((intmax_t)survived, (intmax_t)b.len * 8,
	       "a file with any bit changed is survived");
}

/* --- The host ------------------------------------------------------------- */

static void
is_local(const char *tz, const char *want_name, int32_t want, const char *title)
{
	const struct zone *z = NULL;
	struct err e = ERR_INIT;

	if (tz)
		setenv("TZ", tz, 1);
	else
		unsetenv("TZ");
	if (!ok(zone_open(NULL, &z, &e) == 0, "%s: local opens", title)) {
		diag("   got: %s", e.msg);
		return;
	}
	if (want_name)
		is_str(zone_name(z), want_name, "... with its name");
	is_int(zone_offset(z, 1782864000), want, "... and its offset");
}

static void
test_local(void)
{
	const struct zone *z = NULL;
	struct err e = ERR_INIT;

	is_local("Europe/Berlin", "Europe/Berlin", 7200, "TZ is a name");
	is_local(":Europe/Berlin", "Europe/Berlin", 7200, "TZ has a colon");
	is_local("/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo", 32400,
		 "TZ is a path");
	is_local("JST-9", "local", 32400, "TZ is a rule");
	is_local("CET-1CEST,M3.5.0,M10.5.0/3", "local", 7200,
		 "TZ is a rule with summer time");
	is_local("", "UTC", 0, "TZ is empty");
	setenv("TZ", "Nowhere/At_All", 1);
	is_int(zone_open("local", &z, &e), -1, "TZ that is nothing is refused");
	has_str(e.msg, "TZ=Nowhere/At_All is neither", "... as that");
	unsetenv("TZ");
	is_int(zone_open("local", &z, &e), 0, "the host's own zone opens");
}

static void
write_zone(const char *path, int32_t offset)
{
	struct parts p = { 0, 0, 0, 1, 2, 4, offset, 1, "\n\n" };
	_buf_ struct buf b = { 0 };
	struct err e = ERR_INIT;

	put_file(&b, &p);
	ok(file_replace(path, b.data, b.len, 0644, &e) == 0, "%s is written",
	   path);
}

static void
test_database(void)
{
	char folder[] = "/tmp/t-zone.XXXXXX";
	const struct zone *a = NULL, *again = NULL, *b = NULL;
	_free_ char *path = NULL;
	struct err e = ERR_INIT;

	ok(mkdtemp(folder) != NULL, "a folder is made");
	setenv("TZDIR", folder, 1);
	is_int(zone_open("Europe/Berlin", &a, &e), -1,
	       "an empty database has no zone");
	has_str(e.msg, "there are no time zones in", "... and says so");
	has_str(e.hint, "install the package tzdata", "... and what to do");
	is_int(zone_open("UTC", &a, &e), 0, "UTC needs no database");
	ok(a == zone_utc() && zone_offset(a, 5) == 0, "... and is UTC");
	path = xasprintf("%s/Test", folder);
	write_zone(path, 3600);
	ok(zone_open("Test", &a, &e) == 0 && zone_open("Test", &again, &e) == 0,
	   "a zone opens twice");
	ok(a == again, "... and is read once");
	write_zone(path, 7200);
	ok(zone_open("Test", &b, &e) == 0 && zone_offset(b, 5) == 7200 &&
		   zone_offset(a, 5) == 3600,
	   "an updated file is read anew, and the old zone stays good");
	unlink(path);
	ok(mkfifo(path, 0600) == 0 && zone_open("Test", &b, &e) < 0,
	   "a pipe in the place of a file is refused");
	has_str(e.msg, "not a regular file", "... as that");
	unlink(path);
	rmdir(folder);
	unsetenv("TZDIR");
}

int
main(void)
{
	static const char *const zones[] = { "Europe/Berlin", "Pacific/Apia",
					     "Africa/Casablanca" };
	struct err e = ERR_INIT;

	test_rules();
	test_files();
	test_damage("/usr/share/zoneinfo/Europe/Berlin");
	for (size_t i = 0; i < TAP_COUNT(zones); i++) {
		const struct zone *z = NULL;

		if (ok(zone_open(zones[i], &z, &e) == 0, "%s opens", zones[i]))
			test_spans(z, zones[i]);
	}
	is_int(zone_offset(NULL, 1), 0, "no zone is UTC");
	test_local();
	test_database();
	return tap_done();
}
