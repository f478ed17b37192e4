# End to end: the real programs on a real pseudo-terminal.
# A script is executable, speaks TAP on its standard output, finds the programs in $BERTH and $BERTHD, and is named in
#   script_tests += tests/e2e/thing.py

test_tools += tests/e2e/test_dashboard
long_tests += tests/e2e/test_dashboard
tests_e2e_test_dashboard_SOURCES = tests/e2e/test_dashboard.c tests/e2e/screen.c tests/e2e/screen.h
tests_e2e_test_dashboard_LDADD = $(libs_store) $(VTERM_LIBS) $(CMOCKA_LIBS)

# The picture of the README is what the program shows; scripts/picture draws it anew.
test_tools += tests/e2e/picture
long_tests += tests/e2e/picture.sh
tests_e2e_picture_SOURCES = tests/e2e/picture.c tests/e2e/screen.c tests/e2e/screen.h
tests_e2e_picture_LDADD = $(libs_store) $(VTERM_LIBS) $(CMOCKA_LIBS)

# What comes from outside and is not what it should be.
long_tests += tests/e2e/hostile_repositories.py tests/e2e/hostile_names.py tests/e2e/hostile_templates.py tests/e2e/hostile_logs.py

# The audit kept in git: kills, rewritten refs, changed bytes, planted secrets.
long_tests += tests/e2e/audit_git.py
