"""Answers, held to the description that the program gives of itself."""

import json
import re

import jsonschema


class Contract:
    """What /openapi.json promises."""

    def __init__(self, document):
        self.document = document
        self.checked = 0
        self.paths = [
            (re.compile("^" + re.sub(r"\{\w+\}", "[^/]+", path) + "$"), item)
            for path, item in document["paths"].items()]

    def operation(self, method, path):
        """The description of a request; None where there is none."""
        for pattern, item in self.paths:
            if pattern.match(path.split("?")[0]):
                return item.get(method.lower())
        return None

    def resolve(self, thing):
        """What a $ref points to."""
        while "$ref" in thing:
            at = self.document
            for part in thing["$ref"].split("/")[1:]:
                at = at[part]
            thing = at
        return thing

    def check(self, method, path, answer):
        """Fails where an answer is not as described."""
        operation = self.operation(method, path)
        content = answer.headers["Content-Type"]
        if operation is None:
            assert answer.status in (204, 400, 403, 404, 405, 411, 413, 414,
                                     421, 431), (method, path, answer.status)
            return
        responses = operation["responses"]
        told = self.resolve(responses.get(str(answer.status),
                                          responses["default"]))
        if "content" not in told:
            assert answer.body == b"", answer.body
            return
        media = told["content"].get(content.split(";")[0])
        assert media, (method, path, answer.status, content, answer.body)
        if method != "HEAD" and content.endswith("json"):
            self.validate(media["schema"], answer)
        self.checked += 1

    def validate(self, schema, answer):
        """Its body, by a schema."""
        jsonschema.validate(
            answer.plain(),
            {**schema, "components": self.document["components"]},
            cls=jsonschema.Draft202012Validator)


def load(api):
    """The description, of a program that runs."""
    return Contract(json.loads(api.get("/openapi.json").body))
