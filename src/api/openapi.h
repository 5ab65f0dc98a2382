/*
 * openapi.h: the API's description, made of the tables of routes, parameters,
 * problems and schemas.
 */
#ifndef API_OPENAPI_H
#define API_OPENAPI_H

#include "base/buf.h"

/* /openapi.json */
void openapi_write(struct buf *out);
/* docs/api.md */
void reference_write(struct buf *out);

/* A schema of schema.c: its name, and its JSON text. */
struct schema {
	const char *name;
	const char *text;
};
extern const struct schema schemas[];
extern const size_t schemas_count;

#endif
