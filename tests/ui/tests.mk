# The tests of the ui room. A test program is two lines; its source is the program's name with .c:
#   unit_tests += tests/ui/test_thing
#   tests_ui_test_thing_LDADD = $(test_ui)
unit_tests += tests/ui/test_views
tests_ui_test_views_SOURCES = tests/ui/test_views.c tests/ui/scene.c tests/ui/scene.h
tests_ui_test_views_LDADD = $(test_ui)

unit_tests += tests/ui/test_dialogs
tests_ui_test_dialogs_SOURCES = tests/ui/test_dialogs.c tests/ui/scene.c tests/ui/scene.h
tests_ui_test_dialogs_LDADD = $(test_ui)

unit_tests += tests/ui/test_keymap
tests_ui_test_keymap_SOURCES = tests/ui/test_keymap.c tests/ui/scene.c tests/ui/scene.h
tests_ui_test_keymap_LDADD = $(test_ui)

unit_tests += tests/ui/test_parts
tests_ui_test_parts_SOURCES = tests/ui/test_parts.c tests/ui/scene.c tests/ui/scene.h
tests_ui_test_parts_LDADD = $(test_ui)

unit_tests += tests/ui/test_plans
tests_ui_test_plans_SOURCES = tests/ui/test_plans.c tests/ui/scene.c tests/ui/scene.h
tests_ui_test_plans_LDADD = $(test_ui)

unit_tests += tests/ui/test_releases
tests_ui_test_releases_SOURCES = tests/ui/test_releases.c tests/ui/scene.c tests/ui/scene.h
tests_ui_test_releases_LDADD = $(test_ui)

unit_tests += tests/ui/test_finding
tests_ui_test_finding_SOURCES = tests/ui/test_finding.c tests/ui/scene.c tests/ui/scene.h
tests_ui_test_finding_LDADD = $(test_ui)
