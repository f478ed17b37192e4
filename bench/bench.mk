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

bench_programs += bench/bench_chains
bench_bench_chains_SOURCES = bench/bench_chains.c bench/deploy.c bench/deploy.h tests/faults/world.c tests/faults/world.h \
	tests/faults/shop.c tests/faults/shop.h
bench_bench_chains_LDADD = $(libs_store)
bench_runs += bench/bench_chains

bench_programs += bench/bench_terraform
bench_bench_terraform_SOURCES = bench/bench_terraform.c bench/deploy.c bench/deploy.h bench/measure.c bench/measure.h \
	tests/faults/world.c tests/faults/world.h tests/faults/shop.c tests/faults/shop.h
bench_bench_terraform_LDADD = $(libs_store)
bench_runs += bench/bench_terraform

bench_programs += bench/bench_destroy
bench_bench_destroy_SOURCES = bench/bench_destroy.c bench/deploy.c bench/deploy.h bench/measure.c bench/measure.h \
	tests/faults/world.c tests/faults/world.h tests/faults/shop.c tests/faults/shop.h
bench_bench_destroy_LDADD = $(libs_store)
bench_runs += bench/bench_destroy

bench_programs += bench/bench_git_list
bench_bench_git_list_SOURCES = bench/bench_git_list.c bench/repository.c bench/repository.h \
	bench/measure.c bench/measure.h
bench_bench_git_list_LDADD = $(libs_provider)
bench_runs += bench/bench_git_list

bench_programs += bench/bench_git_pins
bench_bench_git_pins_SOURCES = bench/bench_git_pins.c bench/measure.c bench/measure.h
bench_bench_git_pins_LDADD = $(libs_provider)
bench_runs += bench/bench_git_pins

bench_programs += bench/bench_first_frame
bench_bench_first_frame_SOURCES = bench/bench_first_frame.c bench/measure.c bench/measure.h
bench_bench_first_frame_LDADD = $(libs_store)
bench_runs += bench/bench_first_frame

bench_programs += bench/bench_daemon
bench_bench_daemon_SOURCES = bench/bench_daemon.c bench/repository.c bench/repository.h bench/measure.c bench/measure.h
bench_bench_daemon_LDADD = $(libs_store)
bench_runs += bench/bench_daemon
