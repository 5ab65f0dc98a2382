/*
 * heap.h: the least of many, in O(log n); an intrusive 4-ary heap.
 *
 *	struct job { struct heap_node node; int priority; ... };
 *
 *	heap_init(&queue, job_before);
 *	heap_add(&queue, &job->node);
 *	first = HEAP_ENTRY(heap_first(&queue), struct job, node);
 *
 * The heap owns an array of pointers, never the elements.  A node is zeroed
 * before its first use and is in one heap at most.  What before() compares
 * may change while a node is in the heap if heap_moved() is called before
 * anything else is done with the heap.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

struct heap_node {
	size_t place; /* index + 1; 0: in no heap */
};

/* Whether a comes out before b; where neither does, either may. */
typedef bool heap_before_fn(const struct heap_node *a,
			    const struct heap_node *b);

struct heap {
	struct heap_node **nodes;
	size_t n, cap;
	heap_before_fn *before;
};

void heap_init(struct heap *h, heap_before_fn *before);
void heap_release(struct heap *h); /* the nodes are in no heap then */

void heap_add(struct heap *h, struct heap_node *node);
/* Takes it out wherever it stands; nothing where it is in no heap. */
void heap_remove(struct heap *h, struct heap_node *node);
/* What before() compares has changed for this node. */
void heap_moved(struct heap *h, struct heap_node *node);

static inline struct heap_node *
heap_first(const struct heap *h) /* NULL when empty; not taken out */
{
	return h->n ? h->nodes[0] : NULL;
}

static inline bool
heap_has(const struct heap_node *node)
{
	return node->place != 0;
}

/* The element that a node is part of; NULL for NULL. */
#define HEAP_ENTRY(pointer, type, member)                   \
	__extension__({                                     \
		const struct heap_node *entry_ = (pointer); \
		entry_ ? (type *)((const char *)entry_ -    \
				  offsetof(type, member)) : \
			 NULL;                              \
	})

#endif
