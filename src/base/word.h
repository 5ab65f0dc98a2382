/*
 * word.h: words that people mistype.
 */
#ifndef BASE_WORD_H
#define BASE_WORD_H

/*
 * How unlike two words are: the count of insertions, deletions,
 * substitutions and swaps of neighbours (optimal string alignment) between
 * them; words longer than 64 bytes are as unlike as can be.
 */
unsigned word_distance(const char *a, const char *b);

#endif
