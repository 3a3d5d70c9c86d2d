"""The hand joints of the NYU data set that the paper's Table 4 is about, in the order of the label 'joints'."""

from __future__ import annotations

JOINTS = (
    "F1_KNU3_A",
    "F1_KNU2_B",
    "F2_KNU3_A",
    "F2_KNU2_B",
    "F3_KNU3_A",
    "F3_KNU2_B",
    "F4_KNU3_A",
    "F4_KNU2_B",
    "TH_KNU3_A",
    "TH_KNU3_B",
    "TH_KNU2_B",
    "PALM_1",
    "PALM_2",
    "PALM_3",
)
"""The 14 of 36 that Tompson et al. 2014 predict: tip and middle of the little (F1) to the index finger (F4), three of
the thumb, two at the wrist and the palm's centre. PALM_3 is what other work centres its crops on."""
