# Documentation that is installed.
dist_man_MANS += doc/berth.1 doc/berthd.8 doc/berth.yaml.5
