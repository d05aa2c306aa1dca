"""Find the variables that a template cannot do without."""

from jinja2 import nodes


def needs(node: nodes.Node, *, given: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the names used without a default and without a test, around them, whether they are defined."""
    match node:
        case nodes.Name():
            return frozenset() if node.name in given or node.ctx != "load" else frozenset([node.name])
        case nodes.Filter(name="default" | "d", node=nodes.Name()) | nodes.Test(name="defined" | "undefined"):
            parts = [(each, given) for each in node.iter_child_nodes() if each is not node.node]
        case nodes.And():
            parts = [(node.left, given), (node.right, given | _asked(node.left))]
        case nodes.If():
            sure = given | _asked(node.test)
            parts = [(node.test, given), *((each, sure) for each in node.body)]
            parts += [(each, given) for each in (*node.elif_, *node.else_)]
        case nodes.CondExpr():
            parts = [(node.test, given), (node.expr1, given | _asked(node.test))]
            parts += [(node.expr2, given)] if node.expr2 is not None else []
        case _:
            parts = [(each, given) for each in node.iter_child_nodes()]
    return frozenset[str]().union(*(needs(each, given=known) for each, known in parts))


def _asked(test: nodes.Node) -> frozenset[str]:
    """Return the names that are defined if this test holds."""
    match test:
        case nodes.Test(name="defined", node=nodes.Name(name=name)):
            return frozenset([name])
        case nodes.And():
            return _asked(test.left) | _asked(test.right)
        case _:
            return frozenset()
