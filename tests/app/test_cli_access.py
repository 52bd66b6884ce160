"""`aforo users` and `aforo audit` through the command line, over real sockets."""

import json

from aforo.app.cli.exits import Exit
from tests.app.test_cli_flow import Terminal, World, signed_in, terminal, world

__all__ = ["signed_in", "terminal", "world"]


def test_people_are_invited_given_roles_and_shut_out_and_the_trail_tells_of_it(
    world: World, terminal: Terminal
) -> None:
    assert "/sign-in/" in terminal.run("users", "invite", "cli@acme.example", "--role", "finance")
    assert "is operator." in terminal.run("users", "set", "CLI@acme.example", "--role", "operator")
    assert "shut out" in terminal.run("users", "set", "cli@acme.example", "--shut-out")
    assert "shut out" in terminal.run("users", "list")
    terminal.run("users", "link", "cli@acme.example", ends=Exit.CONFLICT)
    terminal.run("users", "set", "nobody@acme.example", "--role", "admin", ends=Exit.NOT_FOUND)
    assert "user.change" in terminal.run("audit", "list", "user.change")
    assert "The trail is whole" in terminal.run("audit", "verify")
    lines = [json.loads(line) for line in terminal.run("audit", "export").splitlines()]
    assert {"user.invite", "user.change"} <= {line["action"] for line in lines}
