"""What is documented is what there is."""

import re
from pathlib import Path

import pytest

from bot.config.env_file import read_env_file
from bot.config.settings import Settings

ROOT = Path(__file__).parent.parent
NAMES = [name.upper() for name in Settings.model_fields]


def test_the_example_file_has_every_setting_and_no_other() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert sorted(line.partition("=")[0] for line in lines if line and line[0] != "#") == sorted(NAMES)


def test_the_example_file_can_be_read() -> None:
    found = read_env_file(ROOT / ".env.example", known=set(Settings.model_fields), several_lines=())
    assert found.problems == []
    assert found.values["smtp_tls"] == Settings.model_fields["smtp_tls"].default
    assert found.values["secret_key"] == found.values["mail_from"] == ""


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_explains_every_setting(name: str) -> None:
    assert f"`{name}`" in (ROOT / "README.md").read_text()


def test_the_readme_names_no_setting_that_does_not_exist() -> None:
    table = (ROOT / "README.md").read_text().partition("## Settings")[2].partition("## More")[0]
    assert set(re.findall(r"`([A-Z]+_[A-Z_]+)`", table)) <= set(NAMES)


@pytest.mark.parametrize("path", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]), ids=lambda p: p.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_the_makefile_has_every_target_that_the_documents_name() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        assert set(re.findall(r"^make (\w+)", path.read_text(), re.MULTILINE)) <= targets
