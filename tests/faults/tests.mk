# Faults: processes killed at named points, calls that fail, disks that lie.
# Tests here that take long are named in long_tests, so that they start first.
