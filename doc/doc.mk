# Documentation that is installed.
dist_man_MANS += doc/berth.1 doc/berthd.8 doc/berth.yaml.5
nobase_dist_doc_DATA += doc/configuration.md doc/commands.md doc/audit.md doc/terraform.md doc/berth.schema.json doc/template.schema.json doc/berthd.schema.json
