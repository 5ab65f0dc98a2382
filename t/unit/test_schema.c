/* plugin/schema: which schemas are refused, what parameters come to. */
#include "tap.h"

#include "base/mem.h"
#include "config/yaml.h"
#include "plugin/args.h"
#include "plugin/schema.h"
#include "proto/json.h"

static struct value *
read_yaml(const char *text)
{
	struct value *v = NULL;
	struct err e = ERR_INIT;

	if (yaml_decode(text, strlen(text), 1, 0, &v, &e) < 0)
		diag("%s: %s", text, e.msg);
	return v;
}

/* --- Schemas ------------------------------------------------------------- */

#define O "type: object\nproperties:\n  a: "

static const struct {
	const char *title, *in, *want; /* the error; NULL: accepted */
} schemas[] = {
	{ "the smallest schema", "type: object", NULL },
	{ "every key word",
	  "type: object\ntitle: t\ndescription: d\nexamples: [{}]\n"
	  "required: [a]\nadditionalProperties: false\nproperties:\n"
	  "  a: {type: string, minLength: 1, maxLength: 9, pattern: '^x'}\n"
	  "  b: {type: integer, minimum: 1, maximum: 9, default: 3}\n"
	  "  c: {type: number, exclusiveMinimum: 0, exclusiveMaximum: 1.5}\n"
	  "  d: {type: array, items: {type: string}, minItems: 1,\n"
	  "      maxItems: 3, uniqueItems: true}\n"
	  "  e: {enum: [1, x, null]}\n"
	  "  f: {const: 5}\n"
	  "  g: {type: object, additionalProperties: {type: string}}\n",
	  NULL },
	{ "a list of types", O "{type: [string, integer], minimum: 1}", NULL },
	{ "no schema", "[]",
	  "1:1: params: expected a JSON Schema, found array" },
	{ "no type", "properties: {}", "1:1: params: the outermost type" },
	{ "another type", "type: string", "1:7: params: the outermost type" },
	{ "two types", "type: [object, 'null']", "1:7: params: the outermost" },
	{ "a misspelt key word", O "{minimun: 1}",
	  "3:7: unknown key word 'minimun'; did you mean 'minimum'?" },
	{ "a key word of JSON Schema that is not of the subset",
	  O "{format: date}",
	  "3:7: unknown key word 'format'; known are type, " },
	{ "$ref", O "{$ref: '#/x'}", "3:7: unknown key word '$ref'" },
	{ "a misspelt key word deep inside",
	  O "{type: array, items: {type: object, properties: {x: {typ: 1}}}}",
	  "unknown key word 'typ'; did you mean 'type'?" },
	{ "an unknown type", O "{type: strin}",
	  "3:13: unknown type 'strin'; did you mean 'string'?" },
	{ "no type at all", O "{type: []}", "3:13: type is empty" },
	{ "a type that is no word", O "{type: 1}",
	  "3:13: type: expected a text" },
	{ "a property that is no schema", O "string",
	  "3:6: a: expected a schema, found string" },
	{ "properties that are a list", "type: object\nproperties: [a]",
	  "2:13: properties: expected names with their schemas" },
	{ "a minimum in quotes", O "{type: number, minimum: '1'}",
	  "3:30: minimum: expected a number, found string" },
	{ "a negative length", O "{type: string, minLength: -1}",
	  "minLength: expected a whole number from 0" },
	{ "bounds that leave nothing",
	  O "{type: integer, minimum: 5, maximum: 4}",
	  "maximum is less than minimum" },
	{ "a bound for strings", O "{type: string, minimum: 5}",
	  "3:21: minimum has no effect here: it is for a number" },
	{ "a pattern for numbers", O "{type: integer, pattern: x}",
	  "pattern has no effect here: it is for a string" },
	{ "a pattern that is none", O "{type: string, pattern: '(['}",
	  "3:30: pattern: not a regular expression: " },
	{ "a pattern with \\C", O "{type: string, pattern: 'a\\Cb'}",
	  "pattern: not a regular expression" },
	{ "an empty enum", O "{enum: []}", "3:13: enum is empty" },
	{ "an enum that is no list", O "{enum: x}", "enum: expected a list" },
	{ "a default of another type", O "{type: integer, default: x}",
	  "3:31: default: expected an integer, found the string \"x\"" },
	{ "a default out of range", O "{type: integer, maximum: 5, default: 6}",
	  "default: 6 is more than 5" },
	{ "a default that is none of the enum", O "{enum: [a, b], default: c}",
	  "default: \"c\" is none of a, b" },
	{ "a default of an object that breaks a rule within",
	  O "{type: object, properties: {x: {type: string}}, default: {x: 1}}",
	  "default.x: expected a string, found the integer 1" },
	{ "a required property that is none",
	  "type: object\nproperties: {name: {}}\nrequired: [nmae]",
	  "3:12: unknown property in required 'nmae'; did you mean 'name'?" },
	{ "required without properties", "type: object\nrequired: [x]",
	  "2:12: unknown property in required 'x'; known are none" },
	{ "required as a boolean", O "{type: string, required: true}",
	  "required: expected a list" },
	{ "a required name that is a number", "type: object\nrequired: [1]",
	  "required: expected the name of" },
	{ "additionalProperties of another kind",
	  "type: object\nadditionalProperties: no",
	  "2:23: additionalProperties: expected true, false or a schema" },
	{ "a name that is none", "type: object\nproperties:\n  a b: {}",
	  "3:3: 'a b' is no name of a parameter" },
	{ "a name with an equals sign", "type: object\nproperties:\n  a=b: {}",
	  "3:3: 'a=b' is no name of a parameter" },
	{ "two names that are one variable",
	  "type: object\nproperties:\n  a-b: {}\n  A_B: {}",
	  "4:3: a-b and A_B would be the same variable" },
	{ "odd names below the top",
	  O "{type: object, properties: {'x y': {}, 'x=y': {}}}", NULL },
};

static void
test_schemas(void)
{
	for (size_t i = 0; i < TAP_COUNT(schemas); i++) {
		_value_ struct value *v = read_yaml(schemas[i].in);
		struct err e = ERR_INIT;
		int r = v ? schema_check(v, &e) : -2;

		is_int(r, schemas[i].want ? -1 : 0, "%s: %s", schemas[i].title,
		       schemas[i].want ? "refused" : "accepted");
		if (schemas[i].want)
			has_str(e.msg, schemas[i].want, "... with the place");
		else if (r < 0)
			diag("%s", e.msg);
	}
}

/* --- Parameters ---------------------------------------------------------- */

#define GREET                                                           \
	"type: object\nadditionalProperties: false\nrequired: [name]\n" \
	"properties:\n"                                                 \
	"  name: {type: string, description: Whom to greet.}\n"         \
	"  count: {type: integer, minimum: 1, maximum: 9, default: 2}\n"
#define OF(schema) "type: object\nproperties:\n  a: " schema "\n"

static const struct {
	const char *title, *schema, *in, *want, *want_error;
} applied[] = {
	{ "what is absent gets its default", GREET, "{\"name\":\"x\"}",
	  "{\"name\":\"x\",\"count\":2}", NULL },
	{ "what is there keeps its value", GREET,
	  "{\"name\":\"x\",\"count\":3}", "{\"name\":\"x\",\"count\":3}",
	  NULL },
	{ "null is there", GREET, "{\"name\":\"x\",\"count\":null}", NULL,
	  "parameter count: expected an integer, found null" },
	{ "a default of false", OF("{type: boolean, default: false}"), "{}",
	  "{\"a\":false}", NULL },
	{ "a default of null", OF("{default: null}"), "{}", "{\"a\":null}",
	  NULL },
	{ "a default within an object",
	  OF("{type: object, properties: {b: {default: 1}}}"), "{\"a\":{}}",
	  "{\"a\":{\"b\":1}}", NULL },
	{ "a default within a default",
	  OF("{type: object, default: {}, properties: {b: {default: 1}}}"),
	  "{}", "{\"a\":{\"b\":1}}", NULL },
	{ "defaults within items",
	  OF("{type: array, items: {type: object, properties: "
	     "{b: {default: 1}}}}"),
	  "{\"a\":[{},{\"b\":2}]}", "{\"a\":[{\"b\":1},{\"b\":2}]}", NULL },
	{ "no default in an object that is absent",
	  OF("{type: object, properties: {b: {default: 1}}}"), "{}", "{}",
	  NULL },
	{ "more members where they may be", OF("{}"), "{\"b\":1}", "{\"b\":1}",
	  NULL },
	{ "more members by their schema",
	  "type: object\nadditionalProperties: {type: integer}",
	  "{\"b\":1,\"c\":\"x\"}", NULL,
	  "parameter c: expected an integer, found the string \"x\"" },
	{ "1.0 as an integer", OF("{type: integer}"), "{\"a\":1.0}",
	  "{\"a\":1.0}", NULL },
	{ "1.0 in an enum of integers", OF("{enum: [1, 2]}"), "{\"a\":1.0}",
	  "{\"a\":1.0}", NULL },
	{ "an integer as a number", OF("{type: number}"), "{\"a\":1}",
	  "{\"a\":1}", NULL },

	{ "something missing, with its description", GREET, "{}", NULL,
	  "parameter name is required: Whom to greet." },
	{ "something misspelt", GREET, "{\"nmae\":\"x\"}", NULL,
	  "parameter nmae: unknown; did you mean name?" },
	{ "something unknown", GREET, "{\"colour\":\"x\"}", NULL,
	  "parameter colour: unknown; known are name, count" },
	{ "a string for a number", OF("{type: number}"), "{\"a\":\"x\"}", NULL,
	  "parameter a: expected a number, found the string \"x\"" },
	{ "a fraction for an integer", OF("{type: integer}"), "{\"a\":1.5}",
	  NULL, "parameter a: expected an integer, found the number 1.5" },
	{ "a value of none of two types", OF("{type: [string, integer]}"),
	  "{\"a\":true}", NULL,
	  "parameter a: expected an integer or a string, found the boolean "
	  "true" },
	{ "a word that is none of an enum",
	  OF("{enum: [any, active, inactive]}"), "{\"a\":\"fast\"}", NULL,
	  "parameter a: \"fast\" is none of any, active, inactive" },
	{ "a number's text in an enum of numbers", OF("{enum: [1]}"),
	  "{\"a\":\"1\"}", NULL, "parameter a: \"1\" is none of 1" },
	{ "another value than the constant", OF("{const: 5}"), "{\"a\":6}",
	  NULL, "parameter a: 6 is not 5" },
	{ "too small", OF("{minimum: 1}"), "{\"a\":0}", NULL,
	  "parameter a: 0 is less than 1" },
	{ "too large", OF("{maximum: 65535}"), "{\"a\":70000}", NULL,
	  "parameter a: 70000 is more than 65535" },
	{ "the bound itself", OF("{minimum: 1, maximum: 1}"), "{\"a\":1}",
	  "{\"a\":1}", NULL },
	{ "an exclusive bound", OF("{exclusiveMinimum: 1}"), "{\"a\":1}", NULL,
	  "parameter a: 1 is not more than 1" },
	{ "the other exclusive bound", OF("{exclusiveMaximum: 1}"), "{\"a\":1}",
	  NULL, "parameter a: 1 is not less than 1" },
	{ "large integers, which doubles can't tell apart",
	  OF("{maximum: 9007199254740992}"), "{\"a\":9007199254740993}", NULL,
	  "parameter a: 9007199254740993 is more than 9007199254740992" },
	{ "too short", OF("{minLength: 3}"), "{\"a\":\"\xc3\xa9\xc3\xa9\"}",
	  NULL,
	  "parameter a: 2 characters, of which there must be at least 3" },
	{ "as long as allowed, in characters", OF("{maxLength: 2}"),
	  "{\"a\":\"\xc3\xa9\xc3\xa9\"}", "{\"a\":\"\xc3\xa9\xc3\xa9\"}",
	  NULL },
	{ "too few items", OF("{minItems: 1}"), "{\"a\":[]}", NULL,
	  "parameter a: 0 items, of which there must be at least 1" },
	{ "too many items", OF("{maxItems: 1}"), "{\"a\":[1,2]}", NULL,
	  "parameter a: 2 items, of which there may be at most 1" },
	{ "an item twice", OF("{uniqueItems: true}"), "{\"a\":[1,2,1.0]}", NULL,
	  "parameter a: 1 is there twice" },
	{ "a wrong item", OF("{items: {type: string}}"),
	  "{\"a\":[\"x\",\"y\",3]}", NULL,
	  "parameter a[2]: expected a string, found the integer 3" },
	{ "something wrong deep inside",
	  OF("{items: {type: object, properties: {b: {type: string}}}}"),
	  "{\"a\":[{\"b\":3}]}", NULL, "parameter a[0].b: expected a string" },
	{ "something missing inside",
	  OF("{type: object, properties: {b: {}}, required: [b]}"),
	  "{\"a\":{}}", NULL, "parameter a.b is required" },
	{ "a name that is none", OF("{}"), "{\"x=y\":1}", NULL,
	  "parameter x=y: no name of a parameter" },
	{ "no object", OF("{}"), "[1]", NULL, "parameters must be an object" },
	{ "a plugin without params takes none", NULL, "{}", "{}", NULL },
	{ "... and says so", NULL, "{\"x\":1}", NULL,
	  "parameter x: unknown; this plugin takes none" },

	{ "a pattern that matches", OF("{pattern: '^[a-z]+$'}"),
	  "{\"a\":\"abc\"}", "{\"a\":\"abc\"}", NULL },
	{ "a pattern that does not", OF("{pattern: '^[a-z]+$'}"),
	  "{\"a\":\"aBc\"}", NULL,
	  "parameter a: \"aBc\" does not match the pattern ^[a-z]+$" },
	{ "a line feed behind the end of a pattern",
	  OF("{pattern: '^[a-z]+$'}"), "{\"a\":\"abc\\n\"}", NULL,
	  "does not match the pattern" },
	{ "a pattern need not match the whole", OF("{pattern: b}"),
	  "{\"a\":\"abc\"}", "{\"a\":\"abc\"}", NULL },
	{ "characters, not bytes, in a pattern", OF("{pattern: '^.$'}"),
	  "{\"a\":\"\xe2\x82\xac\"}", "{\"a\":\"\xe2\x82\xac\"}", NULL },
	{ "\\u in a pattern", OF("{pattern: '^\\u20ac$'}"),
	  "{\"a\":\"\xe2\x82\xac\"}", "{\"a\":\"\xe2\x82\xac\"}", NULL },
	{ "a NUL in a string", OF("{pattern: '^[^\\x00]+$'}"),
	  "{\"a\":\"x\\u0000\"}", NULL, "does not match the pattern" },
	{ "a catastrophic pattern is an error, not a hang",
	  OF("{pattern: '^(a+)+$'}"),
	  "{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"}", NULL,
	  "can't be matched against its pattern: match limit exceeded" },
	{ "a pattern for a value that is no string does not count",
	  OF("{type: [string, integer], pattern: '^x$'}"), "{\"a\":5}",
	  "{\"a\":5}", NULL },
};

static void
test_applied(void)
{
	for (size_t i = 0; i < TAP_COUNT(applied); i++) {
		_value_ struct value *schema = NULL, *v = NULL;
		_buf_ struct buf got = { 0 };
		struct err e = ERR_INIT;
		const char *in = applied[i].in;
		int r;

		if (applied[i].schema)
			schema = read_yaml(applied[i].schema);
		if (schema && schema_check(schema, &e) < 0)
			diag("%s", e.msg);
		json_decode(in, strlen(in), &v, &e);
		r = schema_apply(schema, v, &e);
		is_int(r, applied[i].want ? 0 : -1, "%s: %s", applied[i].title,
		       applied[i].want ? "accepted" : "refused");
		if (r == 0)
			json_encode(v, &got);
		if (applied[i].want)
			is_str(r ? e.msg : got.data, applied[i].want,
			       "... as it should be");
		else
			has_str(e.msg, applied[i].want_error,
				"... and the parameter named");
	}
}

static void
test_usage(void)
{
	static const char *const want[] = {
		"name (string, required): Whom to greet.",
		"count (integer, from 1, up to 9, default 2)",
		"mode (string, slow|fast): How.",
		"other (any)",
	};
	_value_ struct value *schema = read_yaml(
		GREET
		"  mode: {type: string, enum: [slow, fast], title: How.}\n"
		"  other: {}\n");
	_strv_ struct strv lines = { 0 };

	schema_usage(schema, &lines);
	is_int((intmax_t)lines.n, TAP_COUNT(want), "a line a parameter");
	for (size_t i = 0; i < lines.n && i < TAP_COUNT(want); i++)
		is_str(lines.items[i], want[i], "line %zu of help", i + 1);
	schema_usage(NULL, &lines);
	is_int((intmax_t)lines.n, TAP_COUNT(want), "... and none without any");
}

static void
test_args(void)
{
	static const struct {
		const char *title, *item, *params, *want, *want_error;
	} items[] = {
		{ "plain text", "--verbose", "{}", "--verbose", NULL },
		{ "an empty item", "", "{}", "", NULL },
		{ "a string", "{s}", "{\"s\":\"a b; $x\"}", "a b; $x", NULL },
		{ "a number within", "-w{n}%", "{\"n\":20}", "-w20%", NULL },
		{ "a fraction", "{n}", "{\"n\":0.5}", "0.5", NULL },
		{ "a negative number", "{n}", "{\"n\":-5}", "-5", NULL },
		{ "a boolean", "{n}", "{\"n\":true}", "true", NULL },
		{ "two in one", "{s}:{n}", "{\"s\":\"x\",\"n\":1}", "x:1",
		  NULL },
		{ "doubled braces", "{{s}} }}{{", "{}", "{s} }{", NULL },
		{ "an option behind the text", "--x={s}", "{\"s\":\"-y\"}",
		  "--x=-y", NULL },
		{ "a parameter that would be an option", "{s}",
		  "{\"s\":\"--evil\"}", NULL, "parameter s begins with '-'" },
		{ "... also behind an empty one", "{n}{s}",
		  "{\"n\":\"\",\"s\":\"-e\"}", NULL, "begins with '-'" },
		{ "a NUL", "{s}", "{\"s\":\"a\\u0000b\"}", NULL,
		  "parameter s holds a NUL" },
		{ "a list", "{s}", "{\"s\":[1]}", NULL,
		  "parameter s is array, which can't be put" },
		{ "something absent", "{s}", "{}", NULL,
		  "parameter s is absent" },
	};

	for (size_t i = 0; i < TAP_COUNT(items); i++) {
		_strv_ struct strv in = { 0 }, out = { 0 };
		_value_ struct value *params = NULL;
		struct err e = ERR_INIT;

		strv_add(&in, items[i].item);
		json_decode(items[i].params, strlen(items[i].params), &params,
			    &e);
		if (args_expand(&in, params, &out, &e) == 0)
			is_str(out.items[0], items[i].want,
			       "%s becomes one argument", items[i].title);
		else
			has_str(e.msg, items[i].want_error, "%s is refused",
				items[i].title);
	}
}

int
main(void)
{
	test_schemas();
	test_applied();
	test_usage();
	test_args();
	return tap_done();
}
