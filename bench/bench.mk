# Benchmarks, run by `make bench`; doc/performance.md says how they measure.
#   bench_programs += bench/thing            a program built for them
#   bench_bench_thing_LDADD = $(libs_store)
#   bench_runs += bench/thing.sh             an executable script (or program) that prints its ratios, non-zero when one is missed

bench_programs += bench/bench_command
bench_bench_command_SOURCES = bench/bench_command.c bench/measure.c bench/measure.h
bench_bench_command_LDADD = $(libs_store)
bench_runs += bench/bench_command

bench_programs += bench/bench_put_branches
bench_bench_put_branches_SOURCES = bench/bench_put_branches.c bench/measure.c bench/measure.h
bench_bench_put_branches_LDADD = $(libs_store)
bench_runs += bench/bench_put_branches
