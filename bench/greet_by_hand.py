"""The bundled plugin greet, as a person writes it without the agent: the
parameters by argparse, the result by json."""
import argparse
import json


def parameter(text):
    name, equals, value = text.partition("=")
    if not equals or name != "name" or not value:
        raise argparse.ArgumentTypeError("expected name=TEXT, not %r" % text)
    return value


def main():
    parser = argparse.ArgumentParser(description="Greet somebody.")
    parser.add_argument("name", type=parameter, metavar="name=TEXT",
                        help="who is greeted")
    args = parser.parse_args()
    print(json.dumps({"greeting": "hello, %s" % args.name}))


if __name__ == "__main__":
    main()
