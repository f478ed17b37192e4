# Benchmarks, run by `make bench`; doc/performance.md says how they measure.
#   bench_programs += bench/thing            a program built for them
#   bench_bench_thing_LDADD = $(libs_store)
#   bench_runs += bench/thing.sh             an executable script (or program) that prints its ratios, non-zero when one is missed
