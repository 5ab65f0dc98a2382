/*
 * accept.h: what a client would rather have: Accept and Accept-Encoding
 * (RFC 9110, 12.5), by their weights.
 */
#ifndef API_ACCEPT_H
#define API_ACCEPT_H

#include <stddef.h>

/*
 * The index of the offer that is wanted most; the earlier of two that are
 * wanted as much.  -1: none of them.  A header that is absent (NULL) takes
 * all; what of one can't be read is passed over.
 */

/* Media types, "text/plain"; ranges as text/ * and * / * are understood. */
int accept_type(const char *header, const char *const *offers, size_t n);

/*
 * Codings, "gzip".  The last offer is to be "identity", which is always taken
 * unless the header forbids it; without a header it is the only one.
 */
int accept_coding(const char *header, const char *const *offers, size_t n);

#endif
