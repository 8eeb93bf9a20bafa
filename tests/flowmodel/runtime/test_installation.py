"""Facts about the installation that doctor.py prints."""

import numpy as np
import pandas as pd

from flowmodel.runtime import installation


def test_packages_that_differ_from_the_lock_are_named():
    lock = f"numpy==0.1 ; python_version < '3'\nnumpy=={np.__version__} ; x\npandas==0.2 \\\n    --hash=1\nno-such==1\n"
    assert installation.against_lock(lock) == f"1 of 3 packages as locked; pandas {pd.__version__} (lock: 0.2)"


def test_a_variable_that_replaces_the_packages_data_is_to_be_unset():
    facts = dict(installation.variables({"GDAL_DATA": "/somewhere"}))
    assert facts["GDAL_DATA"] == "/somewhere: takes the place of the packages' own data; unset it"
    assert facts["PROJ_LIB"] == facts["FLOWMODEL_DATA"] == "not set"
