def test_it_greets_by_name(python):
    assert python("greet", {"name": "x"}).result == {"greeting": "hello, x"}


def test_it_greets_the_world_by_default(python):
    assert python("greet").result == {"greeting": "hello, world"}
