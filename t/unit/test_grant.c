/* plugin/grant: what is granted, what is refused, and what the file says. */
#include "tap.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "config/yaml.h"
#include "plugin/grant.h"
#include "plugin/manifest.h"

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OLD "ff23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char top[PATH_MAX]; /* the test's own folder */

/* A plugin that asks for this; nothing of it is on disk. */
static struct plugin
plugin(const char *permissions)
{
	_free_ char *text = xasprintf("name: x\npermissions: %s", permissions);
	_value_ struct value *tree = NULL;
	struct plugin p = { .name = xstrdup("x"), .sha256 = SUM };
	struct err e = ERR_INIT;

	if (yaml_decode(text, strlen(text), 1, 0, &tree, &e) < 0 ||
	    manifest_read(tree, PLUGIN_PYTHON, &p.manifest, NULL, &e) < 0)
		diag("%s: %s", text, e.msg);
	return p;
}

static void
put(const char *name, const char *text, mode_t mode)
{
	_free_ char *path = xasprintf("%s/%s", top, name);
	struct err e = ERR_INIT;

	if (file_replace(path, text, strlen(text), mode, &e) < 0)
		diag("%s", e.msg);
}

#define G "name: x\nsha256: \"" SUM "\"\n"

static const struct {
	const char *title, *text;
	mode_t mode;
	int want;
	const char *want_error;
} files[] = {
	{ "a grant", G "permissions: {read: [/]}\n", 0644, 1, NULL },
	{ "a grant with its time", G "granted_at: 2026-01-31T23:59:59.123Z\n",
	  0644, 1, NULL },
	{ "a denial", "name: x\ndenied: true\n", 0644, 1, NULL },
	{ "a file that others may write", G, 0666, -1,
	  "x.yaml may be written by others" },
	{ "an empty file", "", 0644, -1, "x.yaml:1:1: the grant is empty" },
	{ "another plugin's grant", "name: y\nsha256: \"" SUM "\"\n", 0644, -1,
	  "x.yaml:1:7: the grant of y, in the file of x" },
	{ "a grant without a name", "sha256: \"" SUM "\"\n", 0644, -1,
	  "the grant has no name" },
	{ "a grant without a digest", "name: x\n", 0644, -1,
	  "the grant has no sha256" },
	{ "a digest that is none", "name: x\nsha256: abc\n", 0644, -1,
	  "x.yaml:2:9: sha256: 'abc' is no SHA-256" },
	{ "an unknown key", G "permission: {}\n", 0644, -1,
	  "x.yaml:3:1: unknown key 'permission'; did you mean 'permissions'?" },
	{ "an unknown permission", G "permissions: {red: [/]}\n", 0644, -1,
	  "did you mean 'read'?" },
	{ "a wrong time", G "granted_at: yesterday\n", 0644, -1,
	  "granted_at: expected a time such as" },
	{ "text that is no YAML", "{", 0644, -1, "x.yaml:" },
};

static void
test_files(void)
{
	struct grant none = { 0 };
	struct err e = ERR_INIT;

	is_int(grant_read(top, "x", yaml_decode, &none, &e), 0,
	       "no file is no grant");
	is_int(grant_read("/nowhere/at/all", "x", yaml_decode, &none, &e), 0,
	       "no folder is no grant");
	is_int(grant_read(top, "../x", yaml_decode, &none, &e), 0,
	       "what is no name has no grant");
	for (size_t i = 0; i < TAP_COUNT(files); i++) {
		_cleanup_(grant_release) struct grant g = { 0 };

		e = (struct err)ERR_INIT;
		put("x.yaml", files[i].text, files[i].mode);
		if (!is_int(grant_read(top, "x", yaml_decode, &g, &e),
			    files[i].want, "%s is %s", files[i].title,
			    files[i].want > 0 ? "read" : "refused"))
			diag("%s", e.msg);
		if (files[i].want_error)
			has_str(e.msg, files[i].want_error, "... and why");
	}
}

static void
test_untrusted_folder(void)
{
	struct grant g = { 0 };
	struct err e = ERR_INIT;

	put("x.yaml", G, 0644);
	chmod(top, 0777);
	is_int(grant_read(top, "x", yaml_decode, &g, &e), -1,
	       "a grant in a folder that others may write is refused");
	is_int(e.kind, ERR_DENIED, "... as denied");
	chmod(top, 0755);
}

static void
test_symlink(void)
{
	_free_ char *path = xasprintf("%s/z.yaml", top);
	struct grant g = { 0 };
	struct err e = ERR_INIT;

	if (symlink("x.yaml", path) < 0)
		diag("symlink");
	is_int(grant_read(top, "z", yaml_decode, &g, &e), -1,
	       "a grant that is a symlink is refused");
	has_str(e.msg, "z.yaml is a symlink", "... and why");
}

/* --- Checks --------------------------------------------------------------- */

static const struct {
	const char *title, *asked;
	const char *grant; /* NULL: none */
	const char *want;  /* the message; NULL: it may run */
	const char *difference;
} checks[] = {
	{ "nothing asked, nothing granted", "{}", NULL, NULL, "" },
	{ "nothing asked, a grant of the same files", "{}", G, NULL, "" },
	{ "nothing asked, a grant of other files", "{}",
	  "name: x\nsha256: \"" OLD "\"\n", "the files of x changed since",
	  "- sha256: " OLD "\n+ sha256: " SUM "\n" },
	{ "nothing asked, but denied", "{}", "name: x\ndenied: true\n",
	  "x is denied by ", "" },
	{ "something asked, no grant", "{read: [/etc/shadow]}", NULL,
	  "x asks for what was never granted: read: [/etc/shadow]",
	  "+ read: [/etc/shadow]\n" },
	{ "what was granted", "{read: [/a, /b]}",
	  G "permissions: {read: [/b, /a]}\n", NULL, "" },
	{ "less than was granted", "{read: [/a]}",
	  G "permissions: {read: [/b, /a]}\n", NULL, "" },
	{ "more than was granted", "{read: [/a, /c], network: [udp]}",
	  G "permissions: {read: [/a]}\n",
	  "x asks for more than was granted: read: [/c], network: [udp]",
	  "+ read: [/c]\n+ network: [udp]\n" },
	{ "a path below a granted one", "{read: [/a/b]}",
	  G "permissions: {read: [/a]}\n",
	  "more than was granted: read: [/a/b]", "+ read: [/a/b]\n" },
	{ "writing what may be read", "{write: [/a]}",
	  G "permissions: {read: [/a]}\n", "more than was granted: write: [/a]",
	  "+ write: [/a]\n" },
	{ "a program where all are granted", "{exec: [awk]}",
	  G "permissions: {exec: ['*']}\n", NULL, "" },
	{ "all programs where one is granted", "{exec: ['*']}",
	  G "permissions: {exec: [awk]}\n", "exec: [\"*\"]",
	  "+ exec: [\"*\"]\n" },
	{ "a port where the network is granted", "{network: [tcp:1, listen:2]}",
	  G "permissions: {network: [host]}\n", NULL, "" },
	{ "another port", "{network: [tcp:443]}",
	  G "permissions: {network: [tcp:44]}\n", "network: [tcp:443]",
	  "+ network: [tcp:443]\n" },
	{ "every other permission, not granted",
	  "{capabilities: [net_raw], processes: host, env: [A], secrets: [s],\n"
	  "  user: nobody}",
	  G, "x asks for more than was granted: ",
	  "+ capabilities: [net_raw]\n+ env: [A]\n+ secrets: [s]\n"
	  "+ processes: host\n+ user: nobody\n" },
	{ "every other permission, granted",
	  "{capabilities: [net_raw], processes: host, env: [A], secrets: [s],\n"
	  "  user: nobody}",
	  G "permissions: {capabilities: [net_raw], processes: host,\n"
	    "  env: [A], secrets: [s], user: nobody}\n",
	  NULL, "" },
	{ "another user", "{user: nobody}", G "permissions: {user: www}\n",
	  "user: nobody", "+ user: nobody\n" },
	{ "more, and other files", "{read: [/a]}",
	  "name: x\nsha256: \"" OLD "\"\n", "the files of x changed",
	  "+ read: [/a]\n- sha256: " OLD "\n+ sha256: " SUM "\n" },
};

static void
test_checks(void)
{
	for (size_t i = 0; i < TAP_COUNT(checks); i++) {
		_cleanup_(plugin_release) struct plugin p =
			plugin(checks[i].asked);
		_cleanup_(grant_release) struct grant g = { 0 };
		_strv_ struct strv difference = { 0 };
		_buf_ struct buf lines = { 0 };
		struct err e = ERR_INIT;
		int r;

		if (checks[i].grant)
			put("x.yaml", checks[i].grant, 0644);
		if (checks[i].grant &&
		    grant_read(top, "x", yaml_decode, &g, &e) != 1)
			diag("%s", e.msg);
		r = grant_check(&p, checks[i].grant ? &g : NULL, &difference,
				&e);
		is_int(r, checks[i].want ? -1 : 0, "%s: %s", checks[i].title,
		       checks[i].want ? "refused" : "allowed");
		for (size_t j = 0; j < difference.n; j++)
			buf_addf(&lines, "%s\n", difference.items[j]);
		buf_adds(&lines, "");
		is_str(lines.data, checks[i].difference, "... the difference");
		if (!checks[i].want)
			continue;
		has_str(e.msg, checks[i].want, "... and why");
		is_int(e.kind, ERR_DENIED, "... as denied");
		is_str(e.hint, "devops_agent plugin allow x",
		       "... with the command that allows it");
	}
}

static void
test_written(void)
{
	_free_ char *folder = xasprintf("%s/new/grants.d", top);
	_cleanup_(plugin_release) struct plugin p =
		plugin("{read: [/, '/a \"b']}");
	_cleanup_(grant_release) struct grant g = { 0 }, d = { 0 };
	struct err e = ERR_INIT;
	struct stat st = { 0 };

	is_int(grant_write(folder, &p, &e), 0, "a grant is written");
	if (!is_int(grant_read(folder, "x", yaml_decode, &g, &e), 1,
		    "... and read"))
		diag("%s", e.msg);
	is_int(grant_check(&p, &g, NULL, &e), 0, "... and holds");
	ok(g.granted_ms > INT64_C(1600000000000), "... with its time");
	ok(g.file && stat(g.file, &st) == 0 && (st.st_mode & 0777) == 0644,
	   "... in a file that all may read and one may write");
	is_int(grant_deny(folder, "x", &e), 0, "a denial is written");
	is_int(grant_read(folder, "x", yaml_decode, &d, &e), 1, "... and read");
	is_int(grant_check(&p, &d, NULL, &e), -1, "... and holds");
	is_int(grant_deny(folder, "../x", &e), -1,
	       "no denial is written under a name that is none");
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st, (void)type, (void)walk;
	return remove(path);
}

int
main(void)
{
	char template[] = "/tmp/test_grant.XXXXXX";

	umask(022);
	if (!mkdtemp(template) || !realpath(template, top))
		return 1;
	test_files();
	test_untrusted_folder();
	test_symlink();
	test_checks();
	test_written();
	nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return tap_done();
}
