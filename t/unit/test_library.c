/* plugin/library: which files are plugins, which are refused, digests. */
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
#include "plugin/library.h"
#include "plugin/new.h"

static char top[PATH_MAX]; /* the test's own folder */

static const char *
at(const char *rel)
{
	static char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", top, rel);
	return path;
}

/* Write a file, and the folders that it is in. */
static void
put(const char *rel, const char *text, mode_t mode)
{
	_free_ char *folder = xstrdup(at(rel));
	struct err e = ERR_INIT;

	*strrchr(folder, '/') = '\0';
	file_mkdir_p(folder, 0755, &e);
	if (file_replace(at(rel), text, strlen(text), mode, &e) < 0)
		diag("%s", e.msg);
}

#define HEADER(name) "# /// devops_agent\n# name: " name "\n# ///\n"

static struct library
library(const char *rel)
{
	static char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s", at(rel));
	return (struct library){ path, true, true, yaml_decode };
}

static void
build(void)
{
	put("lib/python/collect_disk.py", HEADER("collect-disk"), 0644);
	put("lib/python/odd.py", HEADER("even"), 0644);
	put("lib/python/broken.py", "# /// devops_agent\n# nme: x\n# ///\n",
	    0644);
	put("lib/python/bare.py", "print(1)\n", 0644);
	put("lib/python/test_bare.py", "print(1)\n", 0644);
	put("lib/python/notes.txt", HEADER("notes"), 0755);
	put("lib/python/pack/__init__.py", HEADER("pack"), 0644);
	put("lib/python/pack/sub/part.py", "x = 1\n", 0644);
	put("lib/python/data/readme.md", "no plugin\n", 0644);
	put("lib/shell/up.sh", "#!/bin/sh\n" HEADER("up"), 0644);
	put("lib/shell/up_test.sh", "#!/bin/sh\n", 0755);
	put("lib/top", HEADER("top"), 0755);
	put("lib/README.md", "no plugin\n", 0644);
	put("lib/bin/check_x", HEADER("check-x"), 0755);
	put("lib/bin/elf", "\177ELF\2\1\1\0", 0755);
	put("lib/bin/elf.plugin.yaml", "name: elf\n", 0644);
	put("lib/bin/blob", "\177ELF", 0755);
	put("lib/bin/data.json", "{}", 0644);
}

/* --- By name -------------------------------------------------------------- */

static void
test_find(void)
{
	static const struct {
		const char *name, *path, *want_error;
		enum err_kind kind;
	} cases[] = {
		{ "collect-disk", "lib/python/collect_disk.py", NULL, 0 },
		{ "even", "lib/python/odd.py", NULL, 0 },
		{ "pack", "lib/python/pack", NULL, 0 },
		{ "up", "lib/shell/up.sh", NULL, 0 },
		{ "top", "lib/top", NULL, 0 },
		{ "check-x", "lib/bin/check_x", NULL, 0 },
		{ "elf", "lib/bin/elf", NULL, 0 },
		{ "collect-dsk", NULL,
		  "no plugin collect-dsk; did you mean collect-disk?",
		  ERR_NOT_FOUND },
		{ "zzzzzz", NULL, "no plugin zzzzzz in ", ERR_NOT_FOUND },
		{ "odd", NULL, "no plugin odd", ERR_NOT_FOUND },
		{ "broken", NULL,
		  "lib/python/broken.py:2:3: unknown key 'nme'; did you mean "
		  "'name'?",
		  ERR_USAGE },
		{ "bare", NULL, "bare.py has no header in its first 100 lines",
		  ERR_USAGE },
		{ "../etc/passwd", NULL, "'../etc/passwd' is no name of a",
		  ERR_NOT_FOUND },
		{ "a/b", NULL, "is no name of a plugin", ERR_NOT_FOUND },
		{ "", NULL, "is no name of a plugin", ERR_NOT_FOUND },
	};
	struct library l = library("lib");

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		_cleanup_(plugin_release) struct plugin p = { 0 };
		struct err e = ERR_INIT;
		int r = library_find(&l, cases[i].name, &p, &e);

		if (!is_int(r, cases[i].path ? 0 : -1, "'%s' is %s",
			    cases[i].name,
			    cases[i].path ? "found" : "not found"))
			diag("%s", e.msg);
		if (cases[i].path && r == 0) {
			is_str(p.path, at(cases[i].path), "... its path");
			is_str(p.name, cases[i].name, "... its name");
		} else {
			has_str(e.msg, cases[i].want_error, "... and why");
			is_int(e.kind, cases[i].kind, "... of that kind");
		}
	}
}

static void
test_list(void)
{
	static const struct {
		const char *name;
		enum plugin_kind kind;
		bool broken;
	} want[] = {
		{ "bare", 0, true },
		{ "blob", 0, true },
		{ "broken", 0, true },
		{ "check-x", PLUGIN_EXECUTABLE, false },
		{ "collect-disk", PLUGIN_PYTHON, false },
		{ "elf", PLUGIN_EXECUTABLE, false },
		{ "even", PLUGIN_PYTHON, false },
		{ "pack", PLUGIN_PYTHON, false },
		{ "top", PLUGIN_EXECUTABLE, false },
		{ "up", PLUGIN_SHELL, false },
	};
	struct library l = library("lib");
	struct plugin_entry *list = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;

	is_int(library_list(&l, &list, &n, &e), 0, "a library is listed");
	is_int((intmax_t)n, TAP_COUNT(want), "... every plugin in it");
	for (size_t i = 0; i < n && i < TAP_COUNT(want); i++) {
		is_str(list[i].name, want[i].name, "... by name");
		is_int(list[i].broken, want[i].broken, "... broken or not");
		if (!list[i].broken)
			is_int(list[i].plugin.kind, want[i].kind, "... a %s",
			       plugin_kind_name(want[i].kind));
	}
	library_free_list(list, n);
}

static void
test_doubles(void)
{
	struct library l = library("twins");
	struct plugin_entry *list = NULL;
	struct plugin p = { 0 };
	struct err e = ERR_INIT;
	size_t n = 0;

	put("twins/python/same.py", HEADER("same"), 0644);
	put("twins/shell/same.sh", HEADER("same"), 0644);
	put("twins/shell/other.sh", HEADER("other"), 0644);
	is_int(library_find(&l, "same", &p, &e), -1,
	       "two plugins of one name are an error");
	has_str(e.msg, "two plugins are called same: ", "... that says so");
	has_str(e.msg, "python/same.py and ", "... names the one");
	has_str(e.msg, "shell/same.sh", "... and the other");
	is_int(library_list(&l, &list, &n, &e), 0, "they are listed");
	is_int((intmax_t)n, 3, "... both, beside a third");
	ok(n == 3 && !list[0].broken && list[1].broken && list[2].broken,
	   "... as broken");
	library_free_list(list, n);
}

static void
test_disabled(void)
{
	struct library l = library("lib");
	struct plugin p = { 0 };
	struct err e = ERR_INIT;

	l.python = false;
	is_int(library_find(&l, "collect-disk", &p, &e), -1,
	       "a plugin of a disabled kind is refused");
	is_str(e.msg, "python plugins are disabled by the configuration",
	       "... and why");
	is_int(e.kind, ERR_DENIED, "... as denied");
}

static void
test_absent(void)
{
	struct library l = library("nowhere");
	struct plugin p = { 0 };
	struct err e = ERR_INIT;

	is_int(library_find(&l, "x", &p, &e), -1, "no library is an error");
	has_str(e.msg, "open the folder of plugins ", "... that names it");
	l = library("lib");
	is_int(plugin_load(&l, at("lib/python/none.py"), &p, &e), -1,
	       "no file is an error");
	is_int(e.kind, ERR_NOT_FOUND, "... of its kind");
}

/* --- Trust ---------------------------------------------------------------- */

/* Each makes something untrusted in a fresh copy of a small library. */
static void
break_owner(void)
{
	if (chown(at("t/python/a.py"), 4711, 4711) < 0)
		diag("chown");
}

static void
break_by_symlink(void)
{
	_free_ char *path = xstrdup(at("t/python/a.py"));

	if (rename(path, at("t/real.txt")) < 0 ||
	    symlink("../real.txt", path) < 0)
		diag("symlink");
}

static void
break_folder_by_symlink(void)
{
	_free_ char *path = xstrdup(at("t/python"));

	if (rename(path, at("t/real")) < 0 || symlink("real", path) < 0)
		diag("symlink");
}

static void
break_part_by_symlink(void)
{
	if (symlink("/etc/passwd", at("t/python/a/x.txt")) < 0)
		diag("symlink");
}

static void
break_by_fifo(void)
{
	if (mkfifo(at("t/python/a/fifo"), 0600) < 0)
		diag("mkfifo");
}

static void
break_by_cache(void)
{
	put("t/python/a/__pycache__/b.cpython-311.pyc", "x", 0644);
}

static void
break_by_compiled(void)
{
	put("t/python/a/b.pyc", "x", 0644);
}

static void
break_init(void)
{
	unlink(at("t/python/a/__init__.py"));
}

static void
break_by_two(void)
{
	put("t/python/a.py", HEADER("a"), 0644);
}

static const struct {
	const char *title;
	int files; /* f: a file, s: with a sidecar, d: a folder */
	mode_t mode;
	const char *rel;     /* gets that mode */
	void (*spoil)(void); /* or this is done */
	const char *want;    /* error; NULL: it loads */
	enum err_kind kind;
} trust[] = {
	{ "a file", 'f', 0, NULL, NULL, NULL, 0 },
	{ "a file with a sidecar", 's', 0, NULL, NULL, NULL, 0 },
	{ "a folder", 'd', 0, NULL, NULL, NULL, 0 },
	{ "a sticky folder on the way", 'f', 01777, "t", NULL, NULL, 0 },
	{ "a file that its group may write", 'f', 0664, "t/python/a.py", NULL,
	  "a.py may be written by its group (mode 0664)", ERR_DENIED },
	{ "a folder on the way that others may write", 'f', 0777, "t/python",
	  NULL, "python may be written by others (mode 0777)", ERR_DENIED },
	{ "a library that its group may write", 'f', 0775, "t", NULL,
	  "t may be written by its group (mode 0775)", ERR_DENIED },
	{ "a part of a folder that others may write", 'd', 0666,
	  "t/python/a/b/c.py", NULL, "a/b/c.py may be written by others",
	  ERR_DENIED },
	{ "a sticky folder within a plugin, to which others can add", 'd',
	  01777, "t/python/a/b", NULL, "a/b may be written by others",
	  ERR_DENIED },
	{ "a plugin's folder that is sticky", 'd', 01777, "t/python/a", NULL,
	  "python/a may be written by others", ERR_DENIED },
	{ "a sidecar that others may write", 's', 0666,
	  "t/python/a.py.plugin.yaml", NULL,
	  "a.py.plugin.yaml may be written by others", ERR_DENIED },
	{ "a file of another user", 'f', 0, NULL, break_owner,
	  "a.py belongs to user id 4711", ERR_DENIED },
	{ "a file that is a symlink", 'f', 0, NULL, break_by_symlink,
	  "a.py is a symlink", ERR_DENIED },
	{ "a symlink within a folder", 'd', 0, NULL, break_part_by_symlink,
	  "a/x.txt is a symlink", ERR_DENIED },
	{ "a FIFO within a folder", 'd', 0, NULL, break_by_fifo,
	  "a/fifo is neither a file nor a folder", ERR_USAGE },
	{ "a folder with a cache of Python", 'd', 0, NULL, break_by_cache,
	  "a/__pycache__ is compiled Python", ERR_DENIED },
	{ "a folder with compiled Python", 'd', 0, NULL, break_by_compiled,
	  "a/b.pyc is compiled Python", ERR_DENIED },
	{ "a folder without __init__.py", 'd', 0, NULL, break_init,
	  "a has no __init__.py", ERR_USAGE },
	{ "a header in the file and beside it", 's', 0, NULL, break_by_two,
	  "which one holds?", ERR_USAGE },
};

static void
fresh(int files)
{
	_free_ char *old = xstrdup(at("t"));
	static int number;

	if (access(old, F_OK) == 0) {
		char name[32];

		snprintf(name, sizeof(name), "old%d", number++);
		if (rename(old, at(name)) < 0)
			diag("rename");
	}
	if (files == 'd') {
		put("t/python/a/__init__.py", HEADER("a"), 0644);
		put("t/python/a/b/c.py", "x = 1\n", 0644);
		return;
	}
	put("t/python/a.py", files == 's' ? "print(1)\n" : HEADER("a"), 0644);
	if (files == 's')
		put("t/python/a.py.plugin.yaml", "name: a\n", 0644);
}

static void
test_trust(void)
{
	for (size_t i = 0; i < TAP_COUNT(trust); i++) {
		bool folder = trust[i].files == 'd';
		_cleanup_(plugin_release) struct plugin p = { 0 };
		struct library l = library("t");
		struct err e = ERR_INIT;
		int r;

		if (trust[i].spoil == break_owner && geteuid() != 0)
			continue; /* only root can give a file away */
		fresh(trust[i].files);
		if (trust[i].rel)
			chmod(at(trust[i].rel), trust[i].mode);
		if (trust[i].spoil)
			trust[i].spoil();
		r = plugin_load(&l, at(folder ? "t/python/a" : "t/python/a.py"),
				&p, &e);
		is_int(r, trust[i].want ? -1 : 0, "%s %s", trust[i].title,
		       trust[i].want ? "is refused" : "is read");
		if (trust[i].want) {
			has_str(e.msg, trust[i].want, "... and why");
			is_int(e.kind, trust[i].kind, "... of that kind");
		} else if (r < 0) {
			diag("%s", e.msg);
		}
	}
}

/* Named by a path it is resolved and checked where it is; not in a library. */
static void
test_symlinked_folder(void)
{
	struct library l = library("t");
	struct plugin p = { 0 };
	struct err e = ERR_INIT;

	fresh('f');
	break_folder_by_symlink();
	is_int(library_find(&l, "a", &p, &e), -1,
	       "a folder of a library that is a symlink is refused");
	has_str(e.msg, "python is a symlink", "... and why");
	is_int(e.kind, ERR_DENIED, "... as denied");
}

/* --- Digests -------------------------------------------------------------- */

static void
digest(const char *rel, char hex[DIGEST_HEX])
{
	_cleanup_(plugin_release) struct plugin p = { 0 };
	struct library l = library("t");
	struct err e = ERR_INIT;

	snprintf(hex, DIGEST_HEX, "-");
	if (plugin_load(&l, at(rel), &p, &e) < 0)
		diag("%s", e.msg);
	else
		memcpy(hex, p.sha256, DIGEST_HEX);
}

static void
test_digest_of_file(void)
{
	char hex[DIGEST_HEX];

	fresh('f');
	digest("t/python/a.py", hex);
	is_str(hex,
	       "31902f58f2af29bd830ea8242b2144f60ec3628c6ed8cc39451a17c769be0e4b",
	       "the digest of one file is what sha256sum prints");
	fresh('s');
	digest("t/python/a.py", hex);
	is_str(hex,
	       "12bddd319ddf0439565fccb12d70ab8388e634221823db62c884cb0cd682b897",
	       "that of two is of both, by their names");
}

/* Each change of a folder gives another digest, and its undoing the first. */
static void
test_digest_of_folder(void)
{
	static const struct {
		const char *title, *rel, *text;
		mode_t mode;
	} changes[] = {
		{ "a changed byte", "t/python/a/b/c.py", "x = 2\n", 0644 },
		{ "an execute bit", "t/python/a/b/c.py", "x = 1\n", 0755 },
		{ "a further file", "t/python/a/d.py", "", 0644 },
		{ "a file in another folder", "t/python/a/c.py", "x = 1\n",
		  0644 },
	};
	char first[DIGEST_HEX], other[DIGEST_HEX];

	fresh('d');
	digest("t/python/a", first);
	is_int((intmax_t)strlen(first), 64, "a folder has a digest");
	fresh('d');
	digest("t/python/a", other);
	is_str(other, first, "... which is the same of an equal folder");
	for (size_t i = 0; i < TAP_COUNT(changes); i++) {
		fresh('d');
		put(changes[i].rel, changes[i].text, changes[i].mode);
		digest("t/python/a", other);
		ok(strcmp(first, other) != 0, "... and another with %s",
		   changes[i].title);
	}
}

static void
test_files(void)
{
	_cleanup_(plugin_release) struct plugin p = { 0 };
	struct library l = library("t");
	struct err e = ERR_INIT;

	fresh('d');
	put("t/python/a.plugin.yaml", "name: a\n", 0644);
	put("t/python/a/__init__.py", "x = 1\n", 0644);
	is_int(plugin_load(&l, at("t/python/a/"), &p, &e), 0,
	       "a folder may have its header beside it");
	is_str(p.entry, at("t/python/a/__init__.py"), "... its entry");
	is_str(p.header_file, at("t/python/a.plugin.yaml"), "... its header");
	is_int((intmax_t)p.files.n, 3, "... and all its files");
	ok(strv_has(&p.files, at("t/python/a/b/c.py")), "... by their paths");
}

static void
test_too_large(void)
{
	struct library l = library("t");
	struct plugin p = { 0 };
	struct err e = ERR_INIT;

	fresh('f');
	if (truncate(at("t/python/a.py"), (64 << 20) + 1) < 0)
		diag("truncate");
	is_int(plugin_load(&l, at("t/python/a.py"), &p, &e), -1,
	       "a plugin of more than 64 MiB is refused");
	has_str(e.msg, "more than 64 MiB", "... and why");
}

/* --- New ones ------------------------------------------------------------- */

static void
test_new(void)
{
	static const struct {
		const char *name, *file, *test;
		bool shell;
	} cases[] = {
		{ "my-plugin", "my_plugin.py", "test_my_plugin.py", false },
		{ "my-script", "my_script.sh", "my_script_test.sh", true },
		{ "7up", "_7up.py", "test__7up.py", false },
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		_free_ char *folder = xstrdup(
			at(cases[i].shell ? "new/shell" : "new/python"));
		_free_ char *want = NULL, *test = NULL;
		_cleanup_(plugin_release) struct plugin p = { 0 };
		_strv_ struct strv written = { 0 };
		struct library l = library("new");
		struct err e = ERR_INIT;

		want = xasprintf("%s/%s", folder, cases[i].file);
		test = xasprintf("%s/%s", folder, cases[i].test);
		is_int(plugin_new(folder, cases[i].name, cases[i].shell,
				  &written, &e),
		       0, "%s is written", cases[i].name);
		ok(strv_has(&written, want) && strv_has(&written, test),
		   "... with its test");
		if (!is_int(library_find(&l, cases[i].name, &p, &e), 0,
			    "... and found"))
			diag("%s", e.msg);
		is_int((intmax_t)p.advice.n, 0, "... with nothing to improve");
		is_int(plugin_new(folder, cases[i].name, cases[i].shell,
				  &written, &e),
		       -1, "... and never overwritten");
		has_str(e.msg, "is there already", "... which is said");
	}
}

static void
test_new_list(void)
{
	struct library l = library("new");
	struct plugin_entry *list = NULL;
	_strv_ struct strv written = { 0 };
	struct err e = ERR_INIT;
	size_t n = 0;

	library_list(&l, &list, &n, &e);
	is_int((intmax_t)n, 3, "tests are not listed as plugins");
	library_free_list(list, n);
	is_int(plugin_new(at("new"), "a/b", false, &written, &e), -1,
	       "no plugin gets a name that is none");
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
	char template[] = "/tmp/test_library.XXXXXX";

	umask(022);
	if (!mkdtemp(template) || !realpath(template, top))
		return 1;
	build();
	test_find();
	test_list();
	test_doubles();
	test_disabled();
	test_absent();
	test_trust();
	test_symlinked_folder();
	test_digest_of_file();
	test_digest_of_folder();
	test_files();
	test_too_large();
	test_new();
	test_new_list();
	nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return tap_done();
}
