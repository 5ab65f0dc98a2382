/* base/heap: the least of many, whatever is added, removed and moved. */
#include "tap.h"

#include "base/heap.h"
#include "base/mem.h"

struct item {
	int key;
	struct heap_node node;
};

static unsigned long compared;

static bool
before(const struct heap_node *a, const struct heap_node *b)
{
	compared++;
	return HEAP_ENTRY(a, struct item, node)->key <
	       HEAP_ENTRY(b, struct item, node)->key;
}

/* A random number that is the same in every run. */
static unsigned
next_random(void)
{
	static unsigned state = 1;

	state = state * 1103515245u + 12345u;
	return state >> 8;
}

static struct item *
first(const struct heap *h)
{
	return HEAP_ENTRY(heap_first(h), struct item, node);
}

static bool
is_whole(const struct heap *h)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->nodes[i]->place != i + 1)
			return false;
		if (i && before(h->nodes[i], h->nodes[(i - 1) / 4]))
			return false;
	}
	return true;
}

static void
test_order(void)
{
	static const int keys[] = { 5, 3, 9, 1, 1, 7, -2, 3 };
	static const int sorted[] = { -2, 1, 1, 3, 3, 5, 7, 9 };
	struct item items[TAP_COUNT(keys)] = { 0 };
	struct heap h;
	bool same = true;

	heap_init(&h, before);
	ok(!first(&h), "an empty heap has no first");
	for (size_t i = 0; i < TAP_COUNT(keys); i++) {
		items[i].key = keys[i];
		heap_add(&h, &items[i].node);
	}
	for (size_t i = 0; i < TAP_COUNT(sorted); i++) {
		struct item *it = first(&h);

		same = same && it->key == sorted[i];
		heap_remove(&h, &it->node);
		same = same && !heap_has(&it->node);
	}
	ok(same, "what is added comes out by its key");
	ok(!first(&h), "... to the last");
	heap_remove(&h, &items[0].node);
	ok(!first(&h), "removing what is in no heap does nothing");
	heap_moved(&h, &items[0].node);
	ok(!first(&h), "... nor does moving it");
	heap_add(&h, &items[0].node);
	heap_release(&h);
	ok(!heap_has(&items[0].node), "released, a heap has no element");
}

#define MANY 100000

/* One random act; returns how far the heap has grown. */
static void
act(struct heap *h, struct item *it)
{
	int key = (int)(next_random() % 1000000);

	if (!heap_has(&it->node)) {
		it->key = key;
		heap_add(h, &it->node);
	} else if (key % 3) {
		it->key = key;
		heap_moved(h, &it->node);
	} else {
		heap_remove(h, &it->node);
	}
}

static void
test_many(void)
{
	struct item *items = xcalloc(MANY, sizeof(*items));
	struct heap h;
	unsigned long worst = 0;
	bool sorted = true;
	int last = -1;

	heap_init(&h, before);
	for (int i = 0; i < 20000; i++) {
		act(&h, &items[next_random() % 300]);
		if (i % 100 == 0 && !is_whole(&h))
			break;
	}
	ok(is_whole(&h), "random acts leave a heap that is whole");
	while (heap_first(&h))
		heap_remove(&h, heap_first(&h));
	for (size_t i = 0; i < MANY; i++) {
		items[i].key = (int)(next_random() % 1000000);
		compared = 0;
		heap_add(&h, &items[i].node);
		worst = compared > worst ? compared : worst;
	}
	/* 9 levels of four */
	ok(worst <= 9, "adding to 100,000 compares at most 9 times: %lu",
	   worst);
	ok(is_whole(&h), "... and leaves it whole");
	worst = 0;
	while (heap_first(&h)) {
		struct item *it = first(&h);

		sorted = sorted && it->key >= last;
		last = it->key;
		compared = 0;
		heap_remove(&h, &it->node);
		worst = compared > worst ? compared : worst;
	}
	ok(sorted, "100,000 come out sorted");
	ok(worst <= 9 * 4 + 1, "... with at most 37 comparisons each: %lu",
	   worst);
	ok(h.cap < 100, "what held them was given back: %zu places", h.cap);
	heap_release(&h);
	free(items);
}

int
main(void)
{
	test_order();
	test_many();
	return tap_done();
}
