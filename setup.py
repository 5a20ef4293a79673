"""What pyproject.toml cannot say: a wheel takes alembic/ along, as db/alembic/.

Beside db/, as in a clone, it would fall into the library of its name. db.migrate looks in both.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

MIGRATIONS = ("alembic/*.py", "alembic/*.mako", "alembic/versions/*.py")


class BuildWithMigrations(build_py):
    """Python's part of the build, and the migrations."""

    def get_source_files(self) -> list[str]:
        """Everything that a source distribution needs."""
        return [*super().get_source_files(), *_migrations()]

    def run(self) -> None:
        """Build; an editable install finds the migrations in the clone."""
        super().run()
        for path in () if self.editable_mode else _migrations():
            target = Path(self.build_lib, "db", path)
            target.parent.mkdir(parents=True, exist_ok=True)
            self.copy_file(path, str(target))


def _migrations() -> list[str]:
    return sorted(str(path) for pattern in MIGRATIONS for path in Path().glob(pattern))


setup(cmdclass={"build_py": BuildWithMigrations})
