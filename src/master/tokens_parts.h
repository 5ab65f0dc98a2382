/*
 * tokens_parts.h: what the files of tokens.h share.
 */
#ifndef MASTER_TOKENS_PARTS_H
#define MASTER_TOKENS_PARTS_H

#include "master/tokens.h"

/* --- suspects.c: who sends wrong tokens --------------------------------- */

/* One more wrong one: 0, or -1 where he is to wait, *retry_ms long. */
int suspects_note(struct tokens *all, const char *address, int64_t *retry_ms);
void suspects_release(struct tokens *all);

/* --- tokens.c ------------------------------------------------------------ */

/* As `token list` shows it. */
struct value *token_value(const struct token *t);

#endif
