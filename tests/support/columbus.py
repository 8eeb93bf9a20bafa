"""Columbus, Ohio, 1980, after Anselin (1988, Spatial Econometrics: Methods and Models, table 12.1): 49 neighbourhoods.

Value of housing, rounded to thousands of dollars; income of households, thousands of dollars; burglaries and thefts of
vehicles per thousand households. spint tests its dispersion statistics on a Poisson fit of the first on the others.
"""

import numpy as np

_TEXT = """
80 19.531 15.72598
45 21.232 18.801754
26 15.956 30.626781
33 4.477 32.38776
23 11.252 50.73151
29 16.028999 26.066658
75 8.438 0.178269
37 11.337 38.425858
53 17.586 30.515917
96 13.598 34.000835
20 7.467 62.275448
20 10.048 56.705669
42 9.549 46.716129
43 9.963 57.066132
18 9.873 48.585487
19 7.625 54.838711
42 9.798 36.868774
60 13.185 43.962486
31 11.618 54.521965
81 31.07 0.223797
20 10.655 40.074074
30 11.709 33.705048
48 21.155001 20.048504
53 14.236 38.297871
18 8.461 61.299175
20 8.085 40.969742
34 10.822 52.79443
23 7.856 56.919785
32 8.681 60.750446
22 13.906 68.892044
32 16.940001 17.677214
40 18.941999 19.145592
24 9.918 41.968163
28 14.948 23.974028
27 12.814 39.175053
36 18.739 14.305556
43 17.017 42.445076
23 11.107 53.710938
40 18.476999 19.100863
62 29.833 16.241299
42 22.207001 18.905146
44 25.872999 16.49189
26 13.38 36.663612
34 16.961 25.962263
28 14.135 29.028488
76 18.323999 16.530533
42 18.950001 27.822861
27 11.813 26.645266
36 18.796 22.541491
"""
HOUSING, INCOME, CRIME = np.array([line.split() for line in _TEXT.split("\n")[1:-1]], float).T


def poisson_fit() -> np.ndarray:
    """Fitted means of log-linear Poisson regression with a constant, by iteratively reweighted least squares [49]."""
    x = np.column_stack([np.ones(len(HOUSING)), INCOME, CRIME])
    mu = HOUSING + 0.5
    for _ in range(50):
        root = np.sqrt(mu)[:, None]
        working = np.log(mu) + (HOUSING - mu) / mu
        mu = np.exp(x @ np.linalg.lstsq(root * x, root[:, 0] * working, rcond=None)[0])
    return mu
