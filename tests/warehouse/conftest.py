"""The built night of the dbt tests, here to be attacked."""

from tests.dbt_project.conftest import dbt, world

__all__ = ["dbt", "world"]
