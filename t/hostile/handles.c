/*
 * handles.c: files by number instead of by path, past the view:
 * open_by_handle_at(), as one that once broke out of containers did. Refused.
 */
#include "hostile.h"

#include <fcntl.h>

int
main(void)
{
	struct {
		struct file_handle head;
		unsigned char bytes[16];
	} handle = { .head = { .handle_bytes = 8, .handle_type = 1 },
		     .bytes = { 2 } };
	int mount, root = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	tried("open", open_by_handle_at(root, &handle.head, O_RDONLY));
	tried("name",
	      name_to_handle_at(root, "", &handle.head, &mount, AT_EMPTY_PATH));
	over();
	return 0;
}
