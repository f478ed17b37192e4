# Fuzz targets. Every room adds its own here, four lines each; the corpus is tests/fuzz/corpus/fuzz_thing/.
#   fuzz_targets += tests/fuzz/fuzz_thing
#   tests_fuzz_fuzz_thing_SOURCES = tests/fuzz/fuzz_thing.c $(fuzz_main)
#   tests_fuzz_fuzz_thing_LDADD = $(test_config)
#   tests_fuzz_fuzz_thing_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
# Configured with --enable-fuzzers they are libFuzzer programs; otherwise replay.c is their main, and `make check`
# feeds each file of the corpus through the target, one test a file.
if FUZZERS
fuzz_main =
fuzz_ldflags = -fsanitize=fuzzer
else
fuzz_main = tests/fuzz/replay.c
fuzz_ldflags =
endif

fuzz_targets += tests/fuzz/fuzz_frame
tests_fuzz_fuzz_frame_SOURCES = tests/fuzz/fuzz_frame.c $(fuzz_main)
tests_fuzz_fuzz_frame_LDADD = $(test_base)
tests_fuzz_fuzz_frame_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
fuzz_targets += tests/fuzz/fuzz_node
tests_fuzz_fuzz_node_SOURCES = tests/fuzz/fuzz_node.c $(fuzz_main)
tests_fuzz_fuzz_node_LDADD = $(test_base)
tests_fuzz_fuzz_node_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
fuzz_targets += tests/fuzz/fuzz_text
tests_fuzz_fuzz_text_SOURCES = tests/fuzz/fuzz_text.c $(fuzz_main)
tests_fuzz_fuzz_text_LDADD = $(test_base)
tests_fuzz_fuzz_text_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
fuzz_targets += tests/fuzz/fuzz_zone
tests_fuzz_fuzz_zone_SOURCES = tests/fuzz/fuzz_zone.c $(fuzz_main)
tests_fuzz_fuzz_zone_LDADD = $(test_base)
tests_fuzz_fuzz_zone_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
fuzz_targets += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c $(fuzz_main)
tests_fuzz_fuzz_config_LDADD = $(test_config)
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
fuzz_targets += tests/fuzz/fuzz_expand
tests_fuzz_fuzz_expand_SOURCES = tests/fuzz/fuzz_expand.c $(fuzz_main)
tests_fuzz_fuzz_expand_LDADD = $(test_config)
tests_fuzz_fuzz_expand_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
fuzz_targets += tests/fuzz/fuzz_record
tests_fuzz_fuzz_record_SOURCES = tests/fuzz/fuzz_record.c $(fuzz_main)
tests_fuzz_fuzz_record_LDADD = $(test_model)
tests_fuzz_fuzz_record_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
