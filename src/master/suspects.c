/* Who sends wrong tokens, by address, as long as he goes on. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "master/tokens_parts.h"

struct suspect {
	TAILQ_ENTRY(suspect) link;
	unsigned char network[16];
	unsigned tries;
	int64_t last_ms, until_ms; /* clock_mono_ms() */
};

/* An address, or of IPv6 its network; what is no address counts as one. */
static void
network_of(const char *address, unsigned char network[16])
{
	memset(network, 0, 16);
	if (inet_pton(AF_INET, address, network) == 1)
		network[15] = 4;
	else if (inet_pton(AF_INET6, address, network) == 1)
		memset(network + 8, 0, 8);
}

static void
suspect_free(struct tokens *all, struct suspect *s)
{
	TAILQ_REMOVE(&all->suspects, s, link);
	all->n_suspects--;
	free(s);
}

/* The first has been quiet the longest. */
static void
forget_old(struct tokens *all, int64_t now)
{
	struct suspect *s, *next;

	for (s = TAILQ_FIRST(&all->suspects); s; s = next) {
		if (s->last_ms + TOKEN_FORGET_MS > now &&
		    all->n_suspects <= TOKEN_ADDRESSES_MAX)
			return;
		next = TAILQ_NEXT(s, link);
		suspect_free(all, s);
	}
}

static struct suspect *
find(struct tokens *all, const unsigned char network[16])
{
	struct suspect *s;

	TAILQ_FOREACH_REVERSE(s, &all->suspects, suspects, link)
	if (memcmp(s->network, network, 16) == 0)
		return s;
	s = xcalloc(1, sizeof(*s));
	memcpy(s->network, network, 16);
	TAILQ_INSERT_TAIL(&all->suspects, s, link);
	all->n_suspects++;
	return s;
}

static int64_t
slow_ms(unsigned tries)
{
	unsigned over = tries - TOKEN_TRIES;
	int64_t ms =
		over < 16 ? (int64_t)TOKEN_SLOW_MS << over : TOKEN_SLOW_MAX_MS;

	return ms < TOKEN_SLOW_MAX_MS ? ms : TOKEN_SLOW_MAX_MS;
}

int
suspects_note(struct tokens *all, const char *address, int64_t *retry_ms)
{
	int64_t now = clock_mono_ms();
	unsigned char network[16];
	struct suspect *s;

	forget_old(all, now);
	network_of(address, network);
	s = find(all, network);
	TAILQ_REMOVE(&all->suspects, s, link);
	TAILQ_INSERT_TAIL(&all->suspects, s, link);
	s->last_ms = now;
	/* what he sends while he waits is not looked at, nor counted */
	if (now < s->until_ms) {
		*retry_ms = s->until_ms - now;
		return -1;
	}
	s->tries++;
	if (s->tries <= TOKEN_TRIES)
		return 0;
	*retry_ms = slow_ms(s->tries - 1);
	s->until_ms = now + *retry_ms;
	return -1;
}

void
suspects_release(struct tokens *all)
{
	struct suspect *s, *next;

	for (s = TAILQ_FIRST(&all->suspects); s; s = next) {
		next = TAILQ_NEXT(s, link);
		suspect_free(all, s);
	}
}
