#include "base/heap.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Four children a node: half the levels of two, all in one cache line. */
#define ARITY 4
#define CAP_MIN 16

void
heap_init(struct heap *h, heap_before_fn *before)
{
	memset(h, 0, sizeof(*h));
	h->before = before;
}

void
heap_release(struct heap *h)
{
	for (size_t i = 0; i < h->n; i++)
		h->nodes[i]->place = 0;
	free(h->nodes);
	h->nodes = NULL;
	h->n = h->cap = 0;
}

static void
put(struct heap *h, size_t i, struct heap_node *node)
{
	h->nodes[i] = node;
	node->place = i + 1;
}

/* Move `node` towards the root from the free place i. */
static void
sift_up(struct heap *h, size_t i, struct heap_node *node)
{
	while (i > 0) {
		size_t parent = (i - 1) / ARITY;

		if (!h->before(node, h->nodes[parent]))
			break;
		put(h, i, h->nodes[parent]);
		i = parent;
	}
	put(h, i, node);
}

static size_t
least_child(const struct heap *h, size_t i)
{
	size_t least = i * ARITY + 1;
	size_t end = least + ARITY;

	for (size_t c = least + 1; c < end && c < h->n; c++)
		if (h->before(h->nodes[c], h->nodes[least]))
			least = c;
	return least;
}

static void
sift_down(struct heap *h, size_t i, struct heap_node *node)
{
	while (i * ARITY + 1 < h->n) {
		size_t child = least_child(h, i);

		if (!h->before(h->nodes[child], node))
			break;
		put(h, i, h->nodes[child]);
		i = child;
	}
	put(h, i, node);
}

static void
resize(struct heap *h, size_t cap)
{
	h->nodes = xrealloc(h->nodes, cap, sizeof(*h->nodes));
	h->cap = cap;
}

void
heap_add(struct heap *h, struct heap_node *node)
{
	if (h->n == h->cap)
		resize(h, h->cap ? h->cap * 2 : CAP_MIN);
	sift_up(h, h->n++, node);
}

/* `node` belongs at the free place i, or above or below it. */
static void
settle(struct heap *h, size_t i, struct heap_node *node)
{
	if (i > 0 && h->before(node, h->nodes[(i - 1) / ARITY]))
		sift_up(h, i, node);
	else
		sift_down(h, i, node);
}

void
heap_remove(struct heap *h, struct heap_node *node)
{
	size_t i = node->place - 1;
	struct heap_node *last;

	if (!heap_has(node))
		return;
	node->place = 0;
	last = h->nodes[--h->n];
	if (last != node)
		settle(h, i, last);
	/* a burst's memory is given back, with room against to and fro */
	if (h->cap > CAP_MIN && h->n < h->cap / 8)
		resize(h, h->cap / 2);
}

void
heap_moved(struct heap *h, struct heap_node *node)
{
	if (heap_has(node))
		settle(h, node->place - 1, node);
}
