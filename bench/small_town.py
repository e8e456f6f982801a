"""Makes the tests' small town in the database that the environment names: 27 villages with grids, people, no cases."""

from backend import create_app
from tests import town

if __name__ == "__main__":
    town.load(create_app())
