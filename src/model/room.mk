# The model room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/model/libmodel.a
src_model_libmodel_a_SOURCES = \
	src/model/columns.h \
	src/model/covered.c \
	src/model/delta.c \
	src/model/environment.c \
	src/model/graph.c \
	src/model/json_value.h \
	src/model/ledger.c \
	src/model/record.c \
	src/model/record_json.c \
	src/model/record_pack.c \
	src/model/result.c \
	src/model/run.c \
	src/model/words.c
