/*
 * The main() of a fuzzer without libFuzzer: feeds every file of the target's
 * corpus to it and reports in TAP. A crash or a sanitizer's report ends the
 * program, and so fails the test. build/t/replay_NAME reads
 * t/fuzz/corpus/NAME/, or the files that it is given.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

#define INPUT_MAX (16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

/* The input is exactly as long as its memory, for the sanitizers to see. */
static bool
replay_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *data;
	size_t size, got = 0;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size > INPUT_MAX)
		return false;
	size = (size_t)st.st_size;
	data = malloc(size ? size : 1);
	while (data && got < size && n > 0) {
		n = read(fd, data + got, size - got);
		got += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	if (data && got == size)
		LLVMFuzzerTestOneInput(data, size);
	free(data);
	return data && got == size;
}

static int
replay_folder(const char *folder)
{
	struct dirent **names;
	int count = scandir(folder, &names, NULL, alphasort);

	ok(count > 2, "there are inputs in %s", folder);
	for (int i = 0; i < count; i++) {
		char path[2 * PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		if (names[i]->d_name[0] != '.') {
			printf("# %s\n", path);
			fflush(stdout);
			ok(replay_file(path), "%s is survived",
			   names[i]->d_name);
		}
		free(names[i]);
	}
	free(count < 0 ? NULL : names);
	return tap_done();
}

int
main(int argc, char **argv)
{
	const char *name = strstr(argv[0], "replay_");
	char folder[PATH_MAX];

	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			ok(replay_file(argv[i]), "%s is survived", argv[i]);
		return tap_done();
	}
	snprintf(folder, sizeof(folder), "t/fuzz/corpus/%s",
		 name ? name + strlen("replay_") : "");
	return replay_folder(folder);
}
