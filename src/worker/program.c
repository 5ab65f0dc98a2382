#include "worker/program.h"

#include <sys/stat.h>

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "worker/launch.h"

#define SHEBANG_MAX 256	   /* as the kernel's BINPRM_BUF_SIZE */
#define MAX_INTERPRETERS 4 /* as the kernel's own recursion limit */
#define MAX_HEADERS 64

/*
 * Where the host's own libraries are; what does not exist is left out.  The
 * cache makes finding them one open.
 */
static const char *const host_libraries[] = {
#if defined(__x86_64__)
	"/usr/lib/x86_64-linux-gnu",
#elif defined(__aarch64__)
	"/usr/lib/aarch64-linux-gnu",
#elif defined(__riscv)
	"/usr/lib/riscv64-linux-gnu",
#endif
	"/usr/lib64",
	"/usr/local/lib/x86_64-linux-gnu",
	"/etc/ld.so.cache",
	"/etc/ld-musl-x86_64.path",
};

/* What comes with a language, by the start of its interpreter's name. */
static const struct language {
	const char *name;
	const char *libraries[8]; /* %s: the version in the name */
} languages[] = {
	{ "python",
	  { "/usr/lib/python%s", "/usr/lib64/python%s", "/usr/lib/python3",
	    "/usr/local/lib/python%s", "/usr/local/lib64/python%s" } },
	{ "perl",
	  { "/usr/share/perl", "/usr/share/perl5", "/usr/lib/perl5",
	    "/usr/lib64/perl5", "/etc/perl", "/usr/local/share/perl",
	    "/usr/local/lib/site_perl" } },
	{ "ruby",
	  { "/usr/lib/ruby", "/usr/share/ruby", "/usr/lib64/ruby",
	    "/var/lib/gems", "/usr/share/rubygems-integration" } },
};

/* Read the file's first bytes: how many, 0 where it can't be read. */
static size_t
read_start(int fd, void *to, size_t len, off_t at)
{
	ssize_t n = pread(fd, to, len, at);

	return n < 0 ? 0 : (size_t)n;
}

static int
open_program(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* "env -S NAME ARG" and "env NAME": what env would start. */
static void
resolve_env(struct strv *words)
{
	const char *slash = words->n ? strrchr(words->items[0], '/') : NULL;
	struct strv out = { NULL, 0 };
	size_t skip = 1;

	if (!slash || strcmp(slash, "/env") != 0 || words->n < 2)
		return;
	if (strcmp(words->items[1], "-S") == 0)
		skip = 2;
	for (size_t i = skip; i < words->n; i++) {
		_free_ char *found =
			i == skip ? launch_which(words->items[i]) : NULL;

		strv_add(&out, found ? found : words->items[i]);
	}
	strv_release(words);
	*words = out;
}

void
program_shebang(const char *path, struct strv *words)
{
	_close_ int fd = open_program(path);
	char text[SHEBANG_MAX];
	char *save = NULL;
	size_t n = fd < 0 ? 0 : read_start(fd, text, sizeof(text) - 1, 0);

	text[n] = '\0';
	if (strncmp(text, "#!", 2) != 0)
		return;
	text[strcspn(text, "\r\n")] = '\0';
	for (char *w = strtok_r(text + 2, " \t", &save); w;
	     w = strtok_r(NULL, " \t", &save))
		strv_add(words, w);
	resolve_env(words);
}

/* PT_INTERP of a 64-bit program of this machine; NULL where it has none. */
static char *
elf_loader(const char *path)
{
	_close_ int fd = open_program(path);
	Elf64_Ehdr head;
	char loader[PATH_MAX];

	if (fd < 0 || read_start(fd, &head, sizeof(head), 0) != sizeof(head) ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
	    head.e_ident[EI_CLASS] != ELFCLASS64 ||
	    head.e_phentsize != sizeof(Elf64_Phdr))
		return NULL;
	for (unsigned i = 0; i < head.e_phnum && i < MAX_HEADERS; i++) {
		Elf64_Phdr part;
		off_t at = (off_t)(head.e_phoff + i * sizeof(part));

		if (read_start(fd, &part, sizeof(part), at) != sizeof(part) ||
		    part.p_type != PT_INTERP || part.p_filesz >= sizeof(loader))
			continue;
		at = (off_t)part.p_offset;
		loader[read_start(fd, loader, part.p_filesz, at)] = '\0';
		return loader[0] == '/' ? xstrdup(loader) : NULL;
	}
	return NULL;
}

/* The libraries of the language whose interpreter this is. */
static void
add_language(const char *interpreter, struct strv *libraries)
{
	char real[PATH_MAX];
	const char *name;

	if (!realpath(interpreter, real))
		return;
	name = strrchr(real, '/') + 1;
	for (size_t i = 0; i < ARRAY_SIZE(languages); i++) {
		const struct language *l = &languages[i];
		size_t len = strlen(l->name);

		if (strncmp(name, l->name, len) != 0)
			continue;
		for (size_t k = 0; k < 8 && l->libraries[k]; k++) {
			const char *mark = strstr(l->libraries[k], "%s");
			int head = mark ? (int)(mark - l->libraries[k]) :
					  (int)strlen(l->libraries[k]);
			_free_ char *path =
				xasprintf("%.*s%s", head, l->libraries[k],
					  mark ? name + len : "");

			strv_add_once(libraries, path);
		}
	}
}

void
program_needs(const char *path, struct strv *exec, struct strv *libraries)
{
	_free_ char *program = xstrdup(path);

	for (int depth = 0; depth < MAX_INTERPRETERS; depth++) {
		_strv_ struct strv words = { NULL, 0 };
		_free_ char *loader = NULL;

		strv_add_once(exec, program);
		add_language(program, libraries);
		program_shebang(program, &words);
		if (words.n) {
			free(program);
			program = xstrdup(words.items[0]);
			continue;
		}
		loader = elf_loader(program);
		if (loader)
			strv_add_once(exec, loader);
		break;
	}
	for (size_t i = 0; i < ARRAY_SIZE(host_libraries); i++)
		strv_add_once(libraries, host_libraries[i]);
}
